"""EfficientNet, of inverted bottlenecks.

M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from consilia.models.layers import init_convolutional


@dataclass(frozen=True)
class Stage:
    """One row of Table 1 of the paper."""

    expansion: int  # Inner channels of a block, in multiples of its input's.
    kernel_size: int
    stride: int  # Of the first block.
    channels: int
    depth: int


_B0_STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)


@dataclass(frozen=True)
class EfficientNetConfig:
    """An EfficientNet. The defaults are EfficientNet-B0."""

    num_classes: int = 4
    image_size: int = 224
    in_channels: int = 3
    stem_width: int = 32
    stages: tuple[Stage, ...] = _B0_STAGES
    head_width: int = 1280


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm and, where asked for, SiLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        has_activation: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.has_activation = has_activation

    def forward(self, x: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to `out_channels`, at the stride."""
        out: Tensor = self.bn(self.conv(x))
        return functional.silu(out) if self.has_activation else out


class SqueezeExcite(nn.Module):
    """Reweights channels by their global means (Hu et al. 2018, "Squeeze-and-Excitation Networks")."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to the same."""
        gate = self.expand(functional.silu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * gate.sigmoid()


class MBConv(nn.Module):
    """Inverted bottleneck with squeeze-and-excite (Sandler et al. 2018, Tan et al. 2019)."""

    def __init__(self, in_channels: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inner = in_channels * stage.expansion
        self.expand: ConvNorm | None = ConvNorm(in_channels, inner, 1) if stage.expansion != 1 else None
        self.depthwise = ConvNorm(inner, inner, stage.kernel_size, stride=stride, groups=inner)
        self.se = SqueezeExcite(inner, max(1, in_channels // 4))
        self.project = ConvNorm(inner, stage.channels, 1, has_activation=False)
        self.is_residual = stride == 1 and in_channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to the stage's channels, at the stride."""
        out = x if self.expand is None else self.expand(x)
        out = self.project(self.se(self.depthwise(out)))
        return x + out if self.is_residual else out


class EfficientNet(nn.Module):
    """Maps images `[N, C, H, W]` to logits `[N, num_classes]`."""

    def __init__(self, config: EfficientNetConfig) -> None:
        super().__init__()
        self.stem = ConvNorm(config.in_channels, config.stem_width, 3, stride=2)
        blocks: list[nn.Module] = []
        channels = config.stem_width
        for stage in config.stages:
            for block in range(stage.depth):
                blocks.append(MBConv(channels, stage, stage.stride if block == 0 else 1))
                channels = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.head = ConvNorm(channels, config.head_width, 1)
        self.classifier = nn.Linear(config.head_width, config.num_classes)
        init_convolutional(self)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to logits."""
        x = self.head(self.blocks(self.stem(image)))
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits

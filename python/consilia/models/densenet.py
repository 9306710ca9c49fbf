"""DenseNet, whose layers see all earlier ones.

G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely Connected Convolutional Networks", CVPR 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from consilia.models.layers import init_convolutional


@dataclass(frozen=True)
class DenseNetConfig:
    """A DenseNet-BC with compression 0.5. The defaults are DenseNet-121."""

    num_classes: int = 4
    image_size: int = 224
    in_channels: int = 3
    depths: tuple[int, ...] = (6, 12, 24, 16)  # Layers a dense block.
    stem_width: int = 64
    growth: int = 32  # Channels that each layer adds.
    bottleneck: int = 4  # Inner channels of a layer, in multiples of `growth`.


class DenseLayer(nn.Module):
    """Norm, ReLU, 1×1, norm, ReLU, 3×3; the result is appended to the input's channels."""

    def __init__(self, in_channels: int, config: DenseNetConfig) -> None:
        super().__init__()
        inner = config.bottleneck * config.growth
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, config.growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Adds `growth` channels to `[N, C, H, W]`."""
        new = self.conv1(functional.relu(self.norm1(x)))
        new = self.conv2(functional.relu(self.norm2(new)))
        return torch.cat((x, new), dim=1)


class Transition(nn.Module):
    """Halves the channels and the resolution between two dense blocks."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to `[N, C / 2, H / 2, W / 2]`."""
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2, stride=2)


class DenseNet(nn.Module):
    """Maps images `[N, C, H, W]` to logits `[N, num_classes]`."""

    def __init__(self, config: DenseNetConfig) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(config.in_channels, config.stem_width, 7, stride=2, padding=3, bias=False)
        self.norm0 = nn.BatchNorm2d(config.stem_width)
        channels = config.stem_width
        stages: list[nn.Module] = []
        for stage, depth in enumerate(config.depths):
            if stage > 0:
                stages.append(Transition(channels, channels // 2))
                channels //= 2
            layers = [DenseLayer(channels + i * config.growth, config) for i in range(depth)]
            stages.append(nn.Sequential(*layers))
            channels += depth * config.growth
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, config.num_classes)
        init_convolutional(self)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to logits."""
        x = functional.relu(self.norm0(self.conv0(image)))
        x = self.stages(functional.max_pool2d(x, 3, stride=2, padding=1))
        logits: Tensor = self.classifier(functional.relu(self.norm(x)).mean((2, 3)))
        return logits

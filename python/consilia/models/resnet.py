"""ResNet, of residual bottlenecks.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from consilia.models.layers import init_convolutional


@dataclass(frozen=True)
class ResNetConfig:
    """A bottleneck ResNet. The defaults are ResNet-50."""

    num_classes: int = 4
    image_size: int = 224  # Pixels; any size of at least 32 works, this one is what the member is fed.
    in_channels: int = 3
    depths: tuple[int, ...] = (3, 4, 6, 3)  # Blocks a stage.
    width: int = 64  # Channels of the stem; stage s has width * 2^s inner channels.


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions with a residual; the stride sits in the 3×3, as is common."""

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to four times `channels`, at the stride."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = functional.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return functional.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Maps images `[N, C, H, W]` to logits `[N, num_classes]`."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(config.in_channels, config.width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(config.width)
        stages: list[nn.Module] = []
        in_channels = config.width
        for stage, depth in enumerate(config.depths):
            channels = config.width * 2**stage
            blocks: list[nn.Module] = []
            for block in range(depth):
                blocks.append(Bottleneck(in_channels, channels, 2 if stage > 0 and block == 0 else 1))
                in_channels = channels * Bottleneck.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.fc = nn.Linear(in_channels, config.num_classes)
        init_convolutional(self)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to logits."""
        x = functional.relu(self.bn1(self.conv1(image)))
        x = self.stages(functional.max_pool2d(x, 3, stride=2, padding=1))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits

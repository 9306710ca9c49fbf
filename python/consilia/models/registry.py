"""The six families by name, each in its published size and in a small one for demonstrations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from consilia.models.crossvit import Branch, CrossVit, CrossVitConfig
from consilia.models.densenet import DenseNet, DenseNetConfig
from consilia.models.efficientnet import EfficientNet, EfficientNetConfig, Stage
from consilia.models.resnet import ResNet, ResNetConfig
from consilia.models.swin import SwinConfig, SwinTransformer
from consilia.models.vit import VisionTransformer, VisionTransformerConfig

ConfigName = Literal["full", "demo"]


@dataclass(frozen=True)
class Family:
    """An architecture, how to make it, and its two configurations."""

    id: str  # The id of its member package.
    architecture: str  # As people write it.
    timm_name: str  # Of the same network in timm.
    network: Callable[[Any], nn.Module]
    full: Any  # The family's config dataclass.
    demo: Any

    def config(self, name: ConfigName) -> Any:
        """Returns the named configuration.

        Raises:
            ValueError: The name is neither "full" nor "demo".
        """
        if name not in ("full", "demo"):
            raise ValueError(f"config: {name!r} is neither 'full' nor 'demo'")
        return self.full if name == "full" else self.demo


_DEMO_SIZE = 80

_DEMO_STAGES = (
    Stage(1, 3, 2, 16, 1),
    Stage(4, 3, 2, 24, 2),
    Stage(4, 5, 2, 48, 2),
    Stage(4, 3, 1, 64, 2),
)

_ALL = (
    Family(
        "crossvit",
        "CrossViT",
        "crossvit_small_240",
        CrossVit,
        CrossVitConfig(),
        CrossVitConfig(
            image_size=_DEMO_SIZE,
            in_channels=1,
            small=Branch(image_size=80, patch_size=10, width=48, depth=1, heads=3, mlp_ratio=2.0),
            large=Branch(image_size=72, patch_size=12, width=64, depth=2, heads=4, mlp_ratio=2.0),
            stages=2,
        ),
    ),
    Family(
        "resnet50",
        "ResNet-50",
        "resnet50",
        ResNet,
        ResNetConfig(),
        ResNetConfig(image_size=_DEMO_SIZE, in_channels=1, depths=(1, 2, 2), width=16),
    ),
    Family(
        "densenet121",
        "DenseNet-121",
        "densenet121",
        DenseNet,
        DenseNetConfig(),
        DenseNetConfig(image_size=_DEMO_SIZE, in_channels=1, depths=(3, 4, 4), stem_width=24, growth=12),
    ),
    Family(
        "efficientnet_b0",
        "EfficientNet-B0",
        "efficientnet_b0",
        EfficientNet,
        EfficientNetConfig(),
        EfficientNetConfig(
            image_size=_DEMO_SIZE, in_channels=1, stem_width=16, stages=_DEMO_STAGES, head_width=192
        ),
    ),
    Family(
        "vit_b16",
        "ViT-B/16",
        "vit_base_patch16_224",
        VisionTransformer,
        VisionTransformerConfig(),
        VisionTransformerConfig(
            image_size=_DEMO_SIZE, in_channels=1, patch_size=10, width=64, depth=4, heads=4, mlp_ratio=2.0
        ),
    ),
    Family(
        "swin_t",
        "Swin-T",
        "swin_tiny_patch4_window7_224",
        SwinTransformer,
        SwinConfig(),
        SwinConfig(
            image_size=_DEMO_SIZE,
            in_channels=1,
            patch_size=5,
            width=32,
            depths=(2, 2),
            heads=(2, 4),
            window=4,
            mlp_ratio=2.0,
        ),
    ),
)

FAMILY: Mapping[str, Family] = {family.id: family for family in _ALL}
FAMILIES: tuple[str, ...] = tuple(FAMILY)


def find_family(family: str) -> Family:
    """Returns the entry of one family.

    Raises:
        ValueError: There is none of this name.
    """
    if family not in FAMILY:
        raise ValueError(f"family: {family!r} is not one of {', '.join(FAMILIES)}")
    return FAMILY[family]


def build(family: str, config: ConfigName = "full", num_classes: int = 4, seed: int = 0) -> nn.Module:
    """Builds an untrained network, in evaluation mode, on the CPU.

    The same seed gives the same weights; the global random state is left as it was.

    Args:
        family: One of `FAMILIES`.
        config: "full" for the published network, "demo" for a small one of the same code.
        num_classes: Logits that the network gives.
        seed: Of the random weights.

    Raises:
        ValueError: An unknown family or config, or fewer than one class.
    """
    entry = find_family(family)
    if num_classes < 1:
        raise ValueError(f"num_classes: {num_classes} is not positive")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return entry.network(replace(entry.config(config), num_classes=num_classes)).eval()


def input_shape(family: str, config: ConfigName = "full") -> tuple[int, int, int]:
    """The `(channels, height, width)` that a network of `build` is fed."""
    chosen = find_family(family).config(config)
    return (chosen.in_channels, chosen.image_size, chosen.image_size)

"""Vision Transformer, over patches of an image.

A. Dosovitskiy et al., "An Image Is Worth 16x16 Words: Transformers for Image Recognition at
Scale", ICLR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from consilia.models.layers import (
    LAYER_NORM_EPS,
    PatchEmbed,
    TransformerBlock,
    init_transformer,
    learned_tokens,
    require_multiple,
)


@dataclass(frozen=True)
class VisionTransformerConfig:
    """A Vision Transformer. The defaults are ViT-B/16."""

    num_classes: int = 4
    image_size: int = 224
    in_channels: int = 3
    patch_size: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4.0


class VisionTransformer(nn.Module):
    """Maps images `[N, C, image_size, image_size]` to logits `[N, num_classes]`, read from a class token.

    Raises:
        ValueError: The image is not a whole number of patches, or the width of heads.
    """

    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        patches = require_multiple("image_size", config.image_size, config.patch_size) ** 2
        self.patch_embed = PatchEmbed(config.in_channels, config.patch_size, config.width)
        self.cls_token = learned_tokens(1, config.width)
        self.pos_embed = learned_tokens(1 + patches, config.width)
        self.blocks = nn.Sequential(
            *(TransformerBlock(config.width, config.heads, config.mlp_ratio) for _ in range(config.depth))
        )
        self.norm = nn.LayerNorm(config.width, eps=LAYER_NORM_EPS)
        self.head = nn.Linear(config.width, config.num_classes)
        init_transformer(self)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to logits."""
        tokens = self.patch_embed(image)
        tokens = torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1) + self.pos_embed
        tokens = self.norm(self.blocks(tokens))
        logits: Tensor = self.head(tokens[:, 0])
        return logits

"""CrossViT, which reads an image at two scales.

C.-F. Chen, Q. Fan, R. Panda, "CrossViT: Cross-Attention Multi-Scale Vision Transformer for Image
Classification", ICCV 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from consilia.models.layers import (
    LAYER_NORM_EPS,
    PatchEmbed,
    TransformerBlock,
    init_transformer,
    learned_tokens,
    require_multiple,
)


@dataclass(frozen=True)
class Branch:
    """One of the two scales at which the image is read."""

    image_size: int  # The image is resized to this square, bicubic, where it is another.
    patch_size: int
    width: int
    depth: int  # Encoder blocks in each multi-scale stage.
    heads: int
    mlp_ratio: float


@dataclass(frozen=True)
class CrossVitConfig:
    """A CrossViT of two branches. The defaults are CrossViT-S (`crossvit_small_240`)."""

    num_classes: int = 4
    image_size: int = 240
    in_channels: int = 3
    small: Branch = Branch(image_size=240, patch_size=12, width=192, depth=1, heads=6, mlp_ratio=4.0)
    large: Branch = Branch(image_size=224, patch_size=16, width=384, depth=4, heads=6, mlp_ratio=4.0)
    stages: int = 3


class CrossAttention(nn.Module):
    """Attention of the first token over all: `[N, tokens, width]` to `[N, 1, width]`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        require_multiple("width", width, heads)
        self.heads = heads
        self.wq = nn.Linear(width, width)
        self.wk = nn.Linear(width, width)
        self.wv = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        """Gives the new first token."""
        query = self._split(self.wq(tokens[:, 0:1]))
        key, value = self._split(self.wk(tokens)), self._split(self.wv(tokens))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


def _projection(from_width: int, to_width: int) -> nn.Module:
    if from_width == to_width:
        return nn.Identity()
    return nn.Sequential(
        nn.LayerNorm(from_width, eps=LAYER_NORM_EPS), nn.GELU(), nn.Linear(from_width, to_width)
    )


class Fusion(nn.Module):
    """Lets the class token of one branch attend to the patches of the other (section 3.3 of the paper)."""

    def __init__(self, own: Branch, other: Branch) -> None:
        super().__init__()
        self.project = _projection(own.width, other.width)
        self.norm = nn.LayerNorm(other.width, eps=LAYER_NORM_EPS)
        self.attn = CrossAttention(other.width, other.heads)
        self.revert = _projection(other.width, own.width)

    def forward(self, own: Tensor, other: Tensor) -> Tensor:
        """Gives the tokens of `own` with a new class token."""
        token = self.project(own[:, 0:1])
        joined = torch.cat((token, other[:, 1:]), dim=1)
        token = self.revert(token + self.attn(self.norm(joined)))
        return torch.cat((token, own[:, 1:]), dim=1)


class MultiScaleStage(nn.Module):
    """Encoders of both branches, then a fusion each way."""

    def __init__(self, small: Branch, large: Branch) -> None:
        super().__init__()
        self.small = self._encoder(small)
        self.large = self._encoder(large)
        self.fuse_small = Fusion(small, large)
        self.fuse_large = Fusion(large, small)

    @staticmethod
    def _encoder(branch: Branch) -> nn.Sequential:
        blocks = (TransformerBlock(branch.width, branch.heads, branch.mlp_ratio) for _ in range(branch.depth))
        return nn.Sequential(*blocks)

    def forward(self, small: Tensor, large: Tensor) -> tuple[Tensor, Tensor]:
        """Gives the new tokens of both branches."""
        small, large = self.small(small), self.large(large)
        return self.fuse_small(small, large), self.fuse_large(large, small)


class BranchEmbed(nn.Module):
    """Patches, class token and positions of one branch."""

    def __init__(self, in_channels: int, image_size: int, branch: Branch) -> None:
        super().__init__()
        patches = require_multiple("image_size", branch.image_size, branch.patch_size) ** 2
        self.resized_to = branch.image_size if branch.image_size != image_size else 0
        self.patch_embed = PatchEmbed(in_channels, branch.patch_size, branch.width)
        self.cls_token = learned_tokens(1, branch.width)
        self.pos_embed = learned_tokens(1 + patches, branch.width)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to the branch's tokens."""
        if self.resized_to:
            size = (self.resized_to, self.resized_to)
            image = functional.interpolate(image, size=size, mode="bicubic", align_corners=False)
        tokens = self.patch_embed(image)
        return torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1) + self.pos_embed


class CrossVit(nn.Module):
    """Maps images `[N, C, image_size, image_size]` to logits `[N, num_classes]`: the mean of both branches'.

    Raises:
        ValueError: A branch is not a whole number of patches, or its width of heads.
    """

    def __init__(self, config: CrossVitConfig) -> None:
        super().__init__()
        small, large = config.small, config.large
        self.embed_small = BranchEmbed(config.in_channels, config.image_size, small)
        self.embed_large = BranchEmbed(config.in_channels, config.image_size, large)
        self.stages = nn.ModuleList(MultiScaleStage(small, large) for _ in range(config.stages))
        self.norm_small = nn.LayerNorm(small.width, eps=LAYER_NORM_EPS)
        self.norm_large = nn.LayerNorm(large.width, eps=LAYER_NORM_EPS)
        self.head_small = nn.Linear(small.width, config.num_classes)
        self.head_large = nn.Linear(large.width, config.num_classes)
        init_transformer(self)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to logits."""
        small, large = self.embed_small(image), self.embed_large(image)
        for stage in self.stages:
            small, large = stage(small, large)
        logits_small: Tensor = self.head_small(self.norm_small(small)[:, 0])
        logits_large: Tensor = self.head_large(self.norm_large(large)[:, 0])
        return (logits_small + logits_large) / 2

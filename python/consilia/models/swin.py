"""Swin Transformer, with attention in shifted windows.

Z. Liu et al., "Swin Transformer: Hierarchical Vision Transformer Using Shifted Windows", ICCV 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from consilia.models.layers import Mlp, PatchEmbed, init_transformer, require_multiple

_MASKED = -100.0  # Added to the attention between regions that only the cyclic shift made neighbours.


@dataclass(frozen=True)
class SwinConfig:
    """A Swin Transformer. The defaults are Swin-T."""

    num_classes: int = 4
    image_size: int = 224
    in_channels: int = 3
    patch_size: int = 4
    width: int = 96  # Of the first stage; doubles with each.
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (3, 6, 12, 24)
    window: int = 7  # Side of an attention window, in tokens.
    mlp_ratio: float = 4.0


def _to_windows(x: Tensor, window: int) -> Tensor:
    """`[N, side, side, C]` to `[N, windows, window * window, C]`."""
    x = x.unflatten(1, (-1, window)).unflatten(3, (-1, window))
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _from_windows(x: Tensor, window: int, side: int) -> Tensor:
    """The inverse of `_to_windows`."""
    count = side // window
    x = x.unflatten(2, (window, window)).unflatten(1, (count, count))
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _relative_position_index(window: int) -> Tensor:
    """For each pair of tokens in a window, the row of the bias table that belongs to their offset."""
    steps = torch.arange(window)
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).flatten(1)
    offsets = grid[:, :, None] - grid[:, None, :] + window - 1
    return offsets[0] * (2 * window - 1) + offsets[1]


def _shift_mask(side: int, window: int, shift: int) -> Tensor:
    """`[windows, 1, tokens, tokens]`: zero within a region of the unshifted image, `_MASKED` between two."""
    edges = torch.bucketize(torch.arange(side), torch.tensor([side - window, side - shift]), right=True)
    regions = (edges[:, None] * 3 + edges[None, :])[None, :, :, None]
    regions = _to_windows(regions, window)[0, :, :, 0]
    is_foreign = regions[:, None, :] != regions[:, :, None]
    return (is_foreign * _MASKED).unsqueeze(1).to(torch.float32)


class WindowAttention(nn.Module):
    """Self-attention within windows, with a learned bias for each relative position."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        require_multiple("width", width, heads)
        self.heads = heads
        self.tokens = window * window
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        table = torch.empty((2 * window - 1) ** 2, heads)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.register_buffer("relative_position_index", _relative_position_index(window).flatten())

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Takes and gives `[N, windows, tokens, width]`; `mask` is `[windows, 1, tokens, tokens]`."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5).unbind(0)
        bias = self.relative_position_bias_table[self.relative_position_index]
        bias = bias.unflatten(0, (self.tokens, self.tokens)).permute(2, 0, 1).unsqueeze(0)
        if mask is not None:
            bias = bias + mask
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.unsqueeze(0))
        out: Tensor = self.proj(mixed.transpose(2, 3).flatten(3))
        return out


class SwinBlock(nn.Module):
    """Window attention, cyclically shifted in every second block, then MLP, each with a residual."""

    attn_mask: Tensor | None

    def __init__(self, config: SwinConfig, *, width: int, heads: int, side: int, is_shifted: bool) -> None:
        super().__init__()
        # A stage of one window has nothing to shift into.
        self.window = min(config.window, side)
        self.shift = self.window // 2 if is_shifted and side > self.window else 0
        self.side = side
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, self.window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, config.mlp_ratio)
        self.register_buffer("attn_mask", _shift_mask(side, self.window, self.shift) if self.shift else None)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and gives `[N, side, side, width]`."""
        mixed = self.norm1(x)
        if self.shift:
            mixed = mixed.roll((-self.shift, -self.shift), dims=(1, 2))
        mixed = self.attn(_to_windows(mixed, self.window), self.attn_mask)
        mixed = _from_windows(mixed, self.window, self.side)
        if self.shift:
            mixed = mixed.roll((self.shift, self.shift), dims=(1, 2))
        x = x + mixed
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class PatchMerging(nn.Module):
    """Joins each 2×2 tokens into one of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps `[N, side, side, width]` to `[N, side / 2, side / 2, 2 * width]`."""
        quarters = (x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2])
        out: Tensor = self.reduction(self.norm(torch.cat(quarters, dim=-1)))
        return out


class SwinTransformer(nn.Module):
    """Maps images `[N, C, image_size, image_size]` to logits `[N, num_classes]`.

    Raises:
        ValueError: The tokens of a stage are not a whole number of windows, or the width of heads.
    """

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        side = require_multiple("image_size", config.image_size, config.patch_size)
        self.side = side
        self.patch_embed = PatchEmbed(config.in_channels, config.patch_size, config.width)
        self.patch_norm = nn.LayerNorm(config.width)
        width = config.width
        layers: list[nn.Module] = []
        for stage, (depth, heads) in enumerate(zip(config.depths, config.heads, strict=True)):
            if stage > 0:
                layers.append(PatchMerging(width))
                width *= 2
                side = require_multiple("image_size", side, 2)
            require_multiple("window", side, min(config.window, side))
            for block in range(depth):
                layers.append(
                    SwinBlock(config, width=width, heads=heads, side=side, is_shifted=block % 2 == 1)
                )
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config.num_classes)
        init_transformer(self)

    def forward(self, image: Tensor) -> Tensor:
        """Maps images to logits."""
        x = self.patch_norm(self.patch_embed(image)).unflatten(1, (self.side, self.side))
        x = self.norm(self.layers(x))
        logits: Tensor = self.head(x.mean((1, 2)))
        return logits

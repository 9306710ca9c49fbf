"""Building blocks that several architectures share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYER_NORM_EPS = 1e-6  # Dosovitskiy et al. 2021, the reference implementation.


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, "Attention Is All You Need").

    Takes and gives `[N, tokens, width]`; the three projections are one matrix.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads != 0:
            raise ValueError(f"width: {width} is not a multiple of the {heads} heads")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Mixes tokens: `[N, tokens, width]` to the same."""
        query, key, value = (
            self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        hidden = int(width * ratio)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps each token on its own."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return out


class TransformerBlock(nn.Module):
    """Pre-norm encoder block (Dosovitskiy et al. 2021): attention, then MLP, each with a residual."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(width, mlp_ratio)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps `[N, tokens, width]` to the same."""
        tokens = tokens + self.attn(self.norm1(tokens))
        out: Tensor = tokens + self.mlp(self.norm2(tokens))
        return out


class PatchEmbed(nn.Module):
    """Cuts `[N, C, H, W]` into square patches and projects each to a token: `[N, tokens, width]`."""

    def __init__(self, channels: int, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, kernel_size=patch_size, stride=patch_size)

    def forward(self, image: Tensor) -> Tensor:
        """Maps an image to its tokens."""
        out: Tensor = self.proj(image).flatten(2).transpose(1, 2)
        return out


def require_multiple(field: str, size: int, step: int) -> int:
    """Returns `size // step`.

    Raises:
        ValueError: `size` is not a multiple of `step`; the message names `field`.
    """
    if size % step != 0:
        raise ValueError(f"{field}: {size} is not a multiple of {step}")
    return size // step


def init_convolutional(network: nn.Module) -> None:
    """He initialisation (He et al. 2015, fan-out) for convolutions, small weights for linear layers."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)


def init_transformer(network: nn.Module) -> None:
    """Truncated normal weights of deviation 0.02 and zero biases (Touvron et al. 2021, DeiT)."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            fan_in = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
            nn.init.trunc_normal_(module.weight, std=math.sqrt(1.0 / fan_in))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def learned_tokens(count: int, width: int) -> nn.Parameter:
    """A learned `[1, count, width]` tensor, for class tokens and position embeddings."""
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(1, count, width), std=0.02))

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The two towers: a small residual network for images and a small transformer for captions."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from imug_metrics.encoders.scene.tokenizer import CONTEXT_LENGTH

IMAGE_SIZE = 64
DIM = 128
_MAX_SCALE = 60.0


class SceneModel(nn.Module):
    """A contrastive image-text model of 1.6 million parameters.

    Args:
        vocabulary_size: Number of tokens.

    Example:
        >>> SceneModel(80).encode_image(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 128])
    """

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.image = ImageTower()
        self.text = TextTower(vocabulary_size)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    @property
    def scale(self) -> Tensor:
        """The factor on the cosine in the training loss, a scalar."""
        return self.log_scale.exp().clamp(max=_MAX_SCALE)

    def encode_image(self, images: Tensor) -> Tensor:
        """Embed images: float ``[N, 3, 64, 64]`` in [0, 1] to ``[N, DIM]`` of unit length."""
        return F.normalize(self.image(images).float(), dim=-1)

    def encode_text(self, ids: Tensor) -> Tensor:
        """Embed captions: int64 ``[N, length]`` to ``[N, DIM]`` of unit length."""
        return F.normalize(self.text(ids).float(), dim=-1)


class ImageTower(nn.Module):
    """Four halvings, a residual block after each but the first, then two linear layers on the flattened map."""

    grid: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _halve(5, 32),
            _halve(32, 64),
            Residual(64),
            _halve(64, 96),
            Residual(96),
            _halve(96, 128),
            Residual(128),
        )
        # Flattened rather than pooled: a pooled map no longer knows left from right.
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(128 * 16, 256), nn.ReLU(), nn.Linear(256, DIM))
        axis = torch.linspace(-1, 1, IMAGE_SIZE)
        self.register_buffer("grid", torch.stack(torch.meshgrid(axis, axis, indexing="xy"))[None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map float ``[N, 3, 64, 64]`` in [0, 1] to ``[N, DIM]``."""
        grid = self.grid.expand(len(images), -1, -1, -1)
        pixels = torch.cat([images * 2 - 1, grid], dim=1).contiguous(memory_format=torch.channels_last)
        embeddings: Tensor = self.head(self.trunk(pixels))
        return embeddings


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, channels, H, W]`` to the same shape."""
        return F.relu(x + self.body(x))


class TextTower(nn.Module):
    """Neighbouring words, then a two-layer transformer read at its start token.

    The second layer computes the start token alone.
    """

    def __init__(self, vocabulary_size: int, width: int = 128) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary_size, width, padding_idx=0)
        self.places = nn.Parameter(torch.randn(CONTEXT_LENGTH, width) * 0.02)
        self.neighbours = Neighbours(width)
        self.first = Block(width)
        self.second = Block(width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, DIM)

    def forward(self, ids: Tensor) -> Tensor:
        """Map int64 ``[N, length]`` to ``[N, DIM]``."""
        tokens = self.neighbours(self.words(ids) + self.places[: ids.shape[1]])
        padding = torch.zeros(ids.shape, device=ids.device).masked_fill(ids == 0, -torch.inf)[:, None, None]
        tokens = self.first(tokens, tokens, padding)
        start = self.second(tokens[:, :1], tokens, padding)
        embeddings: Tensor = self.head(self.norm(start[:, 0]))
        return embeddings


class Neighbours(nn.Module):
    """Every word mixed with the one before it, around a shortcut.

    Without it training stays at a saddle point where "a red circle and a blue square" and "a blue circle and a red
    square" are one: attention alone does not begin to tie a colour to the shape that follows it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``[N, length, width]`` to the same shape."""
        before = F.pad(tokens[:, :-1], (0, 0, 1, 0))
        mixed: Tensor = self.mix(torch.cat([before, tokens], dim=-1))
        return tokens + mixed


class Block(nn.Module):
    """Pre-norm attention and a two-layer perceptron, both around shortcuts."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, queries: Tensor, tokens: Tensor, padding: Tensor) -> Tensor:
        """``queries [N, q, width]`` attend to ``tokens [N, t, width]``; ``padding [N, 1, 1, t]`` adds to the scores."""
        query = self._split_heads(self.query(self.norm(queries)))
        key, value = (self._split_heads(half) for half in self.key_value(self.norm(tokens)).chunk(2, dim=-1))
        # Spelled out: for twenty tokens on a CPU the fused attention's backward pass is several times slower.
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]) + padding
        attended = rearrange(scores.softmax(-1).to(value.dtype) @ value, "n heads t d -> n t (heads d)")
        queries = queries + self.out(attended)
        mixed: Tensor = self.mix(queries)
        return queries + mixed

    def _split_heads(self, x: Tensor) -> Tensor:
        split: Tensor = rearrange(x, "n t (heads d) -> n heads t d", heads=self.heads)
        return split


def _halve(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, 2, 1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()
    )

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From images and token ids on the device to scores, with encoders of random weights: what share are the metrics?

The two towers are those of CLIP ViT-B/32 and ViT-L/14 in shape and arithmetic, built from torch.nn alone, so that
nothing is downloaded and no other package has to be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from imug_kernels import dialogue_gram, paired_cosine, preprocess
from torch import Tensor, nn
from torch.nn import functional as F

from ..machine import DEVICE, ON_GPU, draw_integers
from ..registry import Case, Job, Provider, Setup, name_of
from ..runner import race
from .images import MEAN, STD, smooth_images

DTYPE = torch.bfloat16 if ON_GPU else torch.float32
TURNS, WORDS, VOCABULARY = 4, 77, 49_408


class Shape(NamedTuple):
    """Widths, layers and heads of a pair of towers, and of what both end in."""

    name: str
    side: int
    patch: int
    image: tuple[int, int, int]
    text: tuple[int, int, int]
    joint: int


BASE = Shape("ViT-B/32", 224, 32, (768, 12, 12), (512, 12, 8), 512)
LARGE = Shape("ViT-L/14", 224, 14, (1024, 24, 16), (768, 12, 12), 768)
TINY = Shape("tiny", 8, 4, (16, 1, 2), (16, 1, 2), 16)


class Block(nn.Module):
    """A layer of a transformer with its norms first, as CLIP has it."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inwards, self.outwards = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, L, D]` of `[B, L, D]`."""
        parts = self.inwards(self.first(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*parts.unbind(0), is_causal=self.causal)
        x = x + self.outwards(seen.transpose(1, 2).flatten(2))
        hidden = self.wide(self.second(x))
        return x + self.narrow(hidden * torch.sigmoid(1.702 * hidden))


class Tower(nn.Module):
    """Layers over tokens, of which one is read at the end."""

    def __init__(self, width: int, layers: int, heads: int, length: int, joint: int, causal: bool) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(length, width) * 0.02)
        self.layers = nn.Sequential(*(Block(width, heads, causal) for _ in range(layers)))
        self.norm, self.projection = nn.LayerNorm(width), nn.Linear(width, joint, bias=False)

    def forward(self, tokens: Tensor, read: int) -> Tensor:
        """Return embeddings `[B, joint]` of `tokens [B, L, D]`."""
        return self.projection(self.norm(self.layers(tokens + self.places)[:, read]))


class Towers(nn.Module):
    """Images and texts to embeddings of one space."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.image[0]
        self.patches = nn.Conv2d(3, width, shape.patch, shape.patch, bias=False)
        self.whole = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.images = Tower(*shape.image, (shape.side // shape.patch) ** 2 + 1, shape.joint, causal=False)
        self.words = nn.Embedding(VOCABULARY, shape.text[0])
        self.texts = Tower(*shape.text, WORDS, shape.joint, causal=True)

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Return embeddings of `[B, 3, side, side]`."""
        tokens = self.patches(pixels).flatten(2).transpose(1, 2)
        return self.images(torch.cat([self.whole.expand(len(tokens), -1, -1), tokens], 1), read=0)

    def encode_texts(self, ids: Tensor) -> Tensor:
        """Return embeddings of `[B, WORDS]`."""
        return self.texts(self.words(ids), read=-1)


def towers(setup: Setup) -> Iterator[Job]:
    for shape, dialogues in ((TINY, 1),) if setup.quick else ((BASE, 64), (LARGE, 64)):
        yield race(setup, f"end to end, {shape.name}", partial(towers_case, setup, shape, dialogues))


def towers_case(setup: Setup, shape: Shape, dialogues: int) -> Case:
    torch.manual_seed(0)
    model = Towers(shape).to(DEVICE, DTYPE).eval().requires_grad_(False)
    rows = dialogues * TURNS
    photographs = smooth_images(rows, *((8, 16) if setup.quick else (480, 640)))
    ids = draw_integers(0, VOCABULARY, rows * WORDS).view(rows, WORDS)
    prepare = partial(preprocess, size=(shape.side, shape.side), mean=MEAN, std=STD, layout="nhwc", dtype=DTYPE)
    pixels = prepare(photographs)
    images, texts = model.encode_images(pixels), model.encode_texts(ids)

    def whole(score: Callable[[Tensor, Tensor], Any]) -> None:
        score(model.encode_images(prepare(photographs)), model.encode_texts(ids))

    scorers = {"imug_kernels": _kernels, "formulas, as CLIPScore": _formulas, **({} if setup.quick else _metrics())}
    stages: dict[str, Callable[[], Any]] = {
        "preprocess": lambda: prepare(photographs),
        "encode images": lambda: model.encode_images(pixels),
        "encode texts": lambda: model.encode_texts(ids),
        **{f"score: {name}": partial(score, images, texts) for name, score in scorers.items()},
    }
    providers = [Provider("the whole, scored by imug_kernels", lambda: whole(_kernels), rows)]
    providers += [Provider(name, lambda stage=stage: (stage(), None)[1], rows) for name, stage in stages.items()]
    return Case(
        name=f"end to end, {shape.name}",
        sizes={"dialogues": dialogues, "turns": TURNS, "width": shape.joint, "dtype": name_of(DTYPE)},
        providers=tuple(providers),
        bytes_per_row=0,
        repeats=5,
    )


def _kernels(images: Tensor, texts: Tensor) -> Tensor:
    """Alignment of images with texts, and of the images of a dialogue with each other."""
    found = dialogue_gram(images, torch.arange(0, len(images) + 1, TURNS, device=images.device))
    return torch.stack([paired_cosine(images, texts).mean(), (found.sum / found.count).mean()])


def _formulas(images: Tensor, texts: Tensor) -> Tensor:
    images, texts = (side / side.norm(p=2, dim=-1, keepdim=True) for side in (images, texts))
    turns = images.unflatten(0, (-1, TURNS))
    cosine = turns @ turns.mT
    others = cosine.sum(2) - cosine.diagonal(dim1=1, dim2=2)
    return torch.stack([(images * texts).sum(-1).mean(), others.mean() / (TURNS - 1)])


def _metrics() -> dict[str, Callable[[Tensor, Tensor], Any]]:
    """The same as metrics, as far as they are installed: an update of each, as a training loop has it."""
    try:
        from imug_metrics import TurnAlignment, TurnConsistency
    except ImportError:
        return {}
    alignment, consistency = TurnAlignment(variant="cosine").to(DEVICE), TurnConsistency().to(DEVICE)

    def update(images: Tensor, texts: Tensor) -> None:
        turns, prompts = (side.unflatten(0, (-1, TURNS)) for side in (images, texts))
        alignment.update(turns, prompts)
        consistency.update(turns)

    return {"imug_metrics": update}

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Copies and honest edits of photographs and rendered scenes: how many `near_duplicates` takes for a copy.

`python docs/copies_example.py` prints the tables of metrics/copy_guard.md. It needs scikit-image, scikit-learn and
matplotlib, whose photographs it reads; nothing is fetched.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from imug_metrics.encoders.scene import render, sample_scene
from imug_metrics.functional import near_duplicates
from imug_metrics.media.thumbnails import thumbnails

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "camera", "rocket", "hubble_deep_field", "brick", "grass", "gravel")
SIDE = 256
SIZES = (0.01, 0.02, 0.03, 0.05, 0.1)
Change = Callable[[Image.Image, random.Random], Image.Image]
Edit = Callable[[Image.Image, Image.Image, Image.Image, random.Random], tuple[Image.Image, ...]]


class Pair(NamedTuple):
    """Two images, what the second one is of the first, and how large an edit is as a share of the area."""

    kind: str
    size: float
    first: Image.Image
    second: Image.Image


@cache
def photographs() -> dict[str, Image.Image]:
    """Twelve photographs that packages ship, as squares."""
    from matplotlib import cbook
    from skimage import data
    from sklearn.datasets import load_sample_image

    found = {name: Image.fromarray(np.asarray(getattr(data, name)())) for name in PHOTOGRAPHS}
    found |= {name: Image.fromarray(load_sample_image(f"{name}.jpg")) for name in ("china", "flower")}
    found["hopper"] = Image.open(cbook.get_sample_data("grace_hopper.jpg"))
    return {name: image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS) for name, image in found.items()}


def scenes(count: int, rng: random.Random) -> dict[str, Image.Image]:
    """Rendered scenes: flat shapes on a plain background."""
    return {f"scene {row}": Image.fromarray(render(sample_scene(rng), rng, size=SIDE)) for row in range(count)}


def saved_anew(image: Image.Image, rng: random.Random) -> Image.Image:
    """As JPEG of a quality of 60 to 90."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=rng.randint(60, 90))
    return Image.open(file).convert("RGB")


def resized(image: Image.Image, rng: random.Random) -> Image.Image:
    """To another size and back."""
    side = round(SIDE * rng.uniform(0.4, 1.8))
    return image.resize((side, side), Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BICUBIC)


def shifted(image: Image.Image, rng: random.Random) -> Image.Image:
    """By 1 to 10 % of the side in any direction; what comes in is black, the edge drawn out, or the other side."""
    angle, far = rng.uniform(0, 2 * math.pi), rng.uniform(0.01, 0.1) * SIDE
    x, y = round(far * math.cos(angle)), round(far * math.sin(angle))
    mode = rng.choice(("constant", "edge", "wrap"))
    padded = np.pad(np.asarray(image), ((abs(y), abs(y)), (abs(x), abs(x)), (0, 0)), mode=mode)
    return Image.fromarray(padded[abs(y) - y :, abs(x) - x :][:SIDE, :SIDE])


def cropped(image: Image.Image, rng: random.Random) -> Image.Image:
    """To 80 to 95 % of each side, and enlarged again."""
    width, height = (round(SIDE * rng.uniform(0.8, 0.95)) for _ in range(2))
    x, y = rng.randint(0, SIDE - width), rng.randint(0, SIDE - height)
    return image.crop((x, y, x + width, y + height)).resize(image.size, Image.Resampling.BICUBIC)


def mirrored(image: Image.Image, rng: random.Random) -> Image.Image:
    """Left to right."""
    return ImageOps.mirror(image)


COPIES: Mapping[str, tuple[Change, ...]] = {
    "returned as it is": (),
    "JPEG, quality 60 to 90": (saved_anew,),
    "resized and back": (resized,),
    "shifted by 1 to 10 %": (shifted,),
    "cropped to 80 to 95 %": (cropped,),
    "mirrored": (mirrored,),
    "mirrored and shifted": (mirrored, shifted),
    "mirrored and cropped": (mirrored, cropped),
    "shifted, then JPEG": (shifted, saved_anew),
    "cropped, then JPEG": (cropped, saved_anew),
}


def region(size: float, rng: random.Random) -> tuple[Image.Image, tuple[float, float]]:
    """An ellipse of a share of the area, as a mask, and its radii."""
    aspect = rng.uniform(0.7, 1.4)
    x_radius, y_radius = (SIDE * math.sqrt(size / math.pi * factor) for factor in (aspect, 1 / aspect))
    x, y = (rng.uniform(radius, SIDE - radius) for radius in (x_radius, y_radius))
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).ellipse((x - x_radius, y - y_radius, x + x_radius, y + y_radius), fill=255)
    return mask, (x_radius, y_radius)


def rolled(image: Image.Image, x: int, y: int) -> Image.Image:
    """Moved by some pixels, what leaves at one side coming in at the other."""
    return Image.fromarray(np.roll(np.asarray(image), (y, x), (0, 1)))


def added(image: Image.Image, other: Image.Image, mask: Image.Image, rng: random.Random) -> tuple[Image.Image, ...]:
    """An object: a piece of another photograph."""
    return image, Image.composite(other, image, mask)


def removed(image: Image.Image, other: Image.Image, mask: Image.Image, rng: random.Random) -> tuple[Image.Image, ...]:
    """The same object, which was there before."""
    return Image.composite(other, image, mask), image


def moved(image: Image.Image, other: Image.Image, mask: Image.Image, rng: random.Random) -> tuple[Image.Image, ...]:
    """The same object, to any other place."""
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    x, y = rng.randint(-left, SIDE - right), rng.randint(-top, SIDE - bottom)
    before, after = Image.composite(other, image, mask), Image.composite(rolled(other, x, y), image, rolled(mask, x, y))
    return before, after


def recoloured(
    image: Image.Image, other: Image.Image, mask: Image.Image, rng: random.Random
) -> tuple[Image.Image, ...]:
    """A plain object gets another colour."""
    colours = rng.sample(("red", "green", "blue", "yellow", "white", "black", "orange", "purple"), 2)
    before, after = (Image.composite(Image.new("RGB", image.size, colour), image, mask) for colour in colours)
    return before, after


def filled(image: Image.Image, other: Image.Image, mask: Image.Image, rng: random.Random) -> tuple[Image.Image, ...]:
    """Any region, an object or none, gets the blurred colours around it: what least shows."""
    kept = np.asarray(mask)[:, :, None] == 0
    blur = ImageFilter.GaussianBlur(16)
    colours = np.asarray(Image.fromarray((np.asarray(image) * kept).astype(np.uint8)).filter(blur)).astype(float)
    shares = np.asarray(Image.fromarray((kept[:, :, 0] * 255).astype(np.uint8)).filter(blur)).astype(float) / 255
    smooth = (colours / shares.clip(1 / 255)[:, :, None]).clip(0, 255).astype(np.uint8)
    return image, Image.composite(Image.fromarray(smooth), image, mask)


EDITS: Mapping[str, Edit] = {
    "object added": added,
    "object removed": removed,
    "object moved": moved,
    "object recoloured": recoloured,
    "any region filled smoothly": filled,
}


def copies(images: Mapping[str, Image.Image], rng: random.Random) -> Iterator[Pair]:
    """Every image with every kind of copy of it."""
    for kind, changes in COPIES.items():
        for image in images.values():
            copy = image
            for change in changes:
                copy = change(copy, rng)
            yield Pair(kind, 0.0, image, copy)


def edits(images: Mapping[str, Image.Image], rng: random.Random) -> Iterator[Pair]:
    """Every image with edits of every kind and size, half of them saved anew."""
    for name, image in images.items():
        for kind, edit in EDITS.items():
            for size in SIZES:
                mask, _ = region(size, rng)
                yield Pair(kind, size, *_resaved(edit(image, _other(name, rng), mask, rng), rng))
        mask, _ = region(rng.uniform(0.15, 0.4), rng)
        other = _other(name, rng)
        yield Pair("background replaced", 1.0, *_resaved((image, Image.composite(image, other, mask)), rng))
        yield Pair("subject replaced", 1.0, *_resaved((image, Image.composite(other, image, mask)), rng))
        light = rng.choice((0.8, 1.2))
        yield Pair(
            "lit by 20 % less or more", 1.0, *_resaved((image, ImageEnhance.Brightness(image).enhance(light)), rng)
        )
        yield Pair("another photograph", 1.0, image, other)


def _other(name: str, rng: random.Random) -> Image.Image:
    return photographs()[rng.choice([other for other in photographs() if other != name])]


def _resaved(pair: tuple[Image.Image, ...], rng: random.Random) -> tuple[Image.Image, Image.Image]:
    before, after = pair
    return before, saved_anew(after, rng) if rng.random() < 0.5 else after


Shares = dict[tuple[str, float], float]
"""What share of the pairs of a kind and size counts as a copy."""


def shares(pairs: list[Pair], copies: torch.Tensor) -> Shares:
    """By kind and size, in their order."""
    counted: dict[tuple[str, float], list[float]] = {}
    for pair, copy in zip(pairs, copies.tolist(), strict=True):
        counted.setdefault((pair.kind, pair.size), []).append(copy)
    return {kind: sum(found) / len(found) for kind, found in counted.items()}


def by_parts(pairs: list[Pair], side: int = 32) -> Shares:
    """Copies as `near_duplicates` finds them."""
    return shares(pairs, near_duplicates(*_small(pairs, side)).copies)


def by_mean(pairs: list[Pair]) -> Shares:
    """Copies by a mean absolute difference of at most 2 of 255 levels."""
    first, second = _small(pairs, 32)
    return shares(pairs, ((first - second).abs().mean(1) <= 2 / 255).double())


def _small(pairs: list[Pair], side: int) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = (
        thumbnails([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images], side)
        for images in ([pair.first for pair in pairs], [pair.second for pair in pairs])
    )
    return first, second


def main(repeats: int = 4, count: int = 48) -> None:
    """Print the tables."""
    rng = random.Random(0)
    drawn = scenes(count, rng)
    of_photographs = [pair for _ in range(repeats) for pair in copies(photographs(), rng)]
    of_scenes = list(copies(drawn, rng))
    columns = [by_parts(of_photographs), by_parts(of_scenes), by_parts(of_photographs, 64)]
    show("copy | photographs | scenes | photographs at 64 x 64", columns, list(columns[0]))
    edited = [pair for _ in range(repeats) for pair in edits(photographs(), rng)]
    of_scenes = list(edits(drawn, rng))
    columns = [by_parts(edited), by_parts(of_scenes), by_parts(edited, 64), by_mean(edited)]
    heading = "edit, share of the area | photographs | scenes | photographs at 64 x 64 | by the mean"
    show(heading, columns, list(columns[0]))


def show(heading: str, columns: list[Shares], kinds: list[tuple[str, float]]) -> None:
    """Print a Markdown table."""
    print(f"| {heading} |\n|{'---|' * (1 + len(columns))}")
    for kind, size in kinds:
        name = f"{kind}, {100 * size:g} %" if 0 < size < 1 else kind
        print(f"| {name} | " + " | ".join(f"{column[kind, size]:.2f}" for column in columns) + " |")
    print()


if __name__ == "__main__":
    main()

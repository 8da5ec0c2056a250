# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes as images: flat shapes on a plain background, drawn large and reduced, the same at every resolution."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imug_metrics.encoders.scene.scenes import Scene, Thing, is_visible
from imug_metrics.encoders.scene.vocabulary import BACKGROUNDS, COLOURS, RELATIONS, SHAPES

_SUPERSAMPLE = 4
_RADII = {"small": (0.08, 0.12), "large": (0.27, 0.35), None: (0.13, 0.22)}
_COUNT_RADII = {"small": (0.06, 0.075), "large": (0.12, 0.135), None: (0.085, 0.12)}
_CENTRES = {"left": (0.22, 0.5), "right": (0.78, 0.5), "top": (0.5, 0.22), "bottom": (0.5, 0.78), "center": (0.5, 0.5)}
_OFFSETS = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}
_GROUND_JITTER = 10
_COLOUR_JITTER = 20


@dataclass(frozen=True)
class Placed:
    """An object on the unit canvas: centre and radius in [0, 1], y down."""

    thing: Thing
    x: float
    y: float
    radius: float


def render(scene: Scene, rng: random.Random, size: int = 64, noise: float = 0.0) -> NDArray[np.uint8]:
    """Draw a scene; what it leaves open is drawn at random.

    Args:
        scene: The scene.
        rng: Source of randomness: layout, shades and noise. The same state gives the same layout at every ``size``.
        size: Side of the image in pixels, >= 8.
        noise: Standard deviation of normal pixel noise in grey levels.

    Returns:
        uint8 ``[size, size, 3]``, RGB.

    Raises:
        ValueError: If ``size`` is below 8.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> render(Scene(Thing("red", "star"), "white"), random.Random(0), size=32).shape
        (32, 32, 3)
    """
    if size < 8:
        raise ValueError(f"Expected argument `size` to be >= 8, got {size}.")
    background = scene.background
    if background is None:
        background = rng.choice([b for b in BACKGROUNDS if all(is_visible(t, b) for t in scene.things)])
    ground = _shade(BACKGROUNDS[background], _GROUND_JITTER, rng)
    colours = {t: _shade(COLOURS[t.colour], _COLOUR_JITTER, rng) for t in (scene.subject, scene.other) if t}
    width = size * _SUPERSAMPLE
    canvas = Image.new("RGB", (width, width), ground)
    draw = ImageDraw.Draw(canvas)
    for p in layout(scene, rng):
        draw_object(draw, p.thing.shape, colours[p.thing], p.x * width, p.y * width, p.radius * width)
    pixels = np.array(canvas.reduce(_SUPERSAMPLE))
    if noise <= 0:
        return pixels
    grain = np.random.default_rng(rng.getrandbits(64)).standard_normal(pixels.shape, dtype=np.float32)
    noisy: NDArray[np.uint8] = (pixels + noise * grain).clip(0, 255).astype(np.uint8)
    return noisy


def layout(scene: Scene, rng: random.Random) -> list[Placed]:
    """Place the objects of a scene on the unit canvas.

    Args:
        scene: The scene.
        rng: Source of randomness.

    Returns:
        One entry an object, the subject's copies first.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Scene, Thing
        >>> len(layout(Scene(Thing("red", "star"), count=3), random.Random(0)))
        3
    """
    if scene.other is not None:
        return _place_two(scene, scene.other, rng)
    if (scene.count or 1) > 1 or scene.kind == "count":
        return _place_copies(scene, rng)
    radius = rng.uniform(*_RADII[scene.size])
    if scene.position is None:
        x, y = rng.uniform(radius, 1 - radius), rng.uniform(radius, 1 - radius)
    else:
        # A large object is pushed inwards until it fits, so that a position never crops it.
        x, y = (min(max(c + rng.uniform(-0.05, 0.05), radius), 1 - radius) for c in _CENTRES[scene.position])
    return [Placed(scene.subject, x, y, radius)]


def _place_copies(scene: Scene, rng: random.Random) -> list[Placed]:
    radius = rng.uniform(*_COUNT_RADII[scene.size])
    margin = 1.2 * radius
    while True:
        placed: list[Placed] = []
        for _ in range(60):
            x, y = rng.uniform(margin, 1 - margin), rng.uniform(margin, 1 - margin)
            if all(math.hypot(x - p.x, y - p.y) > 2.4 * radius for p in placed):
                placed.append(Placed(scene.subject, x, y, radius))
            if len(placed) == (scene.count or 1):
                return placed


def _place_two(scene: Scene, other: Thing, rng: random.Random) -> list[Placed]:
    radii = rng.uniform(0.13, 0.19), rng.uniform(0.13, 0.19)
    gap, drift = rng.uniform(0.23, 0.28), rng.uniform(-0.1, 0.1)
    free = rng.choice(list(RELATIONS))
    dx, dy = _OFFSETS[scene.relation or free]
    # The drift moves the two apart across the axis of the relation, so that they are not always aligned.
    x, y = dx * gap + abs(dy) * drift, dy * gap + abs(dx) * drift
    return [Placed(scene.subject, 0.5 + x, 0.5 + y, radii[0]), Placed(other, 0.5 - x, 0.5 - y, radii[1])]


def draw_object(
    draw: ImageDraw.ImageDraw, shape: str, colour: tuple[int, int, int], x: float, y: float, radius: float
) -> None:
    """Draw one filled shape.

    Args:
        draw: Where to draw.
        shape: A key of ``SHAPES``.
        colour: RGB, 0 to 255.
        x: Centre in pixels from the left.
        y: Centre in pixels from the top.
        radius: Half the extent in pixels.

    Raises:
        ValueError: If the shape is unknown.

    Example:
        >>> image = Image.new("RGB", (16, 16))
        >>> draw_object(ImageDraw.Draw(image), "circle", (255, 0, 0), 8, 8, 5)
        >>> image.getpixel((8, 8))
        (255, 0, 0)
    """
    if shape not in SHAPES:
        raise ValueError(f"Expected argument `shape` to be one of {', '.join(SHAPES)}, got {shape!r}.")
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "ring":
        draw.ellipse(box, outline=colour, width=max(2, round(0.36 * radius)))
    elif shape == "cross":
        bar = 0.32 * radius
        draw.rectangle((x - radius, y - bar, x + radius, y + bar), fill=colour)
        draw.rectangle((x - bar, y - radius, x + bar, y + radius), fill=colour)
    else:
        draw.polygon([(x + radius * px, y + radius * py) for px, py in _OUTLINES[shape]], fill=colour)


def _spikes(points: int, radius: float, inner: float) -> list[tuple[float, float]]:
    radii = [radius if i % 2 == 0 else inner * radius for i in range(2 * points)]
    angles = [math.pi * i / points for i in range(2 * points)]
    return [(r * math.sin(angle), -r * math.cos(angle)) for r, angle in zip(radii, angles, strict=True)]


def _heart() -> list[tuple[float, float]]:
    angles = [2 * math.pi * i / 48 for i in range(48)]
    tops = [13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a) for a in angles]
    return [(math.sin(a) ** 3, -(top + 2.5) / 15) for a, top in zip(angles, tops, strict=True)]


_OUTLINES: dict[str, list[tuple[float, float]]] = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0.0, -0.95), (0.95, 0.7), (-0.95, 0.7)],
    "star": _spikes(5, 1.15, 0.42),
    "diamond": [(0.0, -1.15), (0.75, 0.0), (0.0, 1.15), (-0.75, 0.0)],
    "heart": _heart(),
}


def _shade(colour: tuple[int, int, int], jitter: int, rng: random.Random) -> tuple[int, int, int]:
    red, green, blue = (min(max(c + rng.randint(-jitter, jitter), 0), 255) for c in colour)
    return red, green, blue

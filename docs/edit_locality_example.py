# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Six editors of photographs whose faults are known: the numbers of metrics/edit_locality.md.

`python docs/edit_locality_example.py` prints the table of the page. The photographs are those that scikit-image ships.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor
from torch.nn import functional as F

from imug_metrics import EditLocality

PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "rocket")
SIDE, SQUARE, EDITS = 128, 32, 6
NOOPS = (3, 6)  # of the edits, those that ask for nothing
COLUMNS = ("", "_psnr", "_ssim", "_inside", "_accumulated", f"_accumulated_turn_{EDITS + 1}", "_noop", "_noop_slope")

Editor = Callable[[Tensor, Tensor, int, torch.Generator], Tensor]
"""From an image, the image with what was asked for, the number of the edit and random numbers to the edited image."""


def saved(image: Tensor, quality: int) -> Tensor:
    """An image once stored as JPEG."""
    file = io.BytesIO()
    levels = (255 * image).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(levels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255


def blurred(image: Tensor) -> Tensor:
    """An image after a decoder that is slightly soft: at 15/16 of its size and back."""
    small = F.interpolate(image[None], (SIDE * 15 // 16,) * 2, mode="bilinear", antialias=True)
    return F.interpolate(small, (SIDE, SIDE), mode="bilinear", antialias=True)[0]


def noisy(image: Tensor, edit: int, generator: torch.Generator) -> Tensor:
    """With noise that grows from edit to edit."""
    return (image + 0.01 * edit * torch.randn(image.shape, generator=generator)).clamp(0, 1)


EDITORS: dict[str, Editor] = {
    "copies its input": lambda before, asked, edit, generator: before,
    "does what was asked": lambda before, asked, edit, generator: asked,
    "the same, stored as JPEG (90)": lambda before, asked, edit, generator: saved(asked, 90),
    "the same, a little soft": lambda before, asked, edit, generator: blurred(asked),
    "the same, with growing noise": lambda before, asked, edit, generator: noisy(asked, edit, generator),
    "the same, shifted by 1 pixel": lambda before, asked, edit, generator: asked.roll(1, 2),
}


def photograph(name: str) -> Tensor:
    """`[3, SIDE, SIDE]` in [0, 1]."""
    image = Image.fromarray(getattr(data, name)()).convert("RGB")
    side = min(image.size)
    image = image.crop((0, 0, side, side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255


def edit(editor: Editor, name: str, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The photograph and its edits `[T, 3, H, W]`, what each might change, and which ask for nothing."""
    generator = torch.Generator().manual_seed(seed)
    images = [photograph(name)]
    editable = torch.zeros(EDITS + 1, SIDE, SIDE, dtype=torch.bool)
    for turn in range(1, EDITS + 1):
        asked = images[-1].clone()
        if turn not in NOOPS:
            top, left = (int(corner) for corner in torch.randint(0, SIDE - SQUARE, (2,), generator=generator))
            square = (slice(top, top + SQUARE), slice(left, left + SQUARE))
            asked[:, square[0], square[1]] = torch.rand(3, 1, 1, generator=generator)
            editable[turn, square[0], square[1]] = True
        images.append(editor(images[-1], asked, turn, generator))
    noop = torch.tensor([turn in NOOPS for turn in range(EDITS + 1)])
    return torch.stack(images), editable, noop


def scores(editor: Editor) -> dict[str, float]:
    """What the metric gives of an editor, by the ends of its keys."""
    metric = EditLocality(detail=True)
    parts = [torch.stack(part) for part in zip(*(edit(editor, name, seed) for seed, name in enumerate(PHOTOGRAPHS)))]
    metric.update(parts[0], parts[1], noop=parts[2])
    found = metric.compute()
    return {end: float(found[f"edit_locality{end}"]) for end in COLUMNS}


def row(name: str, found: dict[str, float]) -> str:
    """A row of the table."""
    cells = [f"{value:.1f}" if end == "_psnr" else f"{value:.4f}" for end, value in found.items()]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    for name, editor in EDITORS.items():
        print(row(name, scores(editor)))

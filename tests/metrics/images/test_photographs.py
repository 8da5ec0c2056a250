# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Consistency of real photographs, encoded by a real network: what stays the same ranks above what was swapped."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from imug_metrics import TurnConsistency
from imug_metrics.functional import turn_consistency, turn_copies
from tests.encoders.packaged import efficientnet_lite0

data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
NAMES = ("astronaut", "chelsea", "coffee", "camera", "rocket")


@cache
def photographs() -> dict[str, Image.Image]:
    """Those that come inside the package, nothing is fetched."""
    found = {name: Image.fromarray(np.asarray(getattr(data, name)())).convert("RGB") for name in NAMES}
    return {name: image.resize((256, 256)) for name, image in found.items()}


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "crop": lambda image: image.crop((20, 20, 236, 236)),
    "flip": ImageOps.mirror,
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "copy": lambda image: image.copy(),
}


def test_crops_and_flips_rank_above_swaps_in_every_mode() -> None:
    encoder, images = efficientnet_lite0(), photographs()
    kinds = {kind: [[image, change(image)] for image in images.values()] for kind, change in CHANGES.items()}
    shown = list(images.values())
    kinds["swap"] = [[image, shown[place - 1]] for place, image in enumerate(shown)]
    rows = {
        kind: encoder.encode_images([image for pair in dialogues for image in pair]).unflatten(0, (-1, 2))
        for kind, dialogues in kinds.items()
    }
    for mode in ("pairwise", "anchor", "consecutive", "vbench"):
        scores = {kind: turn_consistency(pairs, mode=mode, reduction="none")[:, 1] for kind, pairs in rows.items()}
        for kind in CHANGES:
            assert scores[kind].min() > scores["swap"].max() + 0.2, (mode, kind, scores)


def test_a_dialogue_of_photographs_through_the_metric_with_its_encoder() -> None:
    images = photographs()
    kept = TurnConsistency(detail=True, encoder=efficientnet_lite0())
    swapped = kept.clone()
    kept.update([[image, *(change(image) for change in CHANGES.values())] for image in images.values()])
    shown = list(images.values())
    # Four of five: with all in another order every dialogue would have the same pairs, and nothing would vary.
    swapped.update([(shown[place:] + shown[:place])[:4] for place in range(len(shown))])
    good, bad = kept.compute(), swapped.compute()
    assert good["turn_consistency_lower"] > bad["turn_consistency_upper"]
    assert good["turn_consistency_worst_pair"] > bad["turn_consistency_worst_pair"]
    # By pixels all four repeat the first one: the crop, the flip, the slightly blurred image and the copy.
    assert good["turn_consistency_pixel_copy_rate"].item() == 1
    assert bad["turn_consistency_pixel_copy_rate"].item() == 0
    assert bad["turn_consistency_copy_rate"].item() == 0


def test_only_the_copy_counts_as_a_copy() -> None:
    encoder, images = efficientnet_lite0(), photographs()
    rows = encoder.encode_images(
        [i for image in images.values() for i in (image, *(c(image) for c in CHANGES.values()))]
    )
    copies = turn_copies(rows.unflatten(0, (-1, 5)), threshold=0.999)[:, 1:]
    assert copies.tolist() == [[0, 0, 0, 1]] * len(images)

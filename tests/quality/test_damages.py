# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every modality's function puts a clean item above the same item with any of the damages of `damages/`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from imug_metrics.quality import MODALITIES, Quality, item_quality
from tests.quality.damages import audio, code, document, image, text, threed, video
from tests.quality.items import PROGRAM

TABLE: dict[str, tuple[str, Callable[[], Any], dict[str, Callable[[], Any]]]] = {
    # what is damaged: its modality, the clean item, the damages
    "text": ("text", text.clean, text.DAMAGES),
    "image": ("image", image.clean, image.DAMAGES),
    "audio": ("audio", audio.clean, audio.DAMAGES),
    "video": ("video", video.clean, video.DAMAGES),
    "pdf": ("document", document.clean_pdf, document.PDF),
    "docx": ("document", document.clean_docx, document.DOCX),
    "code": ("code", lambda: PROGRAM, code.PYTHON),
    "mesh": ("threeD", threed.clean_mesh, threed.MESH_DAMAGES),
    "cloud": ("threeD", threed.clean_cloud, threed.CLOUD_DAMAGES),
}


def _cases() -> Iterator[Any]:
    for item, (_, _, damages) in TABLE.items():
        for damage in damages:
            yield pytest.param(item, damage, id=f"{item}-{damage}")


@cache
def _clean(item: str) -> Quality:
    modality, clean, _ = TABLE[item]
    return item_quality(clean(), modality)


@pytest.mark.parametrize(("item", "damage"), _cases())
def test_clean_item_is_above_the_damaged_one(item: str, damage: str) -> None:
    modality, _, damages = TABLE[item]
    clean, damaged = _clean(item), item_quality(damages[damage](), modality)
    assert 0 <= damaged.value < clean.value <= 1, (clean, damaged)
    assert damaged.value < clean.value - 1e-3 or damaged.reason, (clean, damaged)


@pytest.mark.parametrize("pair", code.OTHERS)
def test_clean_program_of_another_language_is_above_the_damaged_one(pair: str) -> None:
    clean, damaged = (item_quality(source, "code").value for source in code.OTHERS[pair])
    assert damaged < clean <= 1


@pytest.mark.parametrize("item", TABLE)
def test_clean_item_is_good_without_reservation(item: str) -> None:
    clean = _clean(item)
    assert clean.value > 0.9
    assert clean.reason is None


def test_twenty_damages_or_more_of_every_modality() -> None:
    assert {modality for modality, _, _ in TABLE.values()} == set(MODALITIES)
    assert {item: len(damages) for item, (_, _, damages) in TABLE.items() if len(damages) < 20} == {}


@pytest.mark.parametrize("item", TABLE)
def test_value_is_the_product_of_the_scores(item: str) -> None:
    clean = _clean(item)
    scores = [value for name, value in clean.parts.items() if name.endswith("_score")]
    assert all(0 <= score <= 1 for score in scores)
    assert clean.value == pytest.approx(math.prod(scores))

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cut-outs of photographs before other photographs: regions know the subject, and leakage exposes whole images.

A small part of what docs/identity_example.py measures for the guide.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.encoders.packaged import efficientnet_lite0

PATH = Path(__file__).resolve().parents[3] / "docs" / "identity_example.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    for package in ("skimage", "sklearn", "matplotlib"):
        pytest.importorskip(package)
    spec = importlib.util.spec_from_file_location("identity_example", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for names
    spec.loader.exec_module(module)
    return module


def test_triplets_show_the_subject_before_another_background_and_the_background_again(example: ModuleType) -> None:
    drawn = example.triplets(example.photographs(), 6)
    for image, same_subject, same_place in zip(*drawn, strict=True):
        outside = ~(image.mask | same_place.mask)
        first, moved, kept = (np.asarray(shown.image)[outside] for shown in (image, same_subject, same_place))
        assert (first == kept).all(-1).mean() > 0.97  # all but the soft edges
        assert (first == moved).all(-1).mean() < 0.5
        for shown in (image, same_subject, same_place):
            assert 0.005 < shown.mask.mean() < 0.4


def test_regions_rank_the_subject_first_and_whole_images_often_the_background(example: ModuleType) -> None:
    drawn = example.triplets(example.photographs(), 6, seed=1)
    views = ("whole image", "mask, painted")
    right = {view: example.right_triplets(efficientnet_lite0(), view, drawn)[0] for view in views}
    assert right["mask, painted"] == 1
    assert right["whole image"] < 0.9


def test_leakage_exposes_whole_images_and_clears_painted_regions(example: ModuleType) -> None:
    drawn = example.dialogues(example.photographs(), 5)
    found = dict(example.leakages(efficientnet_lite0(), ("whole image", "mask, painted"), drawn))
    assert found["whole image"]["leakage"] > 0.6
    assert found["whole image, measured"]["leakage"] > 0.6
    assert abs(found["mask, painted"]["leakage"]) < 0.3
    assert found["whole image"]["leakage_share"] > 5 * found["mask, painted"]["leakage_share"]

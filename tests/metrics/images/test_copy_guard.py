# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""CopyGuard: what repeats is counted, by what it repeats and by what tells."""

from __future__ import annotations

import pytest
import torch

from imug_metrics import CopyGuard
from tests.functional.images.consistent import angles
from tests.metrics import cases

CASES = {
    "copies": cases.Case(CopyGuard, cases.images_to_guard),
    "copies-cosine": cases.Case(lambda **k: CopyGuard(cosine_threshold=0.75, **k), cases.images),
}


def test_pixels_decide_where_a_pair_has_them() -> None:
    pixels = torch.tensor([0.2, 0.9, 0.9])[:, None].expand(3, 12)
    metric = CopyGuard(detail=True)
    metric.update(angles(0, 0, 90)[None], pixels=pixels[None])
    found = metric.compute()
    assert found["copy_guard"].item() == pytest.approx(1 / 2)
    assert found["copy_guard_by_pixels"].item() == pytest.approx(1 / 2)
    assert found["copy_guard_by_cosine"].item() == pytest.approx(1 / 2)
    assert found["copy_guard_of_first"].item() == 0

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""copy_guard by hand."""

from __future__ import annotations

from imug_metrics.functional import copy_guard
from tests.functional.images.consistent import angles


def test_the_first_image_has_nothing_to_be_a_copy_of() -> None:
    found = copy_guard(angles(0, 0, 60, 0), dialogue=[1] * 4, turn=[1, 2, 3, 4], reduction="none")
    assert found[0].isnan()
    assert found[1:].tolist() == [1, 0, 1]

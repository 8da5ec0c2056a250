# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""edit_locality against measures of crops."""

from __future__ import annotations

import torch

from imug_metrics.functional import edit_locality


def test_the_first_image_has_nothing_before_it() -> None:
    images = torch.rand(1, 3, 3, 16, 16)
    found = edit_locality(images, noop=torch.ones(1, 3, dtype=torch.bool), reduction="none")
    assert found.isnan().tolist() == [[True, False, False]]

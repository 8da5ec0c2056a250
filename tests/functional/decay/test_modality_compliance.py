# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""modality_compliance against values by hand, and the ways to say what came."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from imug_metrics.functional import modality_compliance

ASKED = [["text", "image", "image", "text"]]
CAME = [["text", "text", "both", "both"]]


@pytest.mark.parametrize(("extra", "expected"), [("text", [1, 0, 1, 0]), ("any", [1, 0, 1, 1]), ("none", [1, 0, 0, 0])])
def test_one_value_a_record(extra: Any, expected: list[float]) -> None:
    assert modality_compliance(CAME, ASKED, extra=extra, reduction="none").tolist() == [expected]
    assert modality_compliance(CAME, ASKED, extra=extra).item() == np.mean(expected)


def test_ways_to_say_what_came_and_what_was_asked_for() -> None:
    codes = torch.tensor([[0, 0, 2, 2]])
    image = torch.tensor([[False, True, True, False]])
    for came in (CAME, codes, codes.tolist(), codes.numpy(), codes.double(), np.array(CAME)):
        for asked in (ASKED, image, image.tolist()):
            assert modality_compliance(came, asked, reduction="none").tolist() == [[1, 0, 1, 0]]


def test_what_is_not_known_has_no_value() -> None:
    found = modality_compliance(
        ["text", None, "none"], ["text", "text", "text"], dialogue=[0, 0, 0], turn=[1, 2, 3], reduction="none"
    )
    assert found.tolist() == pytest.approx([1, math.nan, 0], nan_ok=True)


@pytest.mark.parametrize("came", [["text", "audio"], torch.tensor([0.0, 4.0]), [0, 0.5], torch.tensor([0.0, -1.0])])
def test_an_unknown_output_is_refused_by_row(came: Any) -> None:
    with pytest.raises(ValueError, match=r"`preds` to be 'text', 'image', 'both' or 'none'.* at row 1"):
        modality_compliance(came, ["text", "text"], dialogue=[0, 0], turn=[1, 2])


def test_an_output_without_a_modality_is_refused_by_row() -> None:
    with pytest.raises(
        ValueError, match=r"`modality` to be 'text' or 'image' where there is an output, got nan at row 1"
    ):
        modality_compliance(["text", "text"], ["text", None], dialogue=[0, 0], turn=[1, 2])


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`extra` to be one of"):
        modality_compliance(CAME, ASKED, extra="words")  # type: ignore[arg-type]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verification of subjects from histograms and a bounded sample: what all pairs give, in constant memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from imug_metrics import IdentityVerification
from tests.metrics import cases

SMALL: dict[str, Any] = {"sample": 128, "bins": 64, "groups": 8}
REFUSED = ("missing", "average", "bootstrap", "seed")


def _grouped(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    return {**cases.images(dialogue, turn), "group": cases.labels(dialogue, torch.zeros_like(turn), 51, 3).float()}


def _several_subjects(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    grouped = _grouped(dialogue, turn)
    return {**grouped, "group": grouped["group"].long(), "subject": (turn > 2).long()}


CASES = {
    "identity": cases.Case(lambda **k: IdentityVerification(cases.WIDTH, **SMALL, **k), _grouped, refuses=REFUSED),
    "identity-subjects": cases.Case(
        lambda **k: IdentityVerification(cases.WIDTH, negatives="within", **SMALL, **k),
        _several_subjects,
        rows="codes",
        refuses=REFUSED,
    ),
}

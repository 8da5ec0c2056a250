# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Official numbers beside our own, where the keys of the two protocols differ."""

from __future__ import annotations

import math
from dataclasses import replace

from imug_metrics import Record
from imug_metrics.evaluation.official import with_official_answers
from imug_metrics.suite import score_records


def test_official_answers_bring_their_own_reasons() -> None:
    strict = [Record(f"d{d}", t, "text", "Which?", text="AB"[d % 2], target="A") for d in range(4) for t in (1, 2)]
    first = [record for record in strict if record.turn == 1]
    official = [replace(record, target="B") if record.dialogue == "d0" else record for record in first]
    scores = score_records(strict, model="mine", encoder=None)
    reasons = {**scores.reasons, "answer_accuracy_imug_turn_2": "stale", "answer_accuracy": "kept"}
    stale = replace(scores, reasons=reasons)
    found = with_official_answers(stale, official)
    assert found.scores["answer_accuracy_imug"] == 0.25
    assert found.reasons["answer_accuracy"] == "kept"
    own = {key: why for key, why in found.reasons.items() if key.startswith("answer_accuracy_imug")}
    assert "stale" not in own.values()
    assert "answer_accuracy_imug_slope" in own, "one turn a dialogue has no slope"
    assert all(math.isnan(found.scores.get(f"{key}_lower", math.nan)) for key in own)

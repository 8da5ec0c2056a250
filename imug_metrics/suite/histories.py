# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One model on its own history against the same model on the reference history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from imug_metrics.dialogues.record import Record, places
from imug_metrics.functional.images.turn_alignment import RANGES
from imug_metrics.metrics.decay.exposure_bias import ExposureBias
from imug_metrics.metrics.decay.paired_gain import PairedGain
from imug_metrics.suite.answers import with_key
from imug_metrics.suite.scores import metric_scores


def compare_histories(
    records: Sequence[Record],
    own: Sequence[Mapping[str, Any]],
    reference: Sequence[Mapping[str, Any]],
    *,
    missing: Literal["skip", "zero"] = "skip",
) -> dict[str, float]:
    """What building on its own outputs costs a model: one run of it against another on the reference history.

    Answers give exposure bias, a share of errors. Images give the gap alone: alignment has no value that means "all
    right", so an error share would depend on the encoder's scale.

    Args:
        records: of the run on the reference history. Text turns whose key names no option are left out; so should be
            questions whose key depends on the history, which are given by an absent target.
        own: items of the run on the model's own history.
        reference: items of the run on the reference history.
        missing: what an absent output counts as, as in `score_records`.

    Returns:
        "exposure_bias..." of answers under protocol "strict" and "exposure_gap_alignment...", the mean of reference
        minus own, each where both runs have scores of the kind.

    Example:
        >>> run = [Record("a", t, "text", "Which?", target="B") for t in (1, 2)]
        >>> own, reference = ([{"dialogue": "a", "turn": t, "answer_strict": s[t - 1]} for t in (1, 2)]
        ...                   for s in ((0.5, 0.0), (0.5, 0.5)))
        >>> compare_histories(run, own, reference)["exposure_bias"]
        50.0
    """
    options: dict[str, Any] = {"detail": True, "missing": missing}
    options["max_turns"] = max(16, *(record.turn for record in records)) if records else 16
    arms = [{(item["dialogue"], item["turn"]): item for item in items} for items in (own, reference)]

    def column(rows: Sequence[Record], name: str) -> list[list[float]]:
        found = ([items.get((row.dialogue, row.turn), {}).get(name) for row in rows] for items in arms)
        return [[math.nan if value is None else value for value in values] for values in found]

    found: dict[str, float] = {}
    texts, images = with_key(records, "strict"), [record for record in records if record.modality == "image"]
    mine, theirs = column(texts, "answer_strict")
    if _any_number(mine) and _any_number(theirs):
        bias = ExposureBias(**options)
        bias.update(mine, theirs, **places(texts))
        found |= metric_scores(bias)
    mine, theirs = column(images, "alignment")
    if _any_number(mine) and _any_number(theirs):
        gap = PairedGain(score_range=RANGES["clipscore"], **options)
        gap.update(theirs, mine, **places(images))
        found |= metric_scores(gap, "exposure_gap_alignment")
    return found


def _any_number(values: Sequence[float]) -> bool:
    return not all(math.isnan(value) for value in values)

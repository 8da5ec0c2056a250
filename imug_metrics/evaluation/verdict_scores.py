# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From the rows of a log of verdicts to scores: pass rate, agreement, permissiveness, flips, specificity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imug_metrics.dialogues.columns import SHARE
from imug_metrics.evaluation.verdict_rows import LoggedVerdict
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.self_evaluation.self_verification import SelfVerification
from imug_metrics.metrics.self_evaluation.turn_of_flip import TurnOfFlip
from imug_metrics.metrics.self_evaluation.verdict_specificity import VerdictSpecificity
from imug_metrics.suite import metric_scores

MOST_TURNS = 40
"""Turns of the curves; later ones count in everything else but the slope of log-odds."""

_CHANGES = {
    "permissiveness": ("self_verification", "drift"),
    "agreement": ("self_verification", "accuracy_slope"),
    "pass_rate": ("pass_rate", "slope"),
    "specificity": ("verdict_specificity", "slope"),
}
_ENDS = ("", "_lower", "_upper")


def verdict_scores(rows: Sequence[LoggedVerdict], level: float) -> dict[str, float]:
    """Scores of one log.

    Args:
        rows: one a dialogue and turn.
        level: of the intervals of changes, which are to hold together with others; all others have 95 %.

    Returns:
        `pass_rate...`, the mean of the verdicts with its curve and its slope within dialogues; with truth
        `self_verification...`; `turn_of_flip_flip_rate...`, changes of the verdict between neighbouring turns; with
        texts `verdict_specificity...` of the accepted work; and `change_NAME`, of permissiveness, agreement, pass rate
        and specificity, with bounds at `level`.
    """
    turns = min(max(16, *(row.turn for row in rows)), MOST_TURNS)
    metrics = _fed(rows, 0.95, turns)
    joint = _fed(rows, level, turns)
    found: dict[str, float] = {}
    for name, metric in metrics.items():
        found |= _named(metric, name)
    for change, (name, end) in _CHANGES.items():
        if name in joint:
            scores = _named(joint[name], name)
            found |= {f"change_{change}{bound}": scores[f"{name}_{end}{bound}"] for bound in _ENDS}
    return found


def _named(metric: DialogueMetric, name: str) -> dict[str, float]:
    """What a metric gives; of the pass rate its mean is the score, which `TurnDecay` gives beside its slope."""
    found = metric_scores(metric, name)
    if name != "pass_rate":
        return found
    slope = {f"{name}_slope{end}": found.pop(f"{name}{end}") for end in _ENDS}
    return {f"{name}{end}": found.pop(f"{name}_mean{end}") for end in _ENDS} | slope | found


def _fed(rows: Sequence[LoggedVerdict], level: float, turns: int) -> dict[str, DialogueMetric]:
    """The metrics that the log has something for, by the beginning of their names."""
    options: dict[str, Any] = {"detail": True, "level": level, "max_turns": turns}
    found: dict[str, DialogueMetric] = {}

    def places(chosen: Sequence[LoggedVerdict]) -> dict[str, Any]:
        return {"dialogue": [row.dialogue for row in chosen], "turn": [row.turn for row in chosen]}

    said = [row.verdict for row in rows]
    passed, flips = TurnDecay(score_range=SHARE, **options), TurnOfFlip(**options)
    passed.update([float("nan") if verdict is None else verdict for verdict in said], **places(rows))
    flips.update(said, **places(rows))
    found |= {"pass_rate": passed, "turn_of_flip": flips}
    if any(row.truth is not None for row in rows):
        found["self_verification"] = SelfVerification(**options)
        found["self_verification"].update(said, [row.truth for row in rows], **places(rows))
    confirmed = [row for row in rows if row.verdict == 1 and row.text is not None]
    if confirmed:
        specificity = found["verdict_specificity"] = VerdictSpecificity(**options)
        prompts = [row.prompt for row in confirmed]
        texts = None if None in prompts else prompts
        specificity.update([row.text for row in confirmed], texts, **places(confirmed))
    return found

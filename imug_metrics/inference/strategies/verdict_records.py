# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From the logs of self-verification to what the metrics of self-evaluation take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from imug_metrics.errors import ArgumentError


class VerdictRecords(NamedTuple):
    """Arguments of metrics, by keyword.

    Attributes:
        verification: of `SelfVerification.update`: the first verdict of each turn.
        correction: of `SelfCorrection.update`: whether the first and the last output of each turn are right.
        loops: of `LoopConvergence.update`: the outputs of each turn in their order; a loop is a turn (`subject`).
    """

    verification: dict[str, list[Any]]
    correction: dict[str, list[Any]]
    loops: dict[str, list[Any]]


def verdict_records(
    dialogue: Sequence[str], turn: Sequence[int], logs: Sequence[Mapping[str, Any]], scores: Sequence[Sequence[float]]
) -> VerdictRecords:
    """What verdicts were worth, once the outputs have been scored.

    Args:
        dialogue: ids of dialogues, one a turn.
        turn: numbers of turns.
        logs: of the answers; verdicts within other strategies are found.
        scores: of each turn, the scores of its outputs in the order of the attempts, 1 where one is right and 0 where
            it is wrong; NaN where it is not known.

    Raises:
        ArgumentError: if there are other numbers of turns, or a turn has no verdicts or no scores.

    Example:
        >>> from imug_metrics import SelfCorrection, SelfVerification
        >>> logs = [{"verdicts": [True]}, {"verdicts": [False, None]}]
        >>> found = verdict_records(["a", "b"], [1, 1], logs, [[1], [0, 1]])
        >>> metric = SelfVerification()
        >>> metric.update(**found.verification)
        >>> found.correction["before"], found.correction["preds"], float(metric.compute())
        ([1, 0], [1, 1], 1.0)
    """
    if not len(dialogue) == len(turn) == len(logs) == len(scores):
        raise ArgumentError("scores", f"expected those of {len(logs)} logs, one list a log, got {len(scores)}")
    found = [logged_verdicts(log) for log in logs]
    for row, verdicts in enumerate(found):
        if not verdicts or not scores[row]:
            raise ArgumentError("logs", f"expected verdicts and scores at turn {turn[row]} of {dialogue[row]}")
    places: dict[str, list[Any]] = {"dialogue": list(dialogue), "turn": list(turn)}
    first, last = [row[0] for row in scores], [row[-1] for row in scores]
    verification: dict[str, list[Any]] = {
        "preds": [verdicts[0] if verdicts else None for verdicts in found],
        "target": first,
        **places,
    }
    steps = [(row, step) for row, of_turn in enumerate(scores) for step in range(len(of_turn))]
    loops: dict[str, list[Any]] = {
        "scores": [float(scores[row][step]) for row, step in steps],
        "dialogue": [dialogue[row] for row, _ in steps],
        "turn": [step + 1 for _, step in steps],
        "subject": [turn[row] for row, _ in steps],
    }
    return VerdictRecords(verification, {"preds": last, "before": first, **places}, loops)


def logged_verdicts(log: Mapping[str, Any]) -> list[bool | None] | None:
    """The verdicts in the log of an answer, of the picked candidate where there are several; None: there are none.

    Example:
        >>> logged_verdicts({"thoughts": "...", "answer": {"verdicts": [False, True]}})
        [False, True]
        >>> logged_verdicts({"selector": "own", "pick": 1, "candidates": [{}, {"verdicts": [None]}]})
        [None]
    """
    if "verdicts" in log:
        return list(log["verdicts"])
    inner = log["candidates"][log["pick"]] if "candidates" in log else log.get("answer", {})
    return logged_verdicts(inner) if inner else None

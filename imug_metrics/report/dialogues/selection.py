# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which dialogues are laid out turn by turn: the worst of each model, where they differ, a typical one, the best."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue

_WORST, _WORST_OF_ALL, _DIFFERENT = 3, 6, 3


class Reason(NamedTuple):
    """Why a dialogue was chosen, and for which model; None: for all."""

    text: str
    model: int | None = None


@dataclass
class ChosenDialogue:
    """A dialogue with all models that have it.

    Attributes:
        scored: the dialogue of each model, in the order of the models.
        reasons: why it was chosen; the first is that of its group.
    """

    scored: Sequence[ScoredDialogue]
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True)
class ChosenGroup:
    """Dialogues that were chosen for one reason; those that an earlier group has stand there.

    Attributes:
        title: what they have in common.
        dialogues: in order.
        spotless: places of models of which there is none: nothing went wrong.
    """

    title: str
    dialogues: Sequence[ChosenDialogue]
    spotless: Sequence[int] = ()


def chosen_dialogues(found: Iterable[ScoredDialogue]) -> list[ChosenGroup]:
    """Every model's worst dialogues first, then those in which the models differ most, a typical one and the best.

    A dialogue where nothing went wrong is never among those that did. Models of which no turn is judged right or wrong
    show their lowest scores instead.

    Args:
        found: dialogues of all models.
    """
    by_name: dict[str, list[ScoredDialogue]] = {}
    by_model: dict[int, list[ScoredDialogue]] = {}
    for one in found:
        by_name.setdefault(one.dialogue, []).append(one)
        by_model.setdefault(one.model, []).append(one)
    judged = {model for model, mine in by_model.items() if any(one.is_judged for one in mine)}
    count = max(1, min(_WORST, _WORST_OF_ALL // max(1, len(by_model))))
    worst = {model: sorted(mine, key=lambda one: one.rank)[:count] for model, mine in by_model.items()}
    wrong = {model: [one for one in worst[model] if one.faults] for model in sorted(judged)}
    lowest = {model: [one for one in worst[model] if one.is_scored] for model in sorted({*by_model} - judged)}
    groups = [
        ("Where it went wrong", _of_models(wrong, "among the worst of"), [m for m, mine in wrong.items() if not mine]),
        ("Lowest scores", _of_models(lowest, "among the lowest scores of"), []),
        ("Where the models differ most", _differing(by_name), []),
        *((title, reasons, []) for title, reasons in _overall(by_name)),
    ]
    taken: dict[str, ChosenDialogue] = {}
    chosen = [ChosenGroup(title, list(_new(reasons, by_name, taken)), none) for title, reasons, none in groups]
    return [group for group in chosen if group.dialogues or group.spotless]


_Reasons = Sequence[tuple[str, Reason]]


def _new(
    reasons: _Reasons, by_name: Mapping[str, Sequence[ScoredDialogue]], taken: dict[str, ChosenDialogue]
) -> Iterator[ChosenDialogue]:
    """Those that were not chosen before; of the others the reason is added."""
    for name, reason in reasons:
        is_new = name not in taken
        one = taken.setdefault(name, ChosenDialogue(by_name[name]))
        one.reasons.append(reason)
        if is_new:
            yield one


def _of_models(worst: Mapping[int, Sequence[ScoredDialogue]], text: str) -> _Reasons:
    return [(one.dialogue, Reason(text, model)) for model, mine in worst.items() for one in mine]


def _differing(by_name: Mapping[str, Sequence[ScoredDialogue]]) -> _Reasons:
    spreads = {name: _spread(scored) for name, scored in by_name.items() if len(scored) > 1}
    ranked = sorted((name for name in spreads if any(spreads[name])), key=lambda name: spreads[name], reverse=True)
    return [(name, Reason("the models differ")) for name in ranked[:_DIFFERENT]]


def _spread(scored: Sequence[ScoredDialogue]) -> tuple[float, ...]:
    return tuple(max(values) - min(values) for values in zip(*(one.rank for one in scored), strict=True))


def _overall(by_name: Mapping[str, Sequence[ScoredDialogue]]) -> Iterator[tuple[str, _Reasons]]:
    """The median and the best by the mean over the models."""
    ranks = {name: _mean_rank(scored) for name, scored in by_name.items()}
    ranked = sorted(ranks, key=lambda name: ranks[name])
    if len(ranked) > 2:
        yield "Typical", [(ranked[len(ranked) // 2], Reason("typical: in the middle of all dialogues"))]
    if ranked:
        yield "Best", [(ranked[-1], Reason("the best of all dialogues"))]


def _mean_rank(scored: Sequence[ScoredDialogue]) -> tuple[float, ...]:
    return tuple(statistics.fmean(values) for values in zip(*(one.rank for one in scored), strict=True))

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of what records carry themselves: scores, costs, groups; none may be called as something else is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias, get_args

from imug_metrics.dialogues.record import GROUPS, Record
from imug_metrics.errors import InputError

CarriedField: TypeAlias = Literal["scores", "costs"]
"""A field of a record that carries numbers under names of their own."""

CARRIED_FIELDS: tuple[CarriedField, ...] = get_args(CarriedField)

COST = "cost_"
"""How the names of costs begin in scores and rows of records."""

MAIN_GROUPS = ("class", "domain", "subdomain")
"""Groups that have a column in all rows of records; others have one where a record is in one of them."""

RECORD_COLUMNS = (
    *("dialogue", "turn", "modality", "prompt", "target", "text", "image"),
    *MAIN_GROUPS,
    *("read", "reading"),
)
"""Columns that the rows of records always have, which say what a record is; nothing else is called so."""

_ADDED = ("model", "points", "points_strict", "points_imug")
"""Columns that rows have in files, and of judged images."""

_ENDS = re.compile(
    r"_(lower|upper|coverage|n|dialogues|reason|mean|slope|pooled|retention|half_life|effective_turns|turn_\d+)\Z"
)

_OF_COSTS = re.compile(
    r"_(growth|sum|per_dialogue|score|per_point|(cumulative|score_until)_turn_\d+)(_(lower|upper))?\Z"
)


def carried_names(records: Iterable[Record]) -> tuple[list[str], list[str]]:
    """Names of the scores and of the costs that records carry, in alphabetical order.

    Example:
        >>> carried_names([Record("a", 1, "text", "Which?", scores={"judge": 1.0}, costs={"tokens": 9})])
        (['judge'], ['tokens'])
    """
    scores: set[str] = set()
    costs: set[str] = set()
    for record in records:
        if record.scores:
            scores.update(record.scores)
        if record.costs:
            costs.update(record.costs)
    return sorted(scores), sorted(costs)


def carried_key(field: CarriedField, name: str) -> str:
    """What the scores of a number that records carry begin with.

    Example:
        >>> carried_key("scores", "judge"), carried_key("costs", "tokens")
        ('judge', 'cost_tokens')
    """
    return COST + name if field == "costs" else name


def carried_groups(records: Iterable[Record]) -> list[str]:
    """Names of the groups that records carry beside the main ones: first the usual ones, then in alphabetical order.

    Example:
        >>> carried_groups([Record("a", 1, "text", "Which?", groups={"source": "web", "class": "x", "difficulty": 2})])
        ['difficulty', 'source']
    """
    found: set[str] = set()
    for record in records:
        if record.groups:
            found.update(record.groups)
    usual = [name for name in GROUPS if name in found and name not in MAIN_GROUPS]
    return [*usual, *sorted(found.difference(GROUPS))]


def check_names(names: Collection[str], taken: Collection[str]) -> None:
    """Raise InputError for a score whose name, or that of one of its estimates, is one of something else.

    Args:
        names: of scores that records carry.
        taken: of metrics, of groups, and of columns of rows.

    Example:
        >>> check_names(["judge", "judge_mean"], [])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `scores` to have other names than estimates, got 'judge_mean'.
    """
    for name in names:
        if name in taken or name in RECORD_COLUMNS or name == "model":
            raise InputError("scores", "to have other names than metrics and columns of rows", repr(name))
        if name.startswith(COST):
            raise InputError("scores", f"to have names that do not begin with {COST!r}, as costs do", repr(name))
        if _ENDS.search(name):
            raise InputError("scores", "to have other names than estimates", repr(name))


def is_estimate(name: str) -> bool:
    """Whether a name ends as those of estimates do, so that it may be taken for one of another score or cost.

    Example:
        >>> is_estimate("tokens_sum"), is_estimate("prompt_tokens")
        (True, False)
    """
    return bool(_ENDS.search(name) or _OF_COSTS.search(name))


def check_costs(names: Collection[str]) -> None:
    """Raise InputError for a cost that has the name of an estimate of another one.

    Example:
        >>> check_costs(["seconds", "seconds_growth"])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `costs` to have other names than estimates of each other,
        got 'seconds_growth'.
    """
    for name in names:
        ends = (name[len(other) :] for other in names if name.startswith(f"{other}_"))
        if any(_ENDS.fullmatch(end) or _OF_COSTS.fullmatch(end) for end in ends):
            raise InputError("costs", "to have other names than estimates of each other", repr(name))


def check_metrics(names: Iterable[str]) -> None:
    """Raise InputError for a metric that has the name of a column of rows, which its values would take the place of.

    Example:
        >>> check_metrics(["mine", "text"])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `metrics` to have other names than columns of rows,
        got 'text'.
    """
    for name in names:
        if name in RECORD_COLUMNS or name == "model":
            raise InputError("metrics", "to have other names than columns of rows", repr(name))


def check_groups(names: Iterable[str], taken: Collection[str]) -> None:
    """Raise InputError for a group, beside the main ones, that has the name of another column of rows.

    Args:
        names: of groups that records carry.
        taken: of metrics, of scores, and of columns of rows.

    Example:
        >>> check_groups(["source", "prompt"], [])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `groups` to have other names than metrics, scores and columns
        of rows, got 'prompt'.
    """
    for name in names:
        if name in taken or name in RECORD_COLUMNS or name in _ADDED or name.startswith(COST):
            raise InputError("groups", "to have other names than metrics, scores and columns of rows", repr(name))

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of what records carry themselves: named scores, costs, reference images."""

# No `from __future__ import annotations`: metric classes are in this file.

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import GROUPS, Record
from imug_metrics.errors import InputError
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.images.turn_consistency import TurnConsistency
from imug_metrics.metrics.options import MetricOptions, within

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


class NamedScore(TurnDecay):
    """A score that records carry: its mean first, then what `TurnDecay` says of it.

    The detail is that of `TurnDecay` with mean and slope in each other's place: `<name>` is the mean, `<name>_slope`
    the change per turn within dialogues.

    Args:
        name: of the score, and what the names of all its estimates begin with.
        score_range: ends that it cannot leave, as in `TurnDecay`; None: not known. A suite that is given a metric of
            the score's name feeds that one.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> metric = NamedScore("helpful")
        >>> metric.update([0.5, 0.25], dialogue=["a", "a"], turn=[1, 2])
        >>> found = metric.compute()
        >>> float(found["helpful"]), float(found["helpful_slope"])
        (0.375, -0.25)
    """

    primary = "mean"
    description = MetricDescription(
        label="Score",
        noun="score",
        measures="mean over the records that have it",
        direction="higher is better",
        meaning="A score that the records carry: its mean.",
        misleads="It means what its maker says. What was not scored is left out: read the coverage.",
    )

    def __init__(self, name: str, *, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]) -> None:
        self.name = name
        options: dict[str, Any] = {**kwargs, "detail": True}
        super().__init__(score_range=score_range, **options)

    def describe(self) -> MetricDescription:
        """How to read it, under its own name."""
        return replace(super().describe(), label=self.name, noun=self.name)


class NamedCost(NamedScore):
    """A cost that records carry: mean and sum, and how it changes from turn to turn.

    Args:
        name: of the cost, such as "tokens"; its estimates are called `cost_<name>...`, its sum `cost_<name>_sum`.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> metric = NamedCost("tokens")
        >>> metric.update([10.0, 30.0], dialogue=["a", "a"], turn=[1, 2])
        >>> found = metric.compute()
        >>> float(found["cost_tokens"]), float(found["cost_tokens_sum"])
        (20.0, 40.0)
    """

    higher_is_better = False
    limits = within((0.0, math.inf), "mean", "turn_")
    description = MetricDescription(
        label="Cost",
        noun="cost",
        measures="mean over the records that have it",
        direction="lower is better",
        meaning="What an output costs, as the records say: the mean.",
        misleads="Costs that are not known are left out of mean and sum: read the coverage. It says nothing of what "
        "was got for them.",
    )

    def __init__(self, name: str, **kwargs: Unpack[MetricOptions]) -> None:
        self.kind = name
        options: dict[str, Any] = {**kwargs, "missing": "skip"}
        super().__init__(COST + name, **options)

    def describe(self) -> MetricDescription:
        """How to read it, under its own name."""
        return replace(super().describe(), label=f"Cost, {self.kind}", noun=f"cost in {self.kind}", unit=self.kind)

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        total = found[f"{self.name}_mean"] * found[f"{self.name}_n"]
        return {**super()._finish(found), f"{self.name}_sum": total.nan_to_num(0.0)}


class ReferenceConsistency(TurnConsistency):
    """How alike is each image to the reference image of its record? `TurnConsistency` in the mode "anchor".

    Args:
        kwargs: those of `TurnConsistency` but its mode.

    Example:
        >>> import torch
        >>> metric = ReferenceConsistency()
        >>> metric.update(torch.eye(2), references=torch.tensor([[1.0, 0.0], [1.0, 0.0]]), dialogue=[1, 1], turn=[1, 2])
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    name = "turn_consistency_reference"
    description = MetricDescription(
        label="Likeness to reference",
        noun="likeness to the reference",
        unit="cosine",
        measures="mean over the images that have a reference",
        direction="higher is better",
        meaning="Similarity of each image with the reference image of its record.",
        misleads="It is taken over whole images: a copy of the reference that ignores the prompt scores best.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("anchor", **kwargs)

    def describe(self) -> MetricDescription:
        """How to read it."""
        assert self.description is not None
        return replace(super().describe(), meaning=self.description.meaning)

    def update(  # type: ignore[override]  # references are what it is about
        self,
        images: Images,
        *,
        references: Tensor,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: as in `TurnConsistency`.
            references: embeddings of a reference for each image, in the shape of `images`.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.
        """
        places: dict[str, Any] = {"dialogue": dialogue, "turn": turn, "subject": subject}
        super().update(images, references=references, valid=valid, lengths=lengths, **places)


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

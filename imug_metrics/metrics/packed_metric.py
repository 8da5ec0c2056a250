# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric whose one packed state holds sums over dialogues, and how often each dialogue was counted."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, distributed

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.metrics.additive_metric import AdditiveMetric
from imug_metrics.metrics.repeated_dialogues import SEEN_WIDTH, GivenBatch, SeenDialogues, warn_of_repeats
from imug_metrics.metrics.state import can_change
from imug_metrics.stats import Repeats, add_sightings, count_repeats
from imug_metrics.stats.sightings import TABLE_SIZE


class PackedMetric(AdditiveMetric):
    """What `DialogueMetric` asks of the state that it adds to.

    The sums of a subclass (`moments`) and the table of sightings (`imug_metrics.stats.sightings`) are one state, which
    processes gather at once. A subclass calls `_add_packed_state` when it knows the shape of its sums, `_take_note` of
    every batch whose dialogues the caller named, and `_increase_moments`.

    Args:
        check_repeats: see `MetricOptions`.
        kwargs: those of `torchmetrics.Metric`.
    """

    packed: Tensor  # the sums and the table, one behind the other
    seen: list[Tensor]  # with `check_repeats`, rows of `SeenDialogues`

    def __init__(self, *, check_repeats: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check_repeats = check_repeats
        self._looks_for_repeats = True  # False where another metric has seen all that this one sees
        self._repeats: Repeats | None = None
        self._warned_of_repeats = False  # since the last reset: a loop that logs every step would say it every step
        self._given: GivenBatch | None = None  # of the update that runs
        self._seen_dialogues = SeenDialogues()

    @property
    def moments(self) -> Tensor:
        """The sums over dialogues, a view of the state: `[P]`, or with `detail` `[P + 1, P + 1]`."""
        return self.packed[:-TABLE_SIZE].view(self._shape)

    @property
    def repeated_dialogues(self) -> Repeats | None:
        """How many dialogues the last `compute()` found to have been counted before, noticed or not.

        None before it, and where it was not asked (`forward`). Dialogues without ids of the caller are not counted.

        Example:
            >>> from imug_metrics import TurnDecay
            >>> metric = TurnDecay()
            >>> metric.update([[0.9, 0.8], [0.7, 0.7]], dialogue=["a", "b"])
            >>> _ = metric.compute()
            >>> metric.repeated_dialogues
            Repeats(sightings=2, repeated=0.0, chance=1.0)
        """
        return self._repeats

    def reset(self) -> None:
        """Forget all records; the memory of a state that nobody else holds stays where it is."""
        super().reset()
        self._repeats, self._warned_of_repeats = None, False

    def _add_packed_state(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self.add_sums("packed", math.prod(shape) + TABLE_SIZE)
        if self.check_repeats:
            self.add_state("seen", [], dist_reduce_fx="cat")

    def _increase_moments(self, added: Tensor) -> None:
        """Add to the sums over dialogues: in place, unless they or what is added carry a gradient."""
        moments, table = self.packed[:-TABLE_SIZE], self.packed[-TABLE_SIZE:]
        if added.requires_grad or not can_change(self.packed):
            self.packed = torch.cat([moments + added.flatten(), table])
        else:
            moments.add_(added.flatten())

    def _wrap_update(self, update: Callable[..., None]) -> Callable[..., None]:
        """`update`, behind which the dialogues are counted whose ids the caller gave."""

        @functools.wraps(update)
        def counted(*args: Any, **kwargs: Any) -> None:
            try:
                update(*args, **kwargs)
                if self._given is not None:
                    self._count_dialogues(self._given)
            finally:
                self._given = None

        return super()._wrap_update(counted)

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        """`compute`, behind a look at dialogues that came back, which the value of one batch needs not."""

        @functools.wraps(compute)
        def looked(*args: Any, **kwargs: Any) -> Any:
            if self._looks_for_repeats and not self._enable_grad:
                self._look_for_repeats()
            return compute(*args, **kwargs)

        wrapped = super()._wrap_compute(looked)

        @functools.wraps(compute)
        def restored(*args: Any, **kwargs: Any) -> Any:
            synced = self._is_synced
            try:
                return wrapped(*args, **kwargs)
            finally:
                if self._is_synced and not synced and self._should_unsync:  # left so by an error
                    self.unsync()

        return restored

    def _take_note(self, batch: DialogueBatch, dialogue: Any, shape: tuple[int, ...]) -> None:
        """Keep a batch until its update is through; one with dialogues that are there already is refused.

        Args:
            batch: the packed dialogues.
            dialogue: their ids, as they were given.
            shape: of the records.
        """
        given = GivenBatch(batch, dialogue, shape)
        if self.check_repeats:
            self._seen_dialogues.refuse_known((self._set_aside or {}).get("seen", self.seen), given)
        self._given = given

    def _count_dialogues(self, given: GivenBatch) -> None:
        """Add the dialogues of an update to those that were seen."""
        batch = given.batch
        ids, there = batch.ids.to(self.device), batch.dialogues_with_records()
        there = None if there is None else there.to(self.device)
        if can_change(self.packed):
            add_sightings(self.packed[-TABLE_SIZE:], ids, there)
        else:
            table = self.packed[-TABLE_SIZE:].detach().clone()
            add_sightings(table, ids, there)
            self.packed = torch.cat([self.packed[:-TABLE_SIZE], table])
        if self.check_repeats:
            self.seen.append(self._seen_dialogues.rows(given).to(self.device))

    def _look_for_repeats(self) -> None:
        """Warn once of dialogues that came back, by the first process for all; refuse them if asked to."""
        if self.check_repeats:
            self._seen_dialogues.refuse_repeats([self.seen] if isinstance(self.seen, Tensor) else self.seen)
        self._repeats = count_repeats(self.packed[-TABLE_SIZE:])
        if self._repeats.noticed and not self._warned_of_repeats and not (self._is_synced and _is_later_process()):
            warn_of_repeats(self._repeats)
            self._warned_of_repeats = True

    def _width_of(self, rows: str) -> int:
        return SEEN_WIDTH if rows == "seen" else self.row_width


def _is_later_process() -> bool:
    """Whether another process says what all have found."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_rank() > 0

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues that come in pieces or twice: what a metric says when it notices them, and the exact check of their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics._callers import warn_caller
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.ids import read_ids
from imug_metrics.errors import InputError, RepeatedDialoguesWarning
from imug_metrics.stats import Repeats

SEEN_WIDTH = 4
"""Numbers of a row that `SeenDialogues` makes: three parts of the dialogue's id, and the turn, below 0 where it opens
the dialogue."""

_CURES = """
- Accelerate: `DataLoaderConfiguration(even_batches=False)`.
- `DistributedSampler` repeats samples: `DataLoader(dialogues, sampler=range(rank, len(dialogues), world_size))`.
- Shards and batches of dialogues, not of turns: `DialogueBatchSampler`, or `by_dialogue(records)[rank::world_size]`.
- Rows that lie apart on several processes: `gather_dialogues` brings them together.
- Turn-by-turn rollouts: collect them in a `RolloutBuffer`.
- Epochs: `reset()` between them.
- Ids that begin anew in every batch or data set: make them unique, or leave them out of padded batches.
`check_repeats=True` names the dialogue."""

_PARTS = ((40, 24), (16, 24), (0, 16))  # where each part begins, and its bits: float32 holds integers of 24


class GivenBatch(NamedTuple):
    """Packed dialogues whose ids the caller gave.

    Attributes:
        batch: the dialogues.
        dialogue: their ids as they were given.
        shape: of the records.
    """

    batch: DialogueBatch
    dialogue: Any
    shape: tuple[int, ...]


def warn_of_repeats(found: Repeats) -> None:
    """Say how many dialogues were counted before, and how to hand over each once."""
    count = max(round(found.repeated), 1)
    warn_caller(
        f"About {count:,} of {found.sightings:,} dialogues had been counted before. One in pieces, or given twice, "
        f"counts as several, and intervals are too narrow. Give each dialogue whole, in one update:{_CURES}",
        RepeatedDialoguesWarning,
    )


class SeenDialogues:
    """The dialogues in the rows that a metric keeps, and the names under which this process was given them."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._read = 0  # tensors of rows behind `_known`
        self._last: Tensor | None = None  # of these
        self._names: dict[int, Any] = {}

    def refuse_known(self, rows: Sequence[Tensor], given: GivenBatch) -> None:
        """Raise InputError if a dialogue of a batch is in the rows already.

        Args:
            rows: kept so far.
            given: the batch.
        """
        ids = given.batch.ids.tolist()
        known = self._ids_of(rows)
        if known.isdisjoint(ids):
            return
        of_record, turns, cells = (column.tolist() for column in _records(given.batch))
        places = [place for place, id_ in enumerate(of_record) if id_ in known]
        if not places:  # a line of nothing but padding
            return
        id_ = of_record[places[0]]
        earlier = next(held for other, held in _sightings(rows) if other == id_)
        mine = [place for place in places if of_record[place] == id_]
        place = next((place for place in mine if turns[place] in earlier), mine[0])
        raise _repeated(_names(given)(cells[place]), turns[place], earlier, place_of(cells[place], given.shape))

    def refuse_repeats(self, rows: Sequence[Tensor]) -> None:
        """Raise InputError if a dialogue is in the rows of two updates, on this process or on others."""
        if not rows:
            return
        every = torch.cat([*rows])
        opened = Counter(_ids(every)[_opens(every)].tolist())
        if repeated := [id_ for id_, times in opened.items() if times > 1]:
            id_ = next((one for one in repeated if one in self._names), repeated[0])
            earlier, later, *_ = [held for other, held in _sightings(rows) if other == id_]
            turn = next((turn for turn in later if turn in earlier), later[0])
            raise _repeated(self._names.get(id_, id_), turn, earlier)

    def rows(self, given: GivenBatch) -> Tensor:
        """The rows of a batch to keep, float32 `[R * SEEN_WIDTH]`."""
        ids, turns, cells = _records(given.batch)
        owner = given.batch.owner[given.batch.segment]
        owner = owner if given.batch.record is None else owner[given.batch.record]
        opens = torch.ones_like(ids, dtype=torch.bool)
        opens[1:] = owner[1:] != owner[:-1]
        names = _names(given)
        self._names |= {id_: names(cell) for id_, cell in zip(ids[opens].tolist(), cells[opens].tolist())}
        parts = [(ids >> start) & ((1 << bits) - 1) for start, bits in _PARTS]
        return torch.stack([*parts, torch.where(opens, -turns, turns)], 1).float().flatten()

    def _ids_of(self, rows: Sequence[Tensor]) -> set[int]:
        """The ids in the rows; of rows that were looked at before only the new ones are looked at."""
        grown = self._read <= len(rows) and (not self._read or rows[self._read - 1] is self._last)
        if not grown:
            self._known, self._read = set(), 0
        if new := list(rows[self._read :]):
            self._known |= {*_ids(torch.cat(new)).tolist()}
            self._read, self._last = len(rows), rows[-1]
        return self._known


def _records(batch: DialogueBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Dialogue's id, turn and cell of each record in packed order, int64 `[R]`."""
    columns = batch.spread(batch.ids[batch.owner]), batch.turn, batch.order
    return columns if batch.record is None else tuple(column[batch.record] for column in columns)  # type: ignore[return-value]


def _names(given: GivenBatch) -> Any:
    """From a cell of the records to the dialogue's id as it was given."""
    found = read_ids("dialogue", given.dialogue)
    by_line = found.values.ndim < len(given.shape)
    return lambda cell: found.names(cell // given.shape[1] if by_line else cell)


def _ids(rows: Tensor) -> Tensor:
    """The dialogue's id of each row, int64 `[R]`."""
    parts = rows.view(-1, SEEN_WIDTH)[:, :-1].long().unbind(1)
    return torch.stack([part << start for part, (start, _) in zip(parts, _PARTS)]).sum(0)


def _opens(rows: Tensor) -> Tensor:
    """True `[R]` where a dialogue of an update begins."""
    return rows.view(-1, SEEN_WIDTH)[:, -1] < 0


def _sightings(rows: Sequence[Tensor]) -> list[tuple[int, list[int]]]:
    """The dialogues of all updates in their order, each with its turns."""
    every = torch.cat([*rows])
    turns: list[int] = every.view(-1, SEEN_WIDTH)[:, -1].long().tolist()
    found: list[tuple[int, list[int]]] = []
    for id_, turn in zip(_ids(every).tolist(), turns):
        if turn < 0:
            found.append((id_, []))
        found[-1][1].append(abs(turn))
    return found


def _repeated(name: Any, turn: int, earlier: list[int], row: int | list[int] | None = None) -> InputError:
    """What to say of a dialogue that came back."""
    kind = "again" if turn in earlier else "apart from its others"
    held = f"turn {earlier[0]}" if len(earlier) == 1 else f"turns {min(earlier)} to {max(earlier)}"
    got = f"turn {turn} of {name!r} {kind}: another update holds its {held}"
    return InputError("dialogue", "to hold each dialogue whole and once (`check_repeats`)", got, row)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What one judge said of one output, or of one item of its checklist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Order = Literal["first", "last"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True)
class Judgement:
    """One answer of one judge.

    Attributes:
        judge: its name; of people, too.
        model: whose output was judged.
        dialogue, turn: where.
        item: id of the item of a checklist; None: the output was judged as a whole.
        value: 1 yes or 0 no of an item that is expected to have one of both, else a score; None: there is none.
        expected: 1 or 0, the answer that meets an item, 1 where it is not said; None: `value` is a score.
        applies: False where the judge says that the item does not apply to the output.
        weight: of the item.
        category: of the item.
        asked: the turn at which the item was first asked for; None: at this one.
        place: of the item in the list that the judge read, from 0; None: not known.
        order: where the output's images stood among those that the judge saw, if it was asked in both orders; None: it
            was not, or that is not known. Judges compare where they saw the same order.
        length: characters of the output's text; None: not known.
        repeat: which of several independent answers, from 0.
        error: why there is no value, as "kind: message"; None: there is one, or the judge left the item out.
        costs: of the answer, by name, such as "seconds" or "tokens"; of a request about several items the first bears
            them.

    Example:
        >>> Judgement("a", "m", "d", 1, "2", value=0.0, expected=0.0).score
        1.0
    """

    judge: str
    model: str
    dialogue: str
    turn: int
    item: str | None = None
    value: float | None = None
    expected: float | None = None
    applies: bool = True
    weight: float = 1.0
    category: str | None = None
    asked: int | None = None
    place: int | None = None
    order: Order | None = None
    length: int | None = None
    repeat: int = 0
    error: str | None = None
    costs: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.item is not None and self.expected is None:
            object.__setattr__(self, "expected", 1.0)

    @property
    def score(self) -> float | None:
        """1 where the item is met, else 0; of a judgement as a whole its value."""
        if self.value is None or self.expected is None:
            return self.value
        return float(self.value == self.expected)

    def as_row(self) -> dict[str, Any]:
        """The judgement as one JSON object, without what is not known."""
        row = {name: value for name, value in vars(self).items() if value is not None and value != {}}
        if self.expected is not None:
            row["expected"] = _word(self.expected)
            row.pop("value", None)
            answer = "n/a" if not self.applies else None if self.value is None else _word(self.value)
            row |= {} if answer is None else {"answer": answer}
        row.pop("applies")
        costs = row.pop("costs", {})
        return row | {f"cost.{name}": value for name, value in costs.items()}


def _word(value: float) -> str:
    return "yes" if value else "no"

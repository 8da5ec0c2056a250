# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A function of records as a metric: mean, interval, coverage, curve and slope of the values that it gives."""

# No `from __future__ import annotations`: a metric class is in this file.

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.errors import InputError
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.options import MetricOptions

WORDS = ("record", "records", "preds", "target", "texts", "options", "modality")
"""What a function can ask for by the names of its parameters."""

_NAMELESS = "<lambda>"
_DIRECTIONS = {True: "higher is better", False: "lower is better", None: "neither end is better"}


class FunctionMetric(TurnDecay):
    """A function that gives one value a record: its mean first, then what `TurnDecay` says of the values.

    The names of the function's parameters say what it is given:

    - `record`: it is called once a record with the `Record`, and returns a number
    - `records`: it is called with a list of records, whole dialogues, and returns one number each
    - `preds`, `target`, `texts`, `options`, `modality`: it is called with one list of each, of the answers, keys,
      prompts, options and kinds of all records, and returns one number a record; they are None where absent

    In place of a number None leaves the record out, as one that the function does not concern. NaN says that there
    should have been a value, and lowers the coverage.

    Wherever metrics are given by name or in a list, such as in `evaluate`, a plain function stands for its metric.

    Args:
        function: deterministic, so that the same records have the same scores.
        name: what the names of its scores begin with; None: the function's own.
        higher_is_better: True, False, or None where neither end is better.
        low, high: ends that values cannot leave; others are refused, and intervals keep to them where both are given.
        label: heading of a column; None: the name.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        InputError: if the function has no name, or asks for something else.

    Example:
        >>> def words(preds):
        ...     "Words of an answer."
        ...     return [None if text is None else len(text.split()) for text in preds]
        >>> metric = FunctionMetric(words, higher_is_better=False)
        >>> metric.update(preds=["a cup", "a red cup", None], dialogue=[1, 1, 1], turn=[1, 2, 3])
        >>> found = metric.compute()
        >>> float(found["words"]), float(found["words_slope"]), float(found["words_n"])
        (2.5, 1.0, 2.0)
        >>> metric.describe().meaning
        'Words of an answer.'
    """

    primary = "mean"
    higher_is_better = None
    configuration = (*TurnDecay.configuration, "name")
    description = MetricDescription(
        label="Function",
        noun="value",
        measures="mean over the records that it concerns",
        direction="as its maker says",
        meaning="The mean of a function of the records.",
        misleads="It means what its maker says. Records for which the function gives nothing are left out.",
    )

    def __init__(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        *,
        higher_is_better: bool | None = None,
        low: float = -math.inf,
        high: float = math.inf,
        label: str | None = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        self.function, self.arguments = function, _arguments(function)
        own = str(getattr(function, "__name__", _NAMELESS))
        if name is None and own == _NAMELESS:
            raise InputError("name", "to be given for a function without a name")
        self.name = own if name is None else name
        self.low, self.high = low, high
        self.label, self.better = label or self.name, higher_is_better
        options: dict[str, Any] = {**kwargs, "detail": True}
        bounded = math.isfinite(low) and math.isfinite(high)
        super().__init__(score_range=(low, high) if bounded else None, **options)

    def describe(self) -> MetricDescription:
        """How to read it: by its label, its docstring and what was said of its range and direction."""
        told = " ".join((inspect.getdoc(self.function) or "").split("\n\n")[0].split())
        found = replace(super().describe(), label=self.label, noun=self.label, direction=_DIRECTIONS[self.better])
        return replace(
            found,
            meaning=told or f"The mean of the function {self.name}.",
            higher_is_better=self.better,
            low=self.low,
            high=self.high,
            is_mean=True,
        )

    def values(self, columns: dict[str, Any], count: int) -> list[float | None]:
        """What the function gives of some records.

        Args:
            columns: what it asks for by name, a list of each; of `record` the records.
            count: of the records.

        Raises:
            InputError: if it does not give one number, or None, a record, or one beyond its ends.
        """
        if self.arguments == ("record",):
            found = [self.function(record) for record in columns["record"]]
        else:
            found = self.function(**{name: columns[name] for name in self.arguments})
        listed = self._listed(found)
        if len(listed) != count:
            raise InputError("function", f"to give one value a record, {count} from {self.name}", f"{len(listed)}")
        return [self._checked(value, row) for row, value in enumerate(listed)]

    def update(
        self,
        scores: Numbers | None = None,
        *,
        preds: Sequence[Any] | None = None,
        target: Sequence[Any] | None = None,
        texts: Sequence[Any] | None = None,
        options: Sequence[Any] | None = None,
        modality: Sequence[Any] | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: values that the function gave already; None: it is called with the columns that it asks for.
            preds, target, texts, options, modality: one entry a record `[N]`, flat.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if what the function asks for is not given, or it does not give one number a record.
            ValueError: if shapes differ or turns are refused.
        """
        if scores is None:
            given = {"preds": preds, "target": target, "texts": texts, "options": options, "modality": modality}
            columns = {name: given.get(name) for name in self.arguments}
            for name, column in columns.items():
                if column is None:
                    raise InputError(name, f"to be given, which the function {self.name} asks for")
            count = len(next(column for column in columns.values() if column is not None))
            values = self.values(columns, count)
            kept = [row for row, value in enumerate(values) if value is not None]
            scores = [value for value in values if value is not None]
            dialogue, turn, valid = (_chosen(column, kept, count) for column in (dialogue, turn, valid))
        super().update(scores, dialogue=dialogue, turn=turn, valid=valid, lengths=lengths)

    def _listed(self, found: Any) -> list[Any]:
        """Values in an order of their own: letters of a text, keys of a dict and members of a set are none."""
        found = found.tolist() if hasattr(found, "tolist") else found
        if isinstance(found, (str, bytes, Mapping, Set)) or not isinstance(found, Iterable):
            raise InputError("function", f"to give one value a record, from {self.name}", f"a {type(found).__name__}")
        return list(found)

    def _checked(self, value: Any, row: int) -> float | None:
        if value is None:
            return None
        number: float | None
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None or isinstance(value, (str, bytes)):
            raise InputError("function", f"to give numbers or None, from {self.name}", repr(value)[:80], row)
        if number < self.low or number > self.high:
            ends = f"{self.low:g} to {self.high:g}"
            raise InputError("function", f"to give values from {ends}, from {self.name}", number, row)
        return number


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    if not callable(function):
        raise InputError("function", "to be callable", repr(function))
    names = tuple(inspect.signature(function).parameters)
    alone = len(names) == 1 or not {"record", "records"} & {*names}
    if not names or not alone or not {*names} <= {*WORDS}:
        expected = f"to be a function of `record`, of `records`, or of some of {', '.join(WORDS[2:])}"
        raise InputError("function", expected, f"one of {', '.join(names) or 'nothing'}")
    return names


def _chosen(column: Any, rows: Sequence[int], count: int) -> Any:
    if column is None or len(rows) == count:
        return column
    listed = column.tolist() if hasattr(column, "tolist") else list(column)
    chosen = [listed[row] for row in rows]
    return column.new_tensor(chosen) if isinstance(column, Tensor) else chosen

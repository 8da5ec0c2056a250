# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""All metrics of one run, fed by one pass of the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.utilities.distributed import gather_all_tensors

from imug_metrics._optional import require
from imug_metrics.dialogues.record import Record, by_dialogue, dialogue_steps
from imug_metrics.encoders import as_encoder, load_encoder
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.metrics.state import all_or_none
from imug_metrics.suite.columns import encoded
from imug_metrics.suite.items import items
from imug_metrics.suite.scores import ModelScores
from imug_metrics.suite.standard import (
    accepted_columns,
    check_columns,
    named_metrics,
    required_columns,
    route,
    standard_metrics,
    uses_pixels,
)
from imug_metrics.suite.turns import Unreadable, turns_by_route

Call = Callable[[str, Mapping[str, Any]], None]
Table = Literal["list", "pandas", "arrow"]
Progress = Callable[[int, "int | None"], None]


class ImugSuite(MetricCollection):
    """Metrics that are fed together: each distinct image and text is encoded once, whatever the number of metrics.

    It is a torchmetrics `MetricCollection` whose members may be any `DialogueMetric`. `update` takes

    - records: a sequence in any order, or an iterator, which is read step by step (see `stream`); or
    - columns, the arguments of metrics under their names, flat or padded (see
      `align_rows`). `images` and `texts` may be embeddings or what the encoder
      takes. A metric takes part when all that it requires is among the columns.

    `compute` gives one flat dict of floats. `forward` adds the records or columns as one batch and gives the batch's
    own values as tensors; with embeddings that have a graph, or an encoder made with `differentiable=True`, these have
    one as well, where the metric is differentiable. Nothing else keeps a graph.

    Args:
        metrics: by the names that their scores begin with, or a sequence of metrics with names of their own; None: the
            `standard_metrics`.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, a function from images to embeddings, or
            None where embeddings are given. One that is no `CachedEncoder` is put into one, which keeps 256 MiB.
        device: where encoder and states are; None: where they are.
        keep_rows: keep a row of every record for `rows`; memory grows with the records then.
        prefix, postfix: of all names of scores.

    Raises:
        ValueError: if there are no metrics, or two of a sequence have one name.

    Example:
        >>> from imug_metrics import TurnAlignment, TurnConsistency
        >>> suite = ImugSuite([TurnAlignment(variant="cosine"), TurnConsistency()], prefix="val/")
        >>> images = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])  # one dialogue of two turns, embedded
        >>> suite.update(images=images, texts=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))
        >>> {name: round(value, 4) for name, value in suite.compute().items()}
        {'val/turn_alignment': 0.8536, 'val/turn_consistency': 0.7071}
    """

    def __init__(
        self,
        metrics: Mapping[str, Metric] | Sequence[Metric] | None = None,
        *,
        encoder: Any = None,
        device: torch.device | str | None = None,
        keep_rows: bool = False,
        prefix: str | None = None,
        postfix: str | None = None,
    ) -> None:
        named = standard_metrics() if metrics is None else named_metrics(metrics)
        if not named:
            raise ValueError("Expected argument `metrics` to hold at least one metric.")
        super().__init__(dict(named), prefix=prefix, postfix=postfix, compute_groups=False)
        self._given = tuple(named)
        self.encoder = _cached(encoder, device)
        self.keep_rows = keep_rows
        self._rows: list[dict[str, Any]] = []
        if device is not None:
            self.to(device)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the metrics: those given at first in their order, then those added later."""
        there = [str(name) for name in self.keys(keep_base=True)]
        return (*(name for name in self._given if name in there), *(name for name in there if name not in self._given))

    def update(  # type: ignore[override]  # a suite is no dict of modules to its users
        self,
        records: Iterable[Record] | None = None,
        *,
        dialogues_per_step: int = 256,
        unreadable: Unreadable | None = None,
        progress: Progress | None = None,
        **columns: Any,
    ) -> None:
        """Add records or columns of whole dialogues.

        Args:
            records, dialogues_per_step, unreadable, progress: as in `stream`.
            columns: arguments of metrics, by name, in place of records.

        Raises:
            TypeError: unless either records or columns are given; or if a column is neither a word that all metrics
                share nor an argument of one of them.
            ValueError: as in `stream`; if no metric can be fed with the columns; or as a metric's own `update`.
        """
        if _columns_given(records, columns):
            self._feed_columns(columns, self._update_one)
            return
        for rows in self._steps(records or (), self.keep_rows, dialogues_per_step, unreadable, progress):
            self._rows += rows

    def stream(
        self,
        records: Iterable[Record],
        *,
        dialogues_per_step: int = 256,
        unreadable: Unreadable | None = None,
        progress: Progress | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Add records, and give a row of each as soon as its step is scored; rows are not kept.

        Memory does not grow with the number of records when they come from an iterator.

        Args:
            records: a sequence in any order; or an iterator, in which a dialogue must not come back after
                `dialogues_per_step` others.
            dialogues_per_step: whole dialogues that are held and scored at a time. The scores do not depend on it.
            unreadable: called with a record and the reason when its image cannot be read; the image counts as
                absent.
            progress: called with the number of dialogues done and of all (None for an iterator).

        Yields:
            A dict with dialogue, turn, modality, prompt, target, text, image, class, domain, subdomain, read and
            reading, and the record's own answer_strict, answer_imug, alignment, retrieval, consistency, copy (None
            where undefined); see `ModelScores`.

        Raises:
            ValueError: if `dialogues_per_step` is below 1, a turn is below 1 or occurs twice in a dialogue, there are
                images and no encoder, or records cannot feed one of the metrics.
        """
        for rows in self._steps(records, True, dialogues_per_step, unreadable, progress):
            yield from rows

    def forward(self, records: Sequence[Record] | None = None, **columns: Any) -> dict[str, Tensor]:
        """Add records or columns as one batch and give the batch's own values."""
        values: dict[str, Any] = {}

        def call(name: str, fed: Mapping[str, Any]) -> None:
            values[name] = self[name](**fed)

        if _columns_given(records, columns):
            self._feed_columns(columns, call)
        else:
            self._feed_records(list(records or ()), call, self.keep_rows, None)
        return {key: value for name in values for key, value in self._flat(name, values[name]).items()}

    def compute(self) -> dict[str, float]:
        """All scores, by name; a metric that was given nothing, here and on every other process, is left out."""
        found: dict[str, Any] = {}
        for name in self._fed():
            scores = self._flat(name, self[name].compute())
            if both := sorted(scores.keys() & found.keys()):
                raise ValueError(
                    f"Expected argument `metrics` to name scores apart, {both[0]!r} is one of two metrics."
                )
            found |= scores
        values = torch.stack([torch.as_tensor(value).double() for value in found.values()]).tolist() if found else []
        return dict(zip(found, values, strict=True))

    def reasons(self) -> dict[str, str]:
        """Why estimates of the last `compute()` have no interval, by the names of the scores."""
        return {
            key: str(why)
            for name in self._fed()
            for key, why in self._flat(name, getattr(self[name], "reasons", {})).items()
        }

    def rows(self, table: Table = "list") -> Any:
        """A row of every record so far, as `stream` gives them; of this process alone.

        Args:
            table: `"list"` for a list of dicts, `"pandas"` for a DataFrame, `"arrow"` for a pyarrow Table.

        Raises:
            ValueError: unless the suite was made with `keep_rows=True`, or if `table` is unknown.
            ModuleNotFoundError: if the package is not installed.
        """
        if not self.keep_rows:
            raise ValueError("Expected a suite made with keep_rows=True. `stream` gives rows without keeping them.")
        if table == "pandas":
            return require("pandas", purpose="A data frame").DataFrame(self._rows)
        if table == "arrow":
            return require("pyarrow", purpose="An Arrow table").Table.from_pylist(self._rows)
        if table != "list":
            raise ValueError(f"Expected argument `table` to be list, pandas or arrow, got {table!r}.")
        return list(self._rows)

    def scores(self, model: str) -> ModelScores:
        """What the report is written from: `write_report([suite.scores("mine")], "out", manifest={})`.

        Raises:
            ValueError: unless the suite was made with `keep_rows=True`.
        """
        return ModelScores(model, self.compute(), self.rows(), self.reasons())

    def reset(self) -> None:
        """Forget everything but what the encoder has seen."""
        super().reset()
        self._rows = []

    def _steps(
        self,
        records: Iterable[Record],
        with_rows: bool,
        dialogues_per_step: int,
        unreadable: Unreadable | None,
        progress: Progress | None,
    ) -> Iterator[list[dict[str, Any]]]:
        done, total = 0, len(by_dialogue(records)) if isinstance(records, Sequence) else None
        for step in dialogue_steps(records, dialogues_per_step):
            flat = [record for dialogue in step for record in dialogue]
            rows = self._feed_records(flat, self._update_one, with_rows, unreadable)
            done += len(step)
            if progress is not None:
                progress(done, total)
            yield rows

    def _feed_records(
        self, records: Sequence[Record], call: Call, with_rows: bool, unreadable: Unreadable | None
    ) -> list[dict[str, Any]]:
        """Hand whole dialogues to the metrics; returns their rows if asked for."""
        routes = {name: route(name, self[name]) for name in self.names}
        wanted, with_pixels = set(routes.values()), self._with_pixels(self.names)
        turns = turns_by_route(records, self.encoder, unreadable, wanted=wanted, with_pixels=with_pixels)
        with all_or_none(self[name] for name in self.names):
            for name in self.names:
                if routes[name] in turns:
                    columns = turns[routes[name]].columns
                    if required_columns(self[name]) <= columns.keys():
                        call(name, accepted_columns(self[name], columns))
        return items(records, turns) if with_rows else []

    def _feed_columns(self, columns: Mapping[str, Any], call: Call) -> None:
        check_columns(columns, self.values())
        fed = [name for name in self.names if required_columns(self[name]) <= columns.keys()]
        if not fed:
            raise ValueError(f"Expected columns that one of the metrics can be fed with, got {', '.join(columns)}.")
        # The rest is not worth the encoder's time.
        wanted = set().union(*(accepted_columns(self[name], columns) for name in fed))
        columns = {name: column for name, column in columns.items() if name in wanted}
        columns = encoded(columns, self.encoder, with_pixels=self._with_pixels(fed))
        with all_or_none(self[name] for name in self.names):
            for name in fed:
                call(name, accepted_columns(self[name], columns))

    def _with_pixels(self, names: Iterable[str]) -> bool:
        return any(uses_pixels(self[name]) for name in names)

    def _update_one(self, name: str, columns: Mapping[str, Any]) -> None:
        self[name].update(**columns)

    def _fed(self) -> list[str]:
        """Metrics that were given something on any process: all processes must take part in their `compute`."""
        fed = torch.tensor([self[name].update_called for name in self.names], dtype=torch.uint8)
        first = self[self.names[0]]
        if first.sync_on_compute and first.distributed_available_fn():
            gather = first.dist_sync_fn or gather_all_tensors
            fed = torch.stack(gather(fed.to(first.device), group=first.process_group)).amax(0)
        return [name for name, there in zip(self.names, fed.tolist(), strict=True) if there]

    def _flat(self, name: str, value: Any) -> dict[str, Any]:
        """A metric's scores, named after it as this suite calls it."""
        scores = {name: value}
        if isinstance(value, Mapping):
            own = getattr(self[name], "name", None)
            scores = {f"{name}_{key}" if own is None else name + key.removeprefix(own): v for key, v in value.items()}
        return {f"{self.prefix or ''}{key}{self.postfix or ''}": score for key, score in scores.items()}


def _cached(encoder: Any, device: torch.device | str | None) -> CachedEncoder | None:
    if encoder is None or isinstance(encoder, CachedEncoder):
        found = encoder
    elif isinstance(encoder, str):
        return CachedEncoder(load_encoder(encoder, device))
    else:
        found = CachedEncoder(as_encoder(encoder))
    return found if found is None or device is None else found.to(device)


def _columns_given(records: Any, columns: Mapping[str, Any]) -> bool:
    if (records is None) == (not columns):
        raise TypeError("Expected either records or columns, for example `images` and `texts`.")
    return records is None

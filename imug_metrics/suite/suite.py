# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""All metrics of one run, fed by one pass of the encoder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.utilities.distributed import gather_all_tensors
from typing_extensions import Self

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record, as_records, by_dialogue, check_record, dialogue_steps, image_name
from imug_metrics.encoders.fingerprint import lasting_fingerprint
from imug_metrics.encoders.loading import as_cached_encoder
from imug_metrics.errors import InputError
from imug_metrics.metrics.description import MetricDescription, describe
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.exports import log_scores
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.metrics.logged_metric import LoggedMetric
from imug_metrics.metrics.metric_collections import Arguments
from imug_metrics.metrics.options import Detail, check_detail
from imug_metrics.metrics.state import all_or_none
from imug_metrics.metrics.state_file import read_state, write_state
from imug_metrics.suite.answers import KEYED
from imug_metrics.suite.carried import (
    CARRIED_FIELDS,
    CarriedField,
    carried_groups,
    carried_key,
    carried_names,
    check_costs,
    check_groups,
    check_metrics,
    check_names,
)
from imug_metrics.suite.columns import encoded
from imug_metrics.suite.items import ITEM_OF, ITEM_SCORES, OF_THEIR_OWN, items
from imug_metrics.suite.named_scores import NamedCost, NamedScore
from imug_metrics.suite.record_values import record_values
from imug_metrics.suite.row_table import Table, as_table
from imug_metrics.suite.saved_suite import merge_suites, restored_suite, saved_suite
from imug_metrics.suite.score_ranges import check_in_range, check_score_ranges
from imug_metrics.suite.scores import ModelScores
from imug_metrics.suite.standard import (
    FUNCTION,
    OF_RECORDS,
    UNLISTED,
    Given,
    Route,
    StandardMetrics,
    TurnsWithoutKey,
    accepted_columns,
    check_columns,
    named_metrics,
    required_columns,
    route,
    sees_images,
    standard_metrics,
    uses_pixels,
)
from imug_metrics.suite.turns import Unreadable, function_turns, turns_by_route
from imug_metrics.suite.unfed import needed_records
from imug_metrics.suite.unreadable_images import told_or_warned

Call = Callable[[str, Mapping[str, Any]], None]
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

    Scores and costs that records carry have metrics of their own, which are made when a record with a new name comes:
    `<name>` is the mean of a score, `<name>_slope` its change per turn, `<name>_turn_k` its curve (see `NamedScore`),
    and the same of a cost under `cost_<name>`. A metric that takes `scores` and bears the name of a score is fed with
    it in place of the one that would be made.

    Args:
        metrics: by the names that their scores begin with, or a sequence of metrics with names of their own; a plain
            function stands for its `FunctionMetric`. None: the `standard_metrics`.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, a function from images to embeddings, or
            None where embeddings are given. One that is no `CachedEncoder` is put into one, which keeps 256 MiB.
        device: where encoder and states are; None: where they are.
        keep_rows: keep a row of every record for `rows`; memory grows with the records then.
        score_ranges: ends that scores which records carry cannot leave, by name, such as `{"judge": (1, 5)}`: their
            bounds keep to them, and other scores are refused. A score without one may be any number.
        prefix, postfix: of all names of scores.

    Raises:
        ValueError: if there are no metrics, two of a sequence have one name, or a range is not two numbers.

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
        metrics: Given | None = None,
        *,
        encoder: Any = None,
        device: torch.device | str | None = None,
        keep_rows: bool = False,
        score_ranges: Mapping[str, Bounds] | None = None,
        prefix: str | None = None,
        postfix: str | None = None,
    ) -> None:
        named = standard_metrics() if metrics is None else named_metrics(metrics)
        if not named:
            raise ValueError("Expected argument `metrics` to hold at least one metric.")
        super().__init__(dict(named), prefix=prefix, postfix=postfix, compute_groups=False)
        self.score_ranges = check_score_ranges(score_ranges, named)
        self._given = tuple(named)
        self._standard = frozenset(named) if isinstance(named, StandardMetrics) else frozenset[str]()
        self._made: dict[str, str] = {}  # of metrics of what records carry, names in this collection by their own
        self._carried: dict[Route, tuple[CarriedField, str]] = {}
        self._group_columns: set[str] = set()  # that rows have a column of
        self._embedded: dict[str, bytes] = {}
        self._had_records = False
        self._known_encoder: tuple[str | None, str | None] = None, None  # of the states that were taken over
        self.encoder = as_cached_encoder(encoder, device)
        self.keep_rows = keep_rows
        self._rows: list[dict[str, Any]] = []
        if device is not None:
            self.to(device)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the metrics: those given at first in their order, those added later, those of what records carry."""
        there = [str(name) for name in self.keys(keep_base=True)]
        made = set(self._made.values())
        added = (name for name in there if name not in self._given and name not in made)
        carried = sorted(self._made, key=lambda name: (self._carried[name][0] == "costs", name))
        return (*(name for name in self._given if name in there), *added, *carried)

    def __getitem__(self, key: str, copy_state: bool = True) -> Metric:
        """The metric of a name."""
        return super().__getitem__(self._made.get(key, key), copy_state)

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
            unreadable: called with a record and the reason when an image of it cannot be read, which counts as absent;
                None: a warning at the end says how many there were.
            progress: called with the number of dialogues done and of all (None for an iterator).

        Yields:
            A dict with dialogue, turn, modality, prompt, target, text, image, class, domain, subdomain, read and
            reading, further groups that one of the step's records is in, the record's own answer_strict, answer_imug,
            alignment, retrieval, consistency, copy, what it has of each metric that is none of the standard ones, and
            the scores and costs that it carries (None where undefined); see `ModelScores`.

        Raises:
            ValueError: if `dialogues_per_step` is below 1, a turn is below 1 or occurs twice in a dialogue, there are
                images and no encoder, records cannot feed one of the metrics, a score is outside of its range, or a
                score or a group that they carry has the name of something else.
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
            with told_or_warned() as unreadable:
                given = [check_record(record, row) for row, record in enumerate(as_records(records or ()))]
                self._rows += self._feed_records(given, call, self.keep_rows, unreadable)
        return {key: value for name in values for key, value in self._flat(name, values[name]).items()}

    def compute(self) -> dict[str, float]:
        """All scores, by name; a metric that was given nothing, here and on every other process, is left out.

        After records a UserWarning says what such a metric, if it is none of the standard ones, needs of them.
        """
        return self._scores(True)

    def log(self, module: Any, *, prefix: str = "", detail: Detail = "interval", **options: Any) -> None:
        """Compute and log in a hook of a `LightningModule`, as `log` of every metric does.

        Args:
            module: the `LightningModule`, or anything else with its `log_dict`.
            prefix: before all keys, which begin with the prefix of the suite.
            detail: the most that is logged of each metric: False its primary estimate, `"interval"` also the bounds and
                the number of records, True all that it gives.
            options: of `log_dict`, such as `prog_bar` and `batch_size`.

        Raises:
            ArgumentError: if `module` has no `log_dict`.
            ValueError: if `detail` is unknown.
        """
        log_scores(module, {f"{prefix}{key}": score for key, score in self._scores(detail).items()}, options)

    def _scores(self, detail: Detail) -> dict[str, float]:
        """The scores of all metrics that were fed, each in the given form; metrics of torchmetrics know but one."""
        check_detail(detail)
        found: dict[str, Any] = {}
        fed = self._fed()
        self._warn_of_unfed(fed)
        for name in fed:
            metric, value = self[name], self[name].compute()
            scores = self._flat(name, metric.shown(value, detail) if isinstance(metric, LoggedMetric) else value)
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
        return as_table(self._rows, table)

    def scores(self, model: str) -> ModelScores:
        """What the report is written from: `write_report([suite.scores("mine")], "out", manifest={})`.

        Raises:
            ValueError: unless the suite was made with `keep_rows=True`.
        """
        found = self.compute(), self.rows(), self.reasons()
        return ModelScores(model, *found, self.descriptions(), dict(self._embedded))

    def descriptions(self) -> dict[str, MetricDescription]:
        """How to read each metric that reports show, by what the names of its scores begin with."""
        shown = [name for name in self.names if not (name in self._standard and name in UNLISTED)]
        found = {name: describe(self[name]) for name in shown if not isinstance(self[name], TurnsWithoutKey)}
        return {
            f"{self.prefix or ''}{name}": replace(
                description, name=name, label=description.label if name in (description.name, *self._standard) else name
            )
            for name, description in found.items()
        }

    def to_bytes(self) -> bytes:
        """The suite's metrics and their states as the bytes of a safetensors file, see `to_bytes` of every metric.

        Rows of records, embeddings and the encoder do not travel. Of several processes it is the state of this one.

        Raises:
            InputError: if one of the metrics is of another package.

        Example:
            >>> suite = ImugSuite()
            >>> suite.update([Record("a", 1, "text", "Which?", text="B", target="B", scores={"judge": 4.0})])
            >>> restored = ImugSuite.from_bytes(suite.to_bytes())
            >>> scores = restored.compute()
            >>> scores["answer_accuracy"], scores["judge"]
            (1.0, 4.0)
        """
        return write_state(saved_suite(self))

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview,
        *,
        encoder: Any = None,
        device: torch.device | str | None = None,
        classes: Collection[type[Metric]] = (),
        arguments: Arguments | None = None,
    ) -> Self:
        """The suite that `to_bytes` was called on, which computes, merges and takes more; without rows.

        Args:
            data: the bytes. They may come from anywhere: nothing in them is run, imported or loaded.
            encoder: the encoder of the suite, to take images again; it must be the one that was there.
            device: as in the constructor; None: the CPU.
            classes: metrics of your own that the bytes may name.
            arguments: by a metric's name the arguments that did not travel, such as the function of a `FunctionMetric`:
                `{"words": {"function": words}}`.

        Raises:
            InputError: if the bytes are damaged, of another version of the format, or no state of a suite; or an
                argument is missing or another one.
        """
        suite = restored_suite(cls, read_state(data), as_cached_encoder(encoder, device), classes, arguments or {})
        return suite if device is None else suite.to(device)

    def merge_state(self, other: ImugSuite) -> None:
        """Add what another suite of the same metrics has seen: the scores are those of one suite that has seen all.

        Rows of the other suite are not taken over. Each dialogue must have been seen by one of them alone: `compute`
        warns where many were not.

        Args:
            other: with metrics of the same names and configurations, and the same encoder where both have one. Scores
                and costs that records carry may have come to one of them alone.

        Raises:
            InputError: if names, configurations, ranges of scores or encoders differ. Nothing is added then.

        Example:
            >>> first, other = ImugSuite(), ImugSuite()
            >>> first.update([Record("a", 1, "text", "Which?", text="B", target="B")])
            >>> other.update([Record("b", 1, "text", "Which?", text="A", target="B")])
            >>> first.merge_state(other)
            >>> first.compute()["answer_accuracy"]
            0.5
        """
        if not isinstance(other, ImugSuite):
            raise InputError("other", "to be an ImugSuite", type(other).__name__)
        merge_suites(self, other)

    @property
    def encoder_name(self) -> str | None:
        """Name of the encoder, or of the one that those states were made with that were taken over; None: none."""
        return self._known_encoder[0] if self.encoder is None else self.encoder.name

    @property
    def encoder_fingerprint(self) -> str | None:
        """What tells that encoder from others of its name; None: nothing that lasts."""
        return self._known_encoder[1] if self.encoder is None else lasting_fingerprint(self.encoder)

    def reset(self) -> None:
        """Forget everything but what the encoder has seen."""
        super().reset()
        self._rows = []
        self._group_columns = set()
        self._embedded = {}
        self._had_records = False

    def _steps(
        self,
        records: Iterable[Record],
        with_rows: bool,
        dialogues_per_step: int,
        unreadable: Unreadable | None,
        progress: Progress | None,
    ) -> Iterator[list[dict[str, Any]]]:
        done, total = 0, None
        if isinstance(records, Sequence):
            total = len(by_dialogue(records))
            self._meet(records, with_rows)
        with told_or_warned(unreadable) as told:
            for step in dialogue_steps(records, dialogues_per_step):
                flat = [record for dialogue in step for record in dialogue]
                rows = self._feed_records(flat, self._update_one, with_rows, told)
                done += len(step)
                if progress is not None:
                    progress(done, total)
                yield rows

    def _feed_records(
        self, records: Sequence[Record], call: Call, with_rows: bool, unreadable: Unreadable
    ) -> list[dict[str, Any]]:
        """Hand whole dialogues to the metrics; returns their rows if asked for."""
        self._meet(records, with_rows)
        routes = {name: self._route(name) for name in self.names}
        wanted, with_pixels = set(routes.values()), self._with_pixels(self.names)
        turns = turns_by_route(
            records, self.encoder, unreadable, wanted=wanted, carried=self._carried, with_pixels=with_pixels
        )
        functions = {way: self[name] for name, way in routes.items() if way.startswith(FUNCTION)}
        given = {way: function_turns(records, cast("FunctionMetric", metric)) for way, metric in functions.items()}
        turns |= {way: found for way, found in given.items() if found is not None}
        values: dict[str, tuple[Route, Tensor]] = {}
        with all_or_none(self[name] for name in self.names):
            for name, way in routes.items():
                if way in turns and (way in given or required_columns(self[name]) <= turns[way].columns.keys()):
                    with record_values(self[name]) as seen:
                        call(name, accepted_columns(self[name], turns[way].columns))
                    own = name not in self._standard or way in KEYED or name in OF_THEIR_OWN
                    if seen and own and way not in self._carried:
                        values[ITEM_OF.get(name, name)] = way, seen[-1]
        self._had_records = self._had_records or bool(records)
        if with_rows and self.keep_rows:
            self._embedded |= {
                str(image_name(record.image)): record.image for record in records if isinstance(record.image, bytes)
            }
        return items(records, turns, values) if with_rows else []

    def _route(self, name: str) -> Route:
        return name if name in self._carried else route(name, self[name])

    def _meet(self, records: Sequence[Record], with_rows: bool) -> None:
        """Make the metrics of scores and costs that have not been seen before; what rows hold is called by one name."""
        check_in_range(records, self.score_ranges)
        scores, costs = carried_names(records)
        check_costs(costs)
        if with_rows:
            check_metrics(self._given)
            groups = carried_groups(records)
            check_groups(groups, {*self.names, *ITEM_SCORES, *scores})
            self._group_columns.update(groups)
        self._add_carried(scores, "scores")
        self._add_carried(costs, "costs")

    def _add_carried(self, names: Sequence[str], field: CarriedField) -> None:
        """Make the metrics of what records carry in a field, where there is none yet and none of ours takes it."""
        names = [name for name in names if carried_key(field, name) not in self._carried]
        own = {name for name in names if field == "scores" and name in self._given and self._takes_score(name)}
        if field == "scores":
            check_names(set(names) - own, [*self.names, *ITEM_SCORES, *self._group_columns])
        for name in names:
            key = carried_key(field, name)
            if name not in own:
                options = self._shared_options()
                metric = (
                    NamedCost(name, **options)
                    if field == "costs"
                    else NamedScore(name, score_range=self.score_ranges.get(name), **options)
                )
                self._hold_carried(key, metric)
            self._carried[key] = field, name

    def _hold_carried(self, key: str, metric: Metric) -> None:
        """Take in the metric of a score or a cost under the name of its scores."""
        module = "carried:" + key.replace("%", "%25").replace(".", "%2E")
        self.add_metrics({module: metric.to(next(iter(self.values(copy_state=False))).device)})
        self._made[key] = module

    def _takes_score(self, name: str) -> bool:
        """Whether the metric can be fed with a score that records carry, and has not been fed with another one."""
        metric = self[name]
        return name not in self._standard and required_columns(metric) == {"scores"} and not metric.update_called

    def _shared_options(self) -> dict[str, Any]:
        """Options of the first metric that has those of all."""
        options = ("missing", "average", "level", "bootstrap", "seed", "max_turns")
        first = next((self[name] for name in self._given if isinstance(self[name], DialogueMetric)), None)
        return {} if first is None else {option: getattr(first, option) for option in options}

    def _feed_columns(self, columns: Mapping[str, Any], call: Call) -> None:
        check_columns(columns, self.values())
        names = [name for name in self.names if not (name in self._standard and name in OF_RECORDS)]
        fed = [name for name in names if required_columns(self[name]) <= columns.keys()]
        if not fed:
            raise ValueError(f"Expected columns that one of the metrics can be fed with, got {', '.join(columns)}.")
        # The rest is not worth the encoder's time.
        wanted = set().union(*(accepted_columns(self[name], columns) for name in fed))
        as_given = {name for name in fed if isinstance(self[name], FunctionMetric) or sees_images(self[name])}
        columns = {name: column for name, column in columns.items() if name in wanted}
        seen = encoded(columns, self.encoder, with_pixels=self._with_pixels(fed)) if {*fed} - as_given else columns
        with all_or_none(self[name] for name in self.names):
            for name in fed:
                call(name, accepted_columns(self[name], columns if name in as_given else seen))

    def _with_pixels(self, names: Iterable[str]) -> bool:
        return any(uses_pixels(self[name]) for name in names)

    def _update_one(self, name: str, columns: Mapping[str, Any]) -> None:
        self[name].update(**columns)

    def _fed(self) -> list[str]:
        """Metrics that were given something on any process: all processes must take part in their `compute`."""
        self._agree()
        fed = torch.tensor([self[name].update_called for name in self.names], dtype=torch.uint8)
        fed = torch.stack(self._gathered(fed)).amax(0)
        return [name for name, there in zip(self.names, fed.tolist(), strict=True) if there]

    def _warn_of_unfed(self, fed: Sequence[str]) -> None:
        """Say what was named and has no score although there were records: it would be missed in silence."""
        if not self._had_records:
            return
        scores = [name for field, name in self._carried.values() if field == "scores"]
        for name in self.names:
            if name not in (*fed, *self._standard, *self._made):
                needs = needed_records(self[name], scores)
                warnings.warn(f"No record could be fed to {name}, which has no score: it needs {needs}.", stacklevel=4)
        for name in self.score_ranges.keys() - set(scores):
            warnings.warn(f"No record carries the score {name}, whose range is in `score_ranges`.", stacklevel=4)

    def _agree(self) -> None:
        """Make the metrics of scores and costs that other processes have seen: all of them must be in every process."""
        mine = [[name for of, name in self._carried.values() if of == field] for field in CARRIED_FIELDS]
        said = torch.tensor(list(json.dumps(mine).encode()), dtype=torch.uint8)
        for names in map(json.loads, (bytes(found.tolist()) for found in self._gathered(said))):
            for field, there in zip(CARRIED_FIELDS, names, strict=True):
                self._add_carried(there, field)

    def _gathered(self, mine: Tensor) -> list[Tensor]:
        """What every process has; of one process its own."""
        first = self[self.names[0]]
        if not first.sync_on_compute or not first.distributed_available_fn():
            return [mine]
        gather = first.dist_sync_fn or gather_all_tensors
        return list(gather(mine.to(first.device), group=first.process_group))

    def _flat(self, name: str, value: Any) -> dict[str, Any]:
        """A metric's scores, named after it as this suite calls it."""
        scores = {name: value}
        if isinstance(value, Mapping):
            own = getattr(self[name], "name", None)
            scores = {f"{name}_{key}" if own is None else name + key.removeprefix(own): v for key, v in value.items()}
        return {f"{self.prefix or ''}{key}{self.postfix or ''}": score for key, score in scores.items()}


def _columns_given(records: Any, columns: Mapping[str, Any]) -> bool:
    if (records is None) == (not columns):
        raise TypeError("Expected either records or columns, for example `images` and `texts`.")
    return records is None

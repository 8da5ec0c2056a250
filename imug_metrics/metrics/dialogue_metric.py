# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class all metrics share: state as running sums, estimates with intervals by dialogue, curves over turns."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from imug_metrics._callers import warn_caller
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Bounds, Column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.metrics.description import MetricDescription, undescribed
from imug_metrics.metrics.dialogue_sums import Terms, dialogue_vectors
from imug_metrics.metrics.estimated_metric import EstimatedMetric, ratio_components
from imug_metrics.metrics.logged_metric import LoggedMetric
from imug_metrics.metrics.options import INTERVAL, Detail, check_choice, check_count, check_detail, spell_out
from imug_metrics.metrics.plotting import Plot, line, plot_curves, plot_steps, plot_value, quantity
from imug_metrics.stats import (
    component_weights,
    id_fingerprint,
    packed_moments,
    poisson_weights,
    unpack_moments,
)
from imug_metrics.stats.intervals import REASONS, UNDEFINED

_Entry = TypeVar("_Entry")


class DialogueMetric(EstimatedMetric, LoggedMetric):
    """A metric over turns of dialogues, kept as sums over dialogues.

    A subclass names itself (`name`), says in `primary` which estimate `compute()` returns, lists in `configuration`
    the attributes that tell it from its like (set before `super().__init__`, since they decide the state's shape), and
    in `update` hands one value a record to `_add`. From these the base class forms ratios of sums over dialogues:
    `mean` (of the records that could be scored), `coverage`, `slope` (within dialogues, per turn) and `turn_1`,
    `turn_2`, ... A subclass may add ratios (`_ratios`), plain sums (`_sums`) and estimates made of them (`_derived`).
    Without `detail` only the sums of the primary estimate are kept; where that is no ratio, `_needed` names them (if it
    does not, all are kept).

    With `detail=True`, `compute()` returns a flat dict of float64 scalars. Every estimate stands under
    `<name>_<estimate>`, with its interval under `..._lower` and `..._upper`; the primary one also under the metric's
    `<name>`, and first. The curve is `<name>_turn_k` for every turn up to `max_turns`. Beside them are
    `<name>_coverage`, `_n` (records in the mean), `_dialogues` and, where there is a curve, `_later_n`, the number of
    scored records whose turns are beyond it; a warning says so. The keys hang on the options alone and never on the
    data: what is undefined, such as a turn that nobody scored, is NaN, and so are bounds that the data cannot give;
    `reasons` says why.

    With `detail="interval"`, the dict is the start of that: `<name>`, `<name>_lower`, `<name>_upper` and `<name>_n`,
    the same numbers from the same state.

    Outside `forward` an `update` runs in inference mode, unless a subclass that runs a model there says
    `in_inference_mode = False`, as `EmbeddingMetric` does: what a model keeps from inference mode is of no use in
    training. An `update` that raises is not counted.

    Arguments that the `update` of every metric shares are `dialogue`, `turn`, `subject`, `valid` and `lengths`; what
    each word means, here and in the other arguments, stands in `imug_metrics.metrics.vocabulary`.

    Args:
        detail, missing, average, level, bootstrap, seed, max_turns, validate, in_order, check_repeats: see
            `MetricOptions`.
        kwargs: those of `torchmetrics.Metric`.

    Raises:
        ValueError: if an argument is outside its range.

    Intervals are by dialogue; how each is made is decided by the range of its estimate (`ranges`), in
    `imug_metrics.stats.intervals`. The bootstrap is for comparisons, and for the estimates without a formula (`steps`).
    """

    is_differentiable = False
    higher_is_better: bool | None = True

    name: str
    score_range: Bounds | None = None  # that scores cannot leave, where a metric takes one
    description: MetricDescription | None = None  # how to read the primary estimate; None: as the docstring says
    configuration: tuple[str, ...] = (
        "detail",
        "missing",
        "average",
        "level",
        "bootstrap",
        "seed",
        "max_turns",
        "check_repeats",
    )
    beyond_curve = "the other estimates"  # what records count in that the curve does not reach
    curve_of: str = ""  # what the curve shows, with unit, where that is not the primary estimate
    level_of_curve: tuple[float, str] = (math.nan, "")  # a level to hold the curve against, and its name
    carried: str = ""  # ratios on which the curve rests, where they are not called as its keys are
    on_values: Callable[[DialogueBatch, Tensor], None] | None = None  # called with the values of each batch
    fingerprint: Tensor  # of the dialogues, see `imug_metrics.stats.id_fingerprint`

    def __init__(
        self,
        *,
        detail: Detail = False,
        missing: Literal["skip", "zero"] = "skip",
        average: Literal["record", "dialogue"] = "record",
        level: float = 0.95,
        bootstrap: int = 0,
        seed: int = 0,
        max_turns: int = 16,
        validate: bool = True,
        in_order: bool = False,
        check_repeats: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(check_repeats=check_repeats, **kwargs)
        check_detail(detail)
        check_choice("missing", missing, ("skip", "zero"))
        check_choice("average", average, ("record", "dialogue"))
        if not 0 < level < 1:
            raise ValueError(f"Expected argument `level` to be between 0 and 1, got {level}.")
        check_count("bootstrap", bootstrap, 0)
        check_count("max_turns", max_turns, 1)
        self.detail, self.missing, self.average, self.level = detail, missing, average, level
        self.bootstrap, self.seed, self.max_turns = bootstrap, seed, max_turns
        self.validate, self.in_order = validate, in_order
        turns = [f"turn_{k}" for k in self._turns()]
        self._ratio_names = ["mean", "coverage", "slope", *turns, *self._ratios()]
        self._sum_names = ["records", *self._sums()]
        every = self._component_names()
        self._components = tuple(every if detail else self._needed())
        if unknown := sorted({*self._components} - {*every}):
            raise ValueError(f"Expected `_needed` to name sums of {type(self).__name__}, got {unknown[0]!r}.")
        self._derived_names: list[str] | None = None  # known when they are first asked for
        self._reasons: dict[str, int] = {}
        self._warned_of_later_turns = False
        size = len(self._components)
        self._add_packed_state((size + 1, size + 1) if detail else (size,))
        self.add_state("config", self._digest(), dist_reduce_fx="max")
        if bootstrap:
            self.add_sums("replicates", bootstrap, size)
            self.add_sums("fingerprint", 4)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            spell_out(cls)

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The primary estimate, or a dict with its interval and more, as `detail` says."""
        if not self.detail:
            return self._primary_of(self.moments)
        return self._result(self._finish(self._estimated()))

    def _estimated(self) -> dict[str, Tensor]:
        """All estimates with their intervals, the codes of missing ones as `..._reason`, and the counts, by key."""
        names, estimates = self._intervals(unpack_moments(self.moments))
        reasons = estimates.reason.tolist()
        values, lowers, uppers = (column.unbind() for column in (estimates.value, estimates.lower, estimates.upper))
        found: dict[str, Tensor] = {}
        for row, name in enumerate(names):
            key = f"{self.name}_{name}"
            found[key] = values[row]
            if name != "coverage":
                found |= {f"{key}_lower": lowers[row], f"{key}_upper": uppers[row]}
                found |= {f"{key}{_REASON}": estimates.reason[row]} if reasons[row] else {}
        found[f"{self.name}_n"] = self._named(self._totals)["records"]
        found[f"{self.name}_dialogues"] = self._named(self.moments[1:, 0])["records"]
        return found

    def _result(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """What `compute` gives of estimates by key, the primary one first and under the metric's own name too."""
        primary = f"{self.name}_{self.primary}"
        ends = (end for end in ("", "_lower", "_upper", _REASON) if f"{primary}{end}" in found)
        found = {f"{self.name}{end}": found[f"{primary}{end}"] for end in ends} | found
        if self.detail == "interval":
            found = {key: found[key] for end in (*INTERVAL, _REASON) if (key := f"{self.name}{end}") in found}
        elif any("_turn_" in key for key in found):
            found[f"{self.name}_later_n"] = self._later_records()
        codes = {key.removesuffix(_REASON): int(code) for key, code in found.items() if key.endswith(_REASON)}
        self._reasons = {key: code for key, code in codes.items() if code and not _nothing_seen(key, code)}
        return {key: value for key, value in found.items() if not key.endswith(_REASON)}

    def _counts(self) -> dict[str, Tensor]:
        """Coverage and counts of a metric whose estimates come from a state of its own."""
        totals, present = self._named(self._totals), self._named(self.moments[1:, 0])
        expected = totals["coverage.den"]
        return {
            f"{self.name}_coverage": totals["coverage.num"] / torch.where(expected > 0, expected, torch.nan),
            f"{self.name}_n": totals["records"],
            f"{self.name}_dialogues": present["records"],
        }

    def _later_records(self) -> Tensor:
        """How many scored records have turns that the curve does not reach; with a warning where it stops.

        There is none where all are later, as with time stamps for turns.
        """
        sums = self._named(self._totals)
        shown = self._shown_records(sums)
        later, drawn = torch.stack([sums["records"] - shown, shown]).tolist()
        if later >= 1 and drawn and not self._warned_of_later_turns:
            self._warn_of_later_turns(later, drawn)
        return sums["records"] - shown

    def _shown_records(self, sums: dict[str, Tensor]) -> Tensor:
        """How many scored records the curve reaches."""
        return torch.stack([sums[f"turn_{k}.den"] for k in self._turns()]).sum()

    def _warn_of_later_turns(self, later: float, drawn: float) -> None:
        """Say where the curve ends; once, since a larger `max_turns` takes another metric."""
        warn_caller(
            f"The curve of {type(self).__name__} ends at turn {self.max_turns}: {later:,.0f} of {later + drawn:,.0f} "
            f"scored records have later turns, which count in {self.beyond_curve}. Give the metric a larger "
            "`max_turns` to see them."
        )
        self._warned_of_later_turns = True

    @property
    def primary_keys(self) -> list[str]:
        """Its name, under which the primary estimate stands in a dict."""
        return [self.name]

    @property
    def reasons(self) -> dict[str, str]:
        """Why estimates of the last `compute()` have no interval, by the estimate's key; empty where all have one.

        Points of a curve at which nothing was seen (their keys end in a number) are not listed.

        Example:
            >>> from imug_metrics import TurnDecay
            >>> metric = TurnDecay(detail=True)
            >>> metric.update([[0.9, 0.8]])
            >>> _ = metric.compute()
            >>> metric.reasons["turn_decay"]
            'fewer than 2 effective dialogues carry it'
        """
        return {key: REASONS[code] for key, code in self._reasons.items()}

    def describe(self) -> MetricDescription:
        """How to read the primary estimate: its name, label, range, direction and meaning under this metric's options.

        Example:
            >>> from imug_metrics import TurnAlignment
            >>> TurnAlignment().describe().range, TurnAlignment(variant="siglip", scale=1.0, bias=0.0).describe().range
            ('0 to 2.5', '0 to 1')
        """
        stated = self.description or undescribed(self, self.name)
        low, high = self._ends(self.primary)
        told = self.score_range is not None and math.isfinite(low) and math.isfinite(high)
        return replace(
            stated,
            span="" if told else stated.span,
            low=low if stated.low is None else stated.low,
            high=high if stated.high is None else stated.high,
            name=self.name,
            higher_is_better=self.higher_is_better,
            is_mean=self.primary == "mean",
        )

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw a result, with words that say what it is: the axes, the level of the intervals, and n.

        A value stands in a row under its name, with `detail="interval"` with its bar; with `detail=True` there is the
        metric's curve, as a rule over turns, with its bands. Points on which fewer than 20 dialogues rest are hollow,
        which is told of the result of this metric's own state. Where nothing could be scored the axis says so.

        Args:
            val: a result of `compute()` or `forward()`, or a list of them, which are drawn over steps; None: computed
                now.
            ax: a matplotlib axis; None: a new figure.

        Returns:
            Figure and axis.

        Raises:
            ArgumentError: if `val` is an empty list.
            ModuleNotFoundError: if matplotlib is not installed.
        """
        shown: Any = self.compute() if val is None else val
        if isinstance(shown, Sequence):
            return plot_steps(self, shown, ax)
        is_whole = isinstance(shown, Mapping) and f"{self.name}_coverage" in shown
        return (is_whole and self._draw(shown, self._behind(shown), ax)) or plot_value(self, shown, ax)

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot | None:
        """Draw what a result holds beside its primary estimate; None where that is all there is to draw.

        Args:
            val: the result.
            behind: how many dialogues stand behind each of the state's sums, by their names; empty where not known.
            ax: a matplotlib axis, or None.
        """
        if len(line(self.name, val)) < 2:
            return None
        about = self.describe()
        y = self.curve_of or quantity(about)
        level, words = self._curve_level(val)
        options: dict[str, Any] = {"y": y, "reference": level, "reference_name": words, "carried": self.carried}
        return plot_curves(self, val, {about.label: "turn"}, behind, ax, **options)

    def _curve_level(self, val: Mapping[str, Any]) -> tuple[float, str]:
        """A level to hold the curve against and its name; NaN for none."""
        return self.level_of_curve

    def _behind(self, val: Mapping[str, Any]) -> dict[str, Tensor]:
        """Effective dialogues behind each sum of a result, if it is one of the state that is here, and of all."""
        elsewhere = self.distributed_available_fn() and not self._is_synced
        if self.detail is not True or val is not self._computed or elsewhere:
            return {}
        every = torch.arange(len(self._components), device=self.device)
        return self._named(component_weights(unpack_moments(self.moments), every).effective)

    def _pack(
        self,
        columns: Mapping[str, Column],
        dialogue: Any,
        turn: Any,
        subject: Any = None,
        valid: Any = None,
        lengths: Any = None,
        *,
        checks: Sequence[Check] = (),
        numbered: bool = False,
    ) -> PackedInputs:
        """Pack the arguments of one update; nothing of the state has changed when it refuses them.

        Dialogues that a subclass has numbered itself are not looked for in other updates.
        """
        if self.bootstrap and dialogue is None:
            raise ValueError("Expected argument `dialogue`: the bootstrap draws by the dialogues' ids.")
        packed = pack_inputs(
            columns,
            dialogue,
            turn,
            subject,
            valid,
            lengths,
            validate=self.validate,
            in_order=self.in_order,
            look_at_rows=self.missing == "zero",
            checks=checks,
        )
        if dialogue is not None and not numbered:
            self._take_note(packed.batch, dialogue, packed.shape)
        return packed

    def _turns(self) -> range:
        """The turns of the curve."""
        return range(1, self.max_turns + 1)

    def _needed(self) -> Sequence[str]:
        """The sums that the primary estimate is made of: without detail nothing else is kept."""
        return ratio_components(self.primary) if self.primary in self._ratio_names else self._component_names()

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Last changes to all estimates by key, before the primary one is put first; keys hang on no data."""
        return found

    def _add(
        self, batch: DialogueBatch, values: Tensor, expected: Tensor | None = None, terms: Terms | None = None
    ) -> None:
        """Add a batch.

        Args:
            batch: the packed dialogues.
            values: `[N]`, one value a packed row; NaN where undefined.
            expected: bool `[N]`, the rows that would have a value were every output there; None: all.
            terms: what the subclass adds to it; None where that is not wanted.
        """
        if self.on_values is not None:
            self.on_values(batch, values)
        vectors = dialogue_vectors(
            batch,
            values,
            expected,
            terms,
            self._components,
            turns=self.max_turns,
            zero=self.missing == "zero",
            by_dialogue=self.average == "dialogue",
        )
        self._accumulate(vectors.to(self.device), batch)

    def _accumulate(self, vectors: Tensor, batch: DialogueBatch) -> None:
        """Add the vectors `[G, P]` of a batch's dialogues to the states."""
        if vectors.requires_grad and not self.is_differentiable:
            vectors = vectors.detach()
        added = packed_moments(vectors, len(self._ratio_names)) if self.detail else vectors.sum(0)
        self._increase_moments(added)
        if self.bootstrap:
            ids = batch.ids.to(self.device)
            self._increase("replicates", poisson_weights(ids, self.bootstrap, self.seed).mT @ vectors)
            self._increase("fingerprint", id_fingerprint(ids, (vectors != 0).any(1)))


_REASON = "_reason"


def _nothing_seen(key: str, code: int) -> bool:
    """Whether an estimate without an interval is a point of a curve that is undefined."""
    return REASONS[code] == UNDEFINED and re.search(r"_\d+\Z", key) is not None

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class all metrics share: state as running sums, estimates with intervals by dialogue, curves over turns."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from imug_metrics._constants import constant, integers
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.inputs import Column, PackedInputs, pack_inputs
from imug_metrics.metrics.additive_metric import AdditiveMetric
from imug_metrics.metrics.curve import curve_points
from imug_metrics.metrics.dialogue_sums import Terms, dialogue_vectors
from imug_metrics.metrics.options import spell_out
from imug_metrics.metrics.plotting import plot_curve
from imug_metrics.stats import (
    delta_spread,
    packed_moments,
    percentile_interval,
    poisson_weights,
    ratio_spread,
    ratios,
    student_interval,
    unpack_moments,
)


class DialogueMetric(AdditiveMetric):
    """A metric over turns of dialogues, kept as sums over dialogues.

    A subclass names itself (`name`), says in `primary` which estimate `compute()` returns, lists in `configuration`
    the attributes that tell it from its like (set before `super().__init__`, since they decide the state's shape), and
    in `update` hands one value a record to `_add`. From these the base class forms ratios of sums over dialogues:
    `mean` (of the records that could be scored), `coverage`, `slope` (within dialogues, per turn) and `turn_1`,
    `turn_2`, ... A subclass may add ratios (`_ratios`), plain sums (`_sums`) and estimates made of them (`_derived`).
    Without `detail` only the sums of the primary estimate are kept; where that is no ratio, `_needed` names them (if it
    does not, all are kept).

    With `detail=True`, `compute()` returns a flat dict of float64 scalars: the primary estimate under the metric's
    name, its interval `_lower` and `_upper`, `_coverage`, `_n` (records in the mean), `_dialogues`, the other estimates
    under `<name>_<estimate>` with their intervals, and the curve `_turn_k`. Undefined values are NaN; a turn without a
    scored record is left out.

    Outside `forward` an `update` runs in inference mode, unless a subclass that runs a model there says
    `in_inference_mode = False`, as `EmbeddingMetric` does: what a model keeps from inference mode is of no use in
    training. An `update` that raises is not counted.

    Arguments that the `update` of every metric shares are `dialogue`, `turn`, `subject`, `valid` and `lengths`; what
    each word means, here and in the other arguments, stands in `imug_metrics.metrics.vocabulary`.

    Args:
        detail, missing, average, level, bootstrap, seed, max_turns, validate, in_order: see `MetricOptions`.
        kwargs: those of `torchmetrics.Metric`.

    Raises:
        ValueError: if an argument is outside its range.

    Intervals are cluster-robust (clusters = dialogues; see `imug_metrics.stats.cluster_robust`) under Student's t. With
    fewer than 20 dialogues they are approximate.
    """

    is_differentiable = False
    higher_is_better: bool | None = True

    name: str
    primary: str = "mean"
    configuration: tuple[str, ...] = ("detail", "missing", "average", "level", "bootstrap", "seed", "max_turns")
    curves: tuple[str, ...] = ("turn_",)  # estimates that are left out where nothing was seen
    moments: Tensor
    replicates: Tensor

    def __init__(
        self,
        *,
        detail: bool = False,
        missing: Literal["skip", "zero"] = "skip",
        average: Literal["record", "dialogue"] = "record",
        level: float = 0.95,
        bootstrap: int = 0,
        seed: int = 0,
        max_turns: int = 16,
        validate: bool = True,
        in_order: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("missing", missing, ("skip", "zero"))
        check_choice("average", average, ("record", "dialogue"))
        if not 0 < level < 1:
            raise ValueError(f"Expected argument `level` to be between 0 and 1, got {level}.")
        for argument, value, least in (("bootstrap", bootstrap, 0), ("max_turns", max_turns, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"Expected argument `{argument}` to be an integer >= {least}, got {value!r}.")
        self.detail, self.missing, self.average, self.level = detail, missing, average, level
        self.bootstrap, self.seed, self.max_turns = bootstrap, seed, max_turns
        self.validate, self.in_order = validate, in_order
        turns = [f"turn_{k}" for k in range(1, max_turns + 1)]
        self._ratio_names = ["mean", "coverage", "slope", *turns, *self._ratios()]
        self._sum_names = ["records", *self._sums()]
        every = self._component_names()
        self._components = tuple(every if detail else self._needed())
        if unknown := sorted({*self._components} - {*every}):
            raise ValueError(f"Expected `_needed` to name sums of {type(self).__name__}, got {unknown[0]!r}.")
        self._derived_names: list[str] | None = None  # known when they are first asked for
        size = len(self._components)
        shape = (size + 1, size + 1) if detail else (size,)
        self.add_state("moments", torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("config", self._digest(), dist_reduce_fx="max")
        if bootstrap:
            self.add_state("replicates", torch.zeros(bootstrap, size, dtype=torch.float64), dist_reduce_fx="sum")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            spell_out(cls)

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The primary estimate, or all estimates with their intervals (`detail=True`)."""
        if not self.detail:
            if self._components == _ratio(self.primary):
                return ratios(self.moments, 1)[0]
            return self._derived(self._named(self.moments))[self.primary]
        moments = unpack_moments(self.moments)
        names = self._estimate_names()
        value, spread = ratio_spread(moments, len(self._ratio_names))
        if len(names) > len(value):
            derived = delta_spread(lambda sums: _stacked(self._derived(self._named(sums))), moments)
            value, spread = torch.cat([value, derived[0]]), torch.cat([spread, derived[1]])
        _, _, lower, upper = student_interval(value, spread, moments.present[self._support(names)], self.level)
        if self.bootstrap:
            lower, upper = percentile_interval(self._estimates(self.replicates), self.level)
            lower, upper = (bound.masked_fill(value.isnan(), torch.nan) for bound in (lower, upper))
        found: dict[str, Tensor] = {}
        empty = value.isnan().tolist()
        values, lowers, uppers = (column.unbind() for column in (value, lower, upper))
        for row in sorted(range(len(names)), key=lambda r: names[r] != self.primary):
            name = names[row]
            if name.startswith(self.curves) and empty[row]:
                continue
            key = self.name if name == self.primary else f"{self.name}_{name}"
            found[key] = values[row]
            if name != "coverage":
                found |= {f"{key}_lower": lowers[row], f"{key}_upper": uppers[row]}
        found[f"{self.name}_n"] = self._named(moments.totals)["records"]
        found[f"{self.name}_dialogues"] = self._named(moments.present)["records"]
        return self._finish(found)

    def plot(self, val: dict[str, Tensor] | None = None, ax: Any = None) -> Any:
        """Draw the value, or with `detail=True` the metric's curve (as a rule over turns) with its band.

        Args:
            val: a result of `compute()`; None: computed now.
            ax: a matplotlib axis; None: a new figure.

        Returns:
            Figure and axis.

        Raises:
            ModuleNotFoundError: if matplotlib is not installed.
        """
        shown = self.compute() if val is None else val
        if not isinstance(shown, dict):
            return self._plot(shown, ax)
        return self._draw(shown, ax) or self._plot(shown[self.name], ax)

    def _draw(self, val: dict[str, Tensor], ax: Any) -> Any:
        """Figure and axis with the curve of a detailed result; None where there is none."""
        return plot_curve(self.name, val, ax) if curve_points(self.name, val) else None

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
    ) -> PackedInputs:
        """Pack the arguments of one update; nothing of the state has changed when it refuses them."""
        if self.bootstrap and dialogue is None:
            raise ValueError("Expected argument `dialogue`: the bootstrap draws by the dialogues' ids.")
        return pack_inputs(
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

    def _needed(self) -> Sequence[str]:
        """The sums that the primary estimate is made of: without detail nothing else is kept."""
        return _ratio(self.primary) if self.primary in self._ratio_names else self._component_names()

    @property
    def _totals(self) -> Tensor:
        """The sums over all dialogues `[P]`, whose names are `_components`."""
        return self.moments[0, 1:] if self.detail else self.moments

    def _ratios(self) -> list[str]:
        """Names of the ratios a subclass adds."""
        return []

    def _sums(self) -> list[str]:
        """Names of the plain sums a subclass adds."""
        return []

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Estimates made of sums: ratios' numerators as `<name>.num` and denominators as `<name>.den`, and `_sums`.

        Works on sums of any shape and must not change when all sums are scaled.
        """
        return {}

    def _supports(self) -> dict[str, str]:
        """Sums whose non-zero dialogues are the clusters of an estimate, where the rule does not say it."""
        return {}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Last changes to the result of `compute()`."""
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
        self._increase("moments", packed_moments(vectors) if self.detail else vectors.sum(0))
        if self.bootstrap:
            weights = poisson_weights(batch.ids.to(self.device), self.bootstrap, self.seed)
            self._increase("replicates", weights.mT @ vectors)

    def _estimates(self, totals: Tensor) -> Tensor:
        """All estimates `[..., E]` from totals `[..., P]`."""
        found = ratios(totals, len(self._ratio_names))
        derived = self._derived(self._named(totals))
        return torch.cat([found, _stacked(derived)], -1) if derived else found

    def _estimate_names(self) -> list[str]:
        if self._derived_names is None:
            self._derived_names = [*self._derived(self._named(self._totals))]
        return [*self._ratio_names, *self._derived_names]

    def _named(self, totals: Tensor) -> dict[str, Tensor]:
        return dict(zip(self._components, totals.unbind(-1)))

    def _component_names(self) -> list[str]:
        numerators, denominators = ([f"{name}.{part}" for name in self._ratio_names] for part in ("num", "den"))
        return [*numerators, *denominators, *self._sum_names]

    def _support(self, names: list[str]) -> Tensor:
        """The component of each estimate whose dialogues are its clusters: as a rule its ratio's denominator."""
        columns = {name: column for column, name in enumerate(self._components)}
        chosen = self._supports()
        found = [chosen.get(name, f"{name}.den" if f"{name}.den" in columns else "mean.den") for name in names]
        return constant(integers, tuple(columns[name] for name in found), like=self.moments)


def check_choice(argument: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise ValueError unless the argument is one of the choices.

    Example:
        >>> check_choice("missing", "one", ("skip", "zero"))
        Traceback (most recent call last):
        ValueError: Expected argument `missing` to be one of ('skip', 'zero'), got 'one'.
    """
    if value not in choices:
        raise ValueError(f"Expected argument `{argument}` to be one of {choices}, got {value!r}.")


def _ratio(name: str) -> tuple[str, str]:
    return f"{name}.num", f"{name}.den"


def _stacked(estimates: dict[str, Tensor]) -> Tensor:
    return torch.stack([*estimates.values()], -1)

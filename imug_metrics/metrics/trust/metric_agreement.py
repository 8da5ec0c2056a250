# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a metric agree with people, over all records and by group?"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from scipy import special
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat
from typing_extensions import Unpack

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Labels, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, flatten_lists, score_column
from imug_metrics.dialogues.holders import is_integer, opened, place_of, shown
from imug_metrics.dialogues.ids import id_halves, whole_ids
from imug_metrics.errors import InputError
from imug_metrics.functional.trust.metric_agreement import Kind, metric_agreement
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.instance_metric import instance_places
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.metrics.plotting import Plot, note, point, quantity
from imug_metrics.plots import forest
from imug_metrics.stats import REASONS, Weights, percentile_interval, poisson_weights
from imug_metrics.stats.correlation import fisher_z
from imug_metrics.stats.intervals import FEW_GROUPS

LEAST_GROUPS = 5
"""Groups that an interval between groups asks for."""
_SUMS = ("n", "x", "y", "xx", "yy", "xy")
_UNPAIRED = -2.0  # the group of records that lack a score
_RANKED: tuple[Kind, ...] = ("spearman", "kendall")


class MetricAgreement(DialogueMetric):
    """Do a metric's scores agree with those of people? Pearson's r, -1 to 1; higher is better.

    With the scores x of the metric and y of people for the same records,

        r = sum (x - mean x) (y - mean y) / sqrt(sum (x - mean x)^2 * sum (y - mean y)^2)

    It comes from sums over all records, with an interval by Fisher's z = artanh r (Biometrika 10, 1915) and the delta
    method over dialogues. The functional counterpart is `metric_agreement`. The detail adds

    - `metric_agreement_spearman`, `_kendall`: rho and tau-b; with `bootstrap` their intervals
    - `metric_agreement_pearson_<group>`, `_spearman_<group>`, `_kendall_<group>`: within each group
    - `metric_agreement_within`: r of scores about their group's means
    - `metric_agreement_between`: r of the groups' means, from three groups on; its interval, from five on, takes the
      groups for a sample of groups

    As output `compute` gives a float64 scalar, or with `detail=True` a dict like that of `DialogueMetric`, without
    curve and slope. Ranks need the records: with `detail=True` they are kept as float32, and scores that differ by less
    than that are ties.

    Args:
        groups: labels of the groups; without them all records are one.
        kwargs: those of all metrics, see `MetricOptions`; `average` has no meaning here.

    Raises:
        ValueError: if a label is repeated, or is one of the words behind an estimate, `lower`, `upper` or `reason`.

    Example:
        >>> metric = MetricAgreement(detail=True)
        >>> metric.update([0.1, 0.4, 0.5, 0.9, 0.8], [1, 2, 4, 5, 3])
        >>> found = metric.compute()
        >>> [round(float(found[f"metric_agreement{key}"]), 3) for key in ("", "_lower", "_spearman", "_kendall")]
        [0.838, -0.939, 0.9, 0.8]
    """

    name = "metric_agreement"
    description = MetricDescription(
        label="Agreement",
        noun="agreement with people",
        unit="correlation",
        measures="Pearson's r over all records",
        span="-1 to 1",
        direction="higher is better",
        low=-1.0,
        high=1.0,
        meaning="How far the metric's scores lie on one rising line with people's.",
        misleads="A wide range of answers, or several models pooled, makes it large, and it does not see a shift or a "
        "wrong scale.",
    )
    primary = "pearson"
    configuration = (*DialogueMetric.configuration, "groups")
    fitted = MappingProxyType(dict.fromkeys(("pearson", "pearson_", "within"), 3))  # as in Fisher's 1 / sqrt(n - 3)
    rows: list[Tensor]
    row_width = 5  # score, reference, group, and the two halves of the dialogue's id
    plot_lower_bound = -1.0
    plot_upper_bound = 1.0

    def __init__(self, groups: Sequence[str] = (), **kwargs: Unpack[MetricOptions]) -> None:
        self.groups = tuple(map(str, groups))
        if len(set(self.groups)) < len(self.groups):
            raise ValueError(f"Expected argument `groups` to name each group once, got {self.groups}.")
        bounds = ("lower", "upper", "reason")
        taken = {*bounds, *(f"{label}_{bound}" for label in self.groups for bound in bounds)}
        for label in self.groups:
            if label in taken:
                raise ValueError(
                    f"Expected argument `groups` without {label!r}: so a bound of another estimate is called."
                )
        super().__init__(**kwargs)
        if self.detail is True:
            self.add_state("rows", [], dist_reduce_fx="cat")

    def update(
        self,
        scores: Numbers,
        references: Numbers,
        group: Labels | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: of the metric, `[N]` or `[B, T]`; NaN where absent.
            references: scores by people, in the same shape; NaN where unknown: such a record cannot be compared and
                lowers the coverage.
            group: the group of each record: labels in lists, or their places in `groups` as numbers, in the same shape;
                None, -1 or NaN for none. Numbers in lists are places too, unless a group's label is a number.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`; without `dialogue` and `turn` each
                of `[N]` records is independent of the others.

        Raises:
            InputError: if a label is unknown, shapes differ, or turns are refused.
        """
        columns = {"scores": score_column("scores", scores), "references": score_column("references", references)}
        columns["group"] = self._group_column(group, columns["scores"])
        places = instance_places(columns["scores"].shape, dialogue, turn, self.bootstrap)
        inputs = self._pack(columns, *places, None, valid, lengths, numbered=dialogue is None)
        batch, (x, y, codes) = inputs.batch, (inputs.columns[name] for name in columns)
        x = batch.present(x)
        known = y == y
        if self.missing == "zero":
            x = x.masked_fill(known & ~batch.valid, 0)
        both = known & ~x.isnan()
        if self.detail is True:
            self._keep_rows(batch, x, y, codes, both)
        products = torch.stack(_products(x, y, both), 1)
        sums = dict(zip(_SUMS, products.unbind(1)))
        if self.groups and self.detail:
            member = codes[:, None] == constant(torch.arange, len(self.groups), like=codes)
            by_group = (products[:, :, None] * member[:, None]).unbind(1)
            sums |= {f"{name}_by": part for name, part in zip(_SUMS, by_group)}
        self._add(batch, x.where(both, torch.nan), batch.valid | known, Terms(sums=sums))

    def _keep_rows(self, batch: DialogueBatch, x: Tensor, y: Tensor, codes: Tensor, both: Tensor) -> None:
        """Keep records for the rank correlations; those without both scores under a group of their own."""
        both = both if batch.record is None else both & batch.record
        ids = batch.spread(batch.ids[batch.owner])
        rows = [x.where(both, 0), y.where(both, 0), codes.nan_to_num(-1).where(both, _UNPAIRED), *id_halves(ids)]
        self.rows.append(torch.stack(rows, 1).detach().float().flatten().to(self.device))

    def compute(self) -> Tensor | dict[str, Tensor]:
        """Pearson's r, or all estimates with their intervals (`detail=True`)."""
        found = super().compute()
        return found if isinstance(found, dict) else found.tanh()

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot | None:
        """All correlations in rows, of all records, of each group, within groups and between them."""
        if f"{self.name}_spearman" not in val:
            return None
        kinds = {"pearson": "Pearson's r", "spearman": "Spearman's rho", "kendall": "Kendall's tau-b"}
        ends = {"all records": "", **{label: f"_{label}" for label in self.groups}}
        rows = {
            row: {kinds[kind]: point(val, f"{self.name}_{kind}{end}") for kind in kinds} for row, end in ends.items()
        }
        about_groups = ("within", "between") if self.groups else ()
        rows |= {f"{way} groups": {kinds["pearson"]: point(val, f"{self.name}_{way}")} for way in about_groups}
        said = note(self, val, "bars", slope="", repeated=False)
        return forest(rows, x=quantity(self.describe()), note=said, ax=ax)

    def _needed(self) -> tuple[str, ...]:
        return _SUMS

    def _sums(self) -> list[str]:
        return [*_SUMS, *(f"{name}_by_{place}" for place in range(len(self.groups)) for name in _SUMS)]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {"pearson": fisher_z(*(sums[name] for name in _SUMS))}
        if not self.groups or not self.detail:
            return found
        by_group = [torch.stack([sums[f"{name}_by_{g}"] for g in range(len(self.groups))]) for name in _SUMS]
        found |= {f"pearson_{label}": z for label, z in zip(self.groups, fisher_z(*by_group))}
        return {**found, "within": _within(*by_group), "between": _between(*by_group)}

    def _supports(self) -> dict[str, str]:
        by_group = {f"pearson_{label}": f"n_by_{place}" for place, label in enumerate(self.groups)}
        return {"pearson": "n", "within": "n", "between": "n", **by_group}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        counts = {f"{self.name}_{count}" for count in ("coverage", "n", "dialogues")}
        of_scores = (f"{self.name}_mean", f"{self.name}_slope", f"{self.name}_turn_")
        found |= self._between_groups(found)
        kept = {key: value for key, value in found.items() if not key.startswith(of_scores)}
        kept = {key: value if key in counts or key.endswith("_reason") else value.tanh() for key, value in kept.items()}
        return {**kept, **(dict(self._ranked()) if self.detail is True else {})}

    def _between_groups(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Bounds of r between groups, whose clusters are the groups: Fisher's error, 1 / sqrt(groups - 3)."""
        key = f"{self.name}_between"
        if not self.groups:
            return {}
        there = [self._named(self._totals)[f"n_by_{place}"] > 0 for place in range(len(self.groups))]
        groups = torch.stack(there).sum()
        half = float(special.ndtri((1 + self.level) / 2)) / (groups - 3).clamp_min(0).double().sqrt()
        half = half.masked_fill(groups < LEAST_GROUPS, torch.nan)
        few = torch.where(half.isnan(), REASONS.index(FEW_GROUPS), 0)
        return {f"{key}_lower": found[key] - half, f"{key}_upper": found[key] + half, f"{key}_reason": few}

    def _ranked(self) -> Iterator[tuple[str, Tensor]]:
        """Rank correlations from the records that were kept."""
        rows = dim_zero_cat(self.rows) if len(self.rows) else torch.zeros(0, device=self.device)
        rows = rows.view(-1, self.row_width)
        rows = rows[rows[:, 2] != _UNPAIRED]
        chosen = {"": torch.ones_like(rows[:, 0], dtype=torch.bool)}
        chosen |= {f"_{label}": rows[:, 2] == place for place, label in enumerate(self.groups)}
        for ending, here in chosen.items():
            x, y, _, *halves = rows[here].double().unbind(1)
            ids = whole_ids(*halves)
            weights = poisson_weights(ids, self.bootstrap, self.seed) if self.bootstrap else None
            counts = torch.unique(ids, return_counts=True)[1].double()
            clusters = Weights(counts.sum(), (counts * counts).sum()).effective[None]
            for kind in _RANKED:
                key = f"{self.name}_{kind}{ending}"
                value = metric_agreement(x, y, kind)
                yield key, value
                if weights is not None:
                    drawn = metric_agreement(x, y, kind, weights=weights)
                    lower, upper = percentile_interval(drawn[:, None], self.level, clusters, value[None])
                    yield from ((f"{key}_lower", lower[0]), (f"{key}_upper", upper[0]))

    def _group_column(self, group: Labels | None, scores: Column) -> Column:
        """Places of the records' groups, -1 where there is none."""
        if group is None:
            return Column(torch.full_like(scores.values, -1), scores.shape)
        given = opened("group", group)
        if isinstance(given, Tensor):
            return self._known_places(score_column("group", given))
        labels, shape, _, ends = flatten_lists("group", given)
        named = any(isinstance(label, str) for label in labels)
        if not named and not any(
            label.isdecimal() for label in self.groups
        ):  # numbers are no labels, so they are places
            return self._known_places(score_column("group", given))
        places = {label: place for place, label in enumerate(self.groups)}
        for row, label in enumerate(labels):
            known = (isinstance(label, str) or is_integer(label)) and str(label) in places
            if label is not None and not known:
                raise InputError("group", f"to hold labels of {self.groups}", shown(label), place_of(row, shape))
        codes = [-1 if label is None else places[str(label)] for label in labels]
        return Column(torch.tensor(codes, dtype=torch.float64, device=scores.values.device), shape, None, ends)

    def _known_places(self, rows: Column) -> Column:
        inside = (rows.values >= -1) & (rows.values < len(self.groups)) & (rows.values == rows.values.floor())

        def error(cell: int) -> InputError:
            expected = f"to hold places from 0 to {len(self.groups) - 1}, or -1 for none"
            return InputError("group", expected, f"{float(rows.values[cell]):g}", place_of(cell, rows.shape))

        return rows._replace(checks=(Check(~inside & ~rows.values.isnan(), error),))


def _products(x: Tensor, y: Tensor, both: Tensor) -> list[Tensor]:
    """Each record's part in `_SUMS`, zero where a score is missing."""
    x, y = x.masked_fill(~both, 0), y.masked_fill(~both, 0)
    return [both.double(), x, y, x * x, y * y, x * y]


def _within(n: Tensor, x: Tensor, y: Tensor, xx: Tensor, yy: Tensor, xy: Tensor) -> Tensor:
    """Fisher's z of scores about their group's means, from sums by group `[groups, ...]`."""
    count = n.clamp_min(1)
    parts = [(total - a * b / count).sum(0) for total, a, b in ((xx, x, x), (yy, y, y), (xy, x, y))]
    zero = torch.zeros_like(parts[0])
    # What rounding leaves of groups without spread must not be taken for spread.
    flat = (parts[0] <= 1e-12 * xx.sum(0)) | (parts[1] <= 1e-12 * yy.sum(0))
    return fisher_z(n.sum(0), zero, zero, *parts).masked_fill(flat, torch.nan)


def _between(n: Tensor, x: Tensor, y: Tensor, *_: Tensor) -> Tensor:
    """Fisher's z of the means of the groups that have records."""
    there = (n > 0).to(n)
    means = [total / torch.where(n > 0, n, 1) for total in (x, y)]
    x, y = (mean * there for mean in means)
    return fisher_z(there.sum(0), x.sum(0), y.sum(0), (x * x).sum(0), (y * y).sum(0), (x * y).sum(0))

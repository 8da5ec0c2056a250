# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How good is a selector of candidates: the model itself, a metric, a judge?"""

from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Candidates, Ids, Turns
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.errors import InputError
from imug_metrics.functional.scaling.candidates import (
    absent_candidates,
    cell_of,
    range_check,
    read_candidates,
    record_columns,
)
from imug_metrics.functional.scaling.selection import chance_of_best, selection_values
from imug_metrics.functional.scaling.verifier_curve import (
    bin_places,
    binned,
    counted_auroc,
    out_of_range,
    score_bins,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, check_count, within
from imug_metrics.stats import POOLED_SUMS, pooled_slope


class Selection(DialogueMetric):
    """Does a selector order the candidates of a turn by their true scores? Rank correlation, -1 to 1; higher is better.

    With C pairs of candidates of one record in the same order, D in opposite order, and T_1 and T_2 tied on either side
    of all P (Kendall, Biometrika 33, 1945), the mean over records of

        tau-b = (C - D) / sqrt((P - T_1) (P - T_2))

    What counts for best-of-n is the order *within* a turn: a selector that only knows which turns are hard has a high
    pooled AUROC and picks no better than chance. The functional counterpart is `selection`. The detail holds

    - `selection`: rank correlation within the record, Kendall's tau-b or Spearman's, averaged over records
    - `selection_top`: probability that the favourite is one of the truly best, and `selection_chance`, that of a random
      pick
    - `selection_auroc`: of right against wrong candidates of the same record; records with both kinds
    - `selection_pooled_auroc`: over all candidates of all records, from `bins` bins of the selector's score
    - `selection_calibration_slope`: least-squares slope of the true score on the selector's over all candidates with
      a finite one: 1 where a selector's score means what it says, below 1 where it is too sure
    - with `probabilities=True`: `selection_brier`, the mean squared difference of the two, and `selection_ece`, the
      expected calibration error over the bins; lower is better. Its interval needs `bootstrap`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        correlation: `"kendall"` takes n^2 steps a record, `"spearman"` n log n.
        threshold: candidates with at least this true score are right.
        probabilities: whether the selector's scores are probabilities of being right.
        low, high: range of the selector's scores, for the bins of the detail; there a finite score beyond it is
            refused, and without validation left out of `_pooled_auroc`. An infinite one counts in the first or last
            bin, as a tie with the scores there.
        bins: number of bins; the state grows with its square.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = Selection(detail=True)
        >>> scores, selector = [[0.2, 0.8, 0.5], [0.0, 1.0, 1.0]], [[0.1, 0.4, 0.6], [0.2, 0.7, 0.3]]
        >>> metric.update(scores, selector, dialogue=["a", "b"], turn=[1, 1])
        >>> found = metric.compute()
        >>> [round(float(found[f"selection{key}"]), 3) for key in ("", "_top", "_chance", "_auroc")]
        [0.575, 0.5, 0.5, 1.0]
    """

    name = "selection"
    description = MetricDescription(
        label="Selection",
        noun="skill of the selector",
        unit="correlation",
        measures="rank correlation of selector and truth within a turn, Kendall's tau-b",
        span="-1 to 1",
        direction="higher is better; 0 is chance",
        meaning="How well the selector orders the candidates of one turn.",
        misleads="It is about all candidates, the pick about the top: a selector may order the bad ones well and miss "
        "the best.",
    )
    level_of_curve = (0.0, "chance")
    ranges = within(SHARE, "top", "chance", "auroc", "pooled_auroc", "brier") | within((-1.0, 1.0), "mean", "turn_")
    limits = within(SHARE, "ece")
    fitted = MappingProxyType({"calibration_slope": 2})
    steps = ("ece",)  # an absolute value has no derivative where a bin is calibrated
    configuration = (
        *DialogueMetric.configuration,
        *("correlation", "threshold", "probabilities", "low", "high", "bins"),
    )

    def __init__(
        self,
        correlation: Literal["kendall", "spearman"] = "kendall",
        *,
        threshold: float = 0.5,
        probabilities: bool = False,
        low: float = 0.0,
        high: float = 1.0,
        bins: int = 16,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("correlation", correlation, ("kendall", "spearman"))
        if not low < high or (probabilities and (low, high) != (0, 1)):
            raise ValueError(f"Expected argument `low` below `high`, 0 and 1 for probabilities, got {low} and {high}.")
        check_count("bins", bins, 2)
        self.correlation, self.threshold, self.probabilities = correlation, threshold, probabilities
        self.low, self.high, self.bins = low, high, bins
        super().__init__(**kwargs)

    def update(
        self,
        scores: Candidates,
        selector: Candidates,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: true scores `[N, n]` or `[B, T, n]` of the candidates; NaN where one is not there.
            selector: the selector's scores of the same shape; NaN: the candidate is not there.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if probabilities are not in [0, 1], or with `detail` a selector's score lies beyond `low` and
                `high`, shapes differ or turns are refused.
        """
        given = {"scores": read_candidates("scores", scores)}
        y = given["scores"].values
        given["selector"] = read_candidates("selector", selector, y)
        p = given["selector"].values
        absent = absent_candidates(y, p)
        columns = record_columns(absent, given=given, scores=y, selector=p)
        if self.probabilities:
            columns["present"] = columns["present"]._replace(checks=(_probability_check(p),))
        elif self.detail:
            outside = out_of_range(p, self.low, self.high) & ~absent
            check = range_check("selector", p, outside, self.low, self.high)
            columns["present"] = columns["present"]._replace(checks=(check,))
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        y, p = (inputs.batch.present(inputs.columns[name].double()) for name in ("scores", "selector"))
        if self.probabilities:
            outside = (p < 0) | (p > 1)  # which nobody refused without validation
            y, p = (column.masked_fill(outside, torch.nan) for column in (y, p))
        primary = selection_values(y, p, self.correlation, self.threshold)
        self._add(inputs.batch, primary, None, self._terms(y, p) if self.detail else None)

    def _terms(self, y: Tensor, p: Tensor) -> Terms:
        """How often the best is picked, how well the selector parts right from wrong, and its calibration."""
        means = {name: selection_values(y, p, name, self.threshold) for name in ("top", "auroc")}
        means["chance"] = chance_of_best(y).masked_fill(means["top"].isnan(), torch.nan)
        ratios = {"brier": (((p - y) ** 2).nansum(1), (~y.isnan()).sum(1))} if self.probabilities else {}
        return Terms(means, ratios=ratios, sums=self._record_sums(y, p))

    def _record_sums(self, y: Tensor, p: Tensor) -> dict[str, Tensor]:
        """By record: counts by bin, a straight line's sums, and by bin how much the selector says too much."""
        binned_ones = ~(y.isnan() | out_of_range(p, self.low, self.high))
        right = (y >= self.threshold).double().where(binned_ones, torch.nan)
        found = dict(zip(("right", "wrong"), score_bins(p, right, self.low, self.high, self.bins)))
        if self.probabilities:
            place = bin_places(p, self.low, self.high, self.bins)
            found["excess"] = binned((p - y).nan_to_num(0), place, self.bins)
        used = p.isfinite()  # a score of -inf, as the logarithm of 0, has an order but no line through it
        x, z = p.where(used, 0), y.where(used, 0)
        line = torch.stack([used.double(), x, z, x * x, x * z]).sum(2)
        return found | dict(zip(POOLED_SUMS, line.unbind(0)))

    def _ratios(self) -> list[str]:
        return ["top", "chance", "auroc", *(["brier"] if self.probabilities else [])]

    def _sums(self) -> list[str]:
        kinds = ("right", "wrong", "excess") if self.probabilities else ("right", "wrong")
        return [*(f"{kind}_{b}" for kind in kinds for b in range(self.bins)), *POOLED_SUMS]

    def _supports(self) -> dict[str, str]:
        return dict.fromkeys(("pooled_auroc", "calibration_slope", "ece"), "n")

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        right, wrong = (torch.stack([sums[f"{kind}_{b}"] for b in range(self.bins)], -1) for kind in ("right", "wrong"))
        found = {"pooled_auroc": counted_auroc(right, wrong)}
        found["calibration_slope"] = pooled_slope(*(sums[name] for name in POOLED_SUMS))
        if self.probabilities:
            excess = torch.stack([sums[f"excess_{b}"] for b in range(self.bins)], -1).abs().sum(-1)
            count = sums["n"]
            found["ece"] = torch.where(count > 0, excess / torch.where(count > 0, count, 1), torch.nan)
        return found


def _probability_check(selector: Tensor) -> Check:
    def error(place: int) -> InputError:
        got = f"{float(selector.flatten()[place]):g}"
        return InputError("selector", "to lie in [0, 1], as probabilities do", got, cell_of(place, selector.shape))

    return Check(((selector < 0) | (selector > 1)).flatten(0, -2), error)

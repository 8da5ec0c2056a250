# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What accuracy would sampling with a verifier reach?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

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
from imug_metrics.functional.scaling.verifier_curve import counted_auroc, counted_best_of_n, out_of_range, score_bins
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.naming import rename
from imug_metrics.metrics.options import MetricOptions, check_count, within
from imug_metrics.metrics.plotting import Plot, note, point
from imug_metrics.plots import roc
from imug_metrics.plots.values import reading


class VerifierCurve(DialogueMetric):
    """How well does a verifier tell right candidates from wrong ones? Area under its ROC curve; higher is better.

    For a right and a wrong candidate at random, of all records (Mann and Whitney, 1947),

        AUROC = P(right scores higher than wrong) + P(both score alike) / 2

    from 0 to 1, where 0.5 is chance. With S_b the share of candidates in the bins of the verifier's score up to b, of
    which it holds r_b right and w_b wrong ones, the highest scored of n independent candidates is right with

        best of n = sum_b (S_b^n - S_(b-1)^n) r_b / (r_b + w_b)

    This class streams: it keeps these counts, so scores in one bin count as ties, and every estimate has an interval by
    dialogue. The exact functions on stored scores are `verifier_curve`, `rejection_sampling` and `verified_accuracy`.
    The detail holds

    - `verifier_curve`: area under the ROC curve over all candidates
    - `verifier_curve_base`: share of right candidates; `_base_turn_t` and `_base_slope`: over turns, as means of
      records
    - `verifier_curve_best_of_{n}`: predicted accuracy of the highest scored of n independent candidates
    - `verifier_curve_ceiling`: its limit for n to infinity, the share of right candidates in the highest bin that holds
      any; it rests on the candidates of that bin alone
    - `verifier_curve_accepted_{i}`, `_tries_{i}`: accuracy and expected tries of rejection sampling at the i-th
      threshold, and `_true_accept_{i}`, `_false_accept_{i}`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        ns: numbers of candidates to predict for.
        thresholds: of rejection sampling; each is moved to the nearest edge of a bin.
        low, high: range of the verifier's scores; a finite score beyond it is refused, and without validation left out.
            An infinite one counts in the first or last bin, as a tie with the scores there.
        bins: number of bins; the state grows with its square.
        kwargs: see `MetricOptions`. `missing="zero"` counts absent records as wrong in `_base_turn_t` and
            `_base_slope` alone: a candidate that is not there has no score.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = VerifierCurve(ns=(2, 4), thresholds=(0.5,), detail=True)
        >>> metric.update([[0.9, 0.8], [0.8, 0.1]], [[1, 1], [0, 0]], dialogue=["a", "b"], turn=[1, 1])
        >>> found = metric.compute()
        >>> [round(float(found[f"verifier_curve{key}"]), 3) for key in ("", "_best_of_2", "_ceiling", "_tries_1")]
        [0.875, 0.688, 1.0, 1.333]
    """

    name = "verifier_curve"
    description = MetricDescription(
        label="Verifier",
        noun="skill of the verifier",
        unit="share",
        measures="area under the ROC curve of the verifier over all candidates",
        span="0 to 1",
        direction="higher is better; 0.5 is chance",
        meaning="How well the verifier's score tells right candidates from wrong ones.",
        misleads="Candidates of one turn are no independent draws, so that what it promises for many candidates is "
        "too high.",
    )
    ranges = within(
        SHARE, "mean", "turn_", "base", "auroc", "ceiling", "best_of_", "accepted_", "true_accept_", "false_accept_"
    ) | within((1.0, math.inf), "tries_")
    primary = "auroc"
    configuration = (*DialogueMetric.configuration, "ns", "thresholds", "low", "high", "bins")

    def __init__(
        self,
        *,
        ns: Sequence[int] = (2, 4, 8, 16, 64),
        thresholds: Sequence[float] = (0.5,),
        low: float = 0.0,
        high: float = 1.0,
        bins: int = 32,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        if not low < high:
            raise ValueError(f"Expected argument `low` to be below `high`, got {low} and {high}.")
        if not all(n >= 1 for n in ns):
            raise ValueError(f"Expected argument `ns` to hold numbers >= 1, got {ns}.")
        if not all(low <= threshold <= high for threshold in thresholds):
            raise ValueError(f"Expected argument `thresholds` to lie from `low` to `high`, got {thresholds}.")
        check_count("bins", bins, 2)
        self.ns, self.thresholds, self.low, self.high, self.bins = tuple(ns), tuple(thresholds), low, high, bins
        super().__init__(**kwargs)

    def update(
        self,
        scores: Candidates,
        target: Candidates,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: the verifier's scores of the candidates, `[N, n]` or `[B, T, n]`, higher means "accept"; NaN where a
                candidate is not there. One candidate a turn is `[N, 1]`.
            target: of that shape, 1 where the candidate is right, 0 where it is wrong.
            dialogue, turn, valid, lengths: of the records, as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if a target is neither 0 nor 1, a score lies beyond `low` and `high`, shapes differ or turns are
                refused.
        """
        given = {"scores": read_candidates("scores", scores)}
        p = given["scores"].values
        given["target"] = read_candidates("target", target, p)
        y = given["target"].values
        absent = (y != y) | (p != p) if self.validate else absent_candidates(y, p)  # infinite targets are refused
        outside = out_of_range(p, self.low, self.high) & ~absent
        columns = record_columns(absent | outside, given=given, target=y, scores=p)
        checks = (_label_check(y), range_check("scores", p, outside, self.low, self.high))
        columns["present"] = columns["present"]._replace(checks=checks)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        batch, y, p = inputs.batch, inputs.columns["target"], inputs.columns["scores"]
        y = batch.present(y)
        counts = score_bins(p, y, self.low, self.high, self.bins)
        right, every = counts[0].sum(1), (counts[0] + counts[1]).sum(1)
        base = {"base": (right, every)} if self.detail else {}
        self._add(batch, right / every, None, Terms(ratios=base, sums=dict(zip(("right", "wrong"), counts))))

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot | None:
        """The thresholds' rates, and through them the curve over all bins where the state is that of the result."""
        at = {
            f"threshold {threshold:g}": (
                point(val, f"{self.name}_false_accept_{i}"),
                point(val, f"{self.name}_true_accept_{i}"),
            )
            for i, threshold in enumerate(self.thresholds, 1)
        }
        if not behind and not any(side.known for sides in at.values() for side in sides):
            return None
        lines = {f"AUROC {reading(point(val, self.name))}": self._rates()} if behind else {}
        bounded = any(side.bounded for sides in at.values() for side in sides)
        said = note(self, val, "bars" if bounded else "", slope="", repeated=False)
        return roc(lines, at, note=said, ax=ax)

    def _rates(self) -> tuple[list[float], list[float]]:
        """Shares of wrong and of right candidates at or above each bin, from above all to all."""
        sums = self._named(self._totals)
        wrong, right = (
            torch.stack([sums[f"{kind}_{b}"] for b in reversed(range(self.bins))]).cumsum(0)
            for kind in ("wrong", "right")
        )
        return [0.0, *_share(wrong, wrong[-1]).tolist()], [0.0, *_share(right, right[-1]).tolist()]

    def _needed(self) -> list[str]:
        return self._sums()

    def _ratios(self) -> list[str]:
        return ["base"]

    def _sums(self) -> list[str]:
        return [f"{kind}_{b}" for kind in ("right", "wrong") for b in range(self.bins)]

    def _supports(self) -> dict[str, str]:
        return dict.fromkeys(self._derived(self._named(self._totals)), "base.den")

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        right, wrong = (torch.stack([sums[f"{kind}_{b}"] for b in range(self.bins)], -1) for kind in ("right", "wrong"))
        found = {"auroc": counted_auroc(right, wrong), "ceiling": counted_best_of_n(right, wrong, math.inf)}
        found |= {f"best_of_{n}": counted_best_of_n(right, wrong, n) for n in self.ns}
        for i, threshold in enumerate(self.thresholds, 1):
            first = round((threshold - self.low) / (self.high - self.low) * self.bins)
            kept = [part[..., first:].sum(-1) for part in (right, wrong)]
            totals = [part.sum(-1) for part in (right, wrong)]
            found[f"accepted_{i}"] = _share(kept[0], kept[0] + kept[1])
            found[f"tries_{i}"] = _share(totals[0] + totals[1], kept[0] + kept[1])
            found[f"true_accept_{i}"], found[f"false_accept_{i}"] = map(_share, kept, totals)
        return found

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        # The base class takes the mean and its curve over records; what they show here is the share of right ones.
        found = {key: value for key, value in found.items() if not key.startswith(f"{self.name}_mean")}
        return rename(found, self.name, {"turn_": "base_turn_", "slope": "base_slope"})


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1), torch.nan)


def _label_check(target: Tensor) -> Check:
    def error(place: int) -> InputError:
        got = f"{float(target.flatten()[place]):g}"
        return InputError("target", "to hold 0 and 1", got, cell_of(place, target.shape))

    return Check(((target * (target - 1)).abs() > 0).flatten(0, -2), error)  # False for NaN

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a model tell its right work from its wrong work, and does it grow lenient over turns?"""

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.self_evaluation.self_verification import (
    verdict_columns,
    verdict_values,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.naming import rename
from imug_metrics.metrics.options import within
from imug_metrics.stats.logistic import logistic_slope

_ERRORS = ("false_accept", "false_reject")


class SelfVerification(DialogueMetric):
    """Does a model tell its right work from its wrong work? Balanced accuracy, 0 to 1; higher is better.

    Of the model's verdicts on its own work against the truth,

        balanced accuracy = 1 - (P(accept | wrong) + P(reject | right)) / 2

    It is 0.5 for a judge that accepts everything (Brodersen et al., ICPR 2010). The functional counterparts are
    `self_verification` and `permissiveness_drift`. The detail adds

    - `self_verification_turn_k`: balanced accuracy at turn k, where right and wrong work was judged
    - `self_verification_false_accept`, `_false_accept_turn_k`: P(accept | wrong), overall and at turn k
    - `self_verification_false_reject`, `_false_reject_turn_k`: P(reject | right)
    - `self_verification_drift`: permissiveness drift, the slope per turn of accept (1) or reject (0) over wrong work
      within dialogues (fixed effects); above 0 the model grows lenient
    - `self_verification_drift_logit`: slope of the log-odds of accepting wrong work, by logistic regression on the turn
      (up to `max_turns`) with errors clustered by dialogue; it pools dialogues. Turns with a rate of 0 or 1 need no
      continuity correction; where one turn parts all that was accepted from all that was rejected it is NaN
    - `self_verification_accuracy`, `_accuracy_slope`, `_accuracy_turn_k`: share of verdicts that are right, its slope
      within dialogues, and its curve

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. With
    `missing="zero"` an absent verdict counts as a wrong one.

    Args:
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = SelfVerification(detail=True)
        >>> metric.update(preds=[[0, 1, 1], [0, 0, 1], [1, 1, 1]], target=[[0, 1, 0], [0, 0, 0], [1, 1, 0]])
        >>> found = metric.compute()
        >>> [round(float(found[f"self_verification{key}"]), 2) for key in ("", "_false_accept_turn_1", "_drift")]
        [0.75, 0.0, 0.5]
    """

    name = "self_verification"
    description = MetricDescription(
        label="Self-verification",
        noun="accuracy of self-verification",
        unit="share",
        measures="balanced accuracy of the verdicts",
        span="0 to 1; 0.5 for a judge that accepts everything",
        direction="higher is better",
        meaning="How well the model tells its right work from its wrong work, both counted alike.",
        misleads="A model that gives a verdict only where it is sure is more accurate: read the coverage.",
    )
    level_of_curve = (0.5, "chance")
    primary = "balanced_accuracy"
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    limits = within((-1.0, 1.0), "drift")
    ranges = within(SHARE, "mean", "turn_", "balanced_", *_ERRORS, *(f"{error}_" for error in _ERRORS))

    def update(
        self,
        preds: Labels,
        target: Labels,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: the model's verdicts `[N]` or `[B, T]`, 1 accepts and 0 rejects; NaN, or None in a list, where there
                is none.
            target: the truth in the same form, 1 where the work is right; NaN or None where it is not known: such a
                record cannot be scored and lowers the coverage.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if a verdict or truth is neither 1 nor 0, shapes differ or turns are refused.
        """
        inputs = self._pack(verdict_columns(preds, target), dialogue, turn, None, valid, lengths)
        batch, truth = inputs.batch, inputs.columns["target"]
        right, known = verdict_values(inputs), ~truth.isnan()
        if self.missing == "zero":
            right = right.masked_fill(~batch.valid & known, 0)
        wrong = 1 - right
        accepts, rejects = (wrong.masked_fill(truth != verdict, torch.nan) for verdict in (0, 1))
        errors = {"false_accept": accepts, "false_reject": rejects}
        terms = Terms(averages=errors)
        if self.detail:
            terms = Terms(averages=errors, curves=errors, slopes={"drift": (None, accepts)})
        self._add(batch, right, batch.valid | known, terms)

    def _needed(self) -> list[str]:
        return [f"{error}.{part}" for error in _ERRORS for part in ("num", "den")]

    def _ratios(self) -> list[str]:
        curves = [f"{error}_turn_{k}" for error in _ERRORS for k in self._turns()]
        return ["drift", *_ERRORS, *curves]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        def counts(error: str, ends: list[str]) -> list[Tensor]:
            return [torch.stack([sums[f"{error}{end}.{part}"] for end in ends], -1) for part in ("num", "den")]

        turns = [f"_turn_{k}" for k in self._turns()] if self.detail else []
        rates = []
        for wrong, every in (counts(error, ["", *turns]) for error in _ERRORS):
            rates.append(torch.where(every > 0, wrong / torch.where(every > 0, every, 1), torch.nan))
        overall, *curve = (1 - (rates[0] + rates[1]) / 2).unbind(-1)
        if not self.detail:
            return {"balanced_accuracy": overall}
        found = {"balanced_accuracy": overall, "drift_logit": logistic_slope(*counts("false_accept", turns))}
        return found | {f"balanced{end}": value for end, value in zip(turns, curve)}

    def _supports(self) -> dict[str, str]:
        turns = {f"balanced_turn_{k}": f"turn_{k}.den" for k in self._turns()}
        return {"drift_logit": "false_accept.den", **turns}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return rename(
            found,
            self.name,
            {"turn_": "accuracy_turn_", "balanced_turn_": "turn_", "mean": "accuracy", "slope": "accuracy_slope"},
        )

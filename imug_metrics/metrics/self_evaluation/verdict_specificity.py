# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Do a model's verdicts grow vague over turns, and are vague verdicts the wrong ones?"""

from types import MappingProxyType

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Labels, Strings, Turns
from imug_metrics.dialogues.columns import SHARE, Column, check_shapes
from imug_metrics.functional.labels import right_column
from imug_metrics.functional.self_evaluation.verdict_specificity import EVEN, Weights, check_weights, specificity_column
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.reading.languages import check_languages
from imug_metrics.reading.specificity_words import ENGLISH, WordLists
from imug_metrics.stats.correlation import fisher_z

_SHARES = ("content", "grounded", "details")
_SUMS = ("n", "x", "y", "xx", "yy", "xy")


class VerdictSpecificity(DialogueMetric):
    """How much do a model's verdicts say, beside whether they are right? Range 0 to 1, higher is more specific.

    With the shares of a verdict's words that are content (neither grammar nor stock approval), grounded (content that
    the turn's prompt holds too) and details (numbers, colours, places), and the weights w,

        specificity = (w_1 content + w_2 grounded + w_3 details) / (w_1 + w_2 + w_3)

    The measure is ours; the functional counterpart `verdict_specificity` says how words are told apart. A slope below 0
    means that verdicts grow vague. The detail adds

    - `verdict_specificity_turn_k`, `verdict_specificity_slope`: by turn, and its slope within dialogues
    - `verdict_specificity_content`, `_grounded`, `_details`: the three shares the score is made of
    - `verdict_specificity_right`, `_right_turn_k`: share of verdicts that are right (or that pass)
    - `verdict_specificity_correlation`, `_correlation_turn_k`: Pearson's r of specificity and being right, over all
      records and at turn k, with intervals by Fisher's z and the delta method over dialogues; NaN where fewer
      than three records have both or one of them does not vary
    - `verdict_specificity_unread`: verdicts that are there but were not read, since they or their prompts are in a
      language that the lists do not cover; the coverage misses them too

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        weights, words: as in the functional counterpart.
        kwargs: those of all metrics, see `MetricOptions`; `average` concerns the primary estimate alone.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = VerdictSpecificity(detail=True)
        >>> metric.update([["The red cube is on the left.", "A red cube.", "Looks good."]], preds=[[1, 1, 0]])
        >>> found = metric.compute()
        >>> [round(float(found[f"verdict_specificity{key}"]), 2) for key in ("", "_slope", "_correlation")]
        [0.29, -0.18, 0.96]
    """

    name = "verdict_specificity"
    description = MetricDescription(
        label="Specificity",
        noun="specificity of verdicts",
        unit="share",
        measures="mean specificity of the verdicts",
        span="0 to 1",
        direction="higher is more specific",
        meaning="Share of a verdict's words that name things, properties and places.",
        misleads="It counts words, not truth, and repeating the prompt scores high. Compare verdicts of one form and "
        "one language.",
    )
    configuration = (*DialogueMetric.configuration, "weights", "lists")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", *_SHARES, "right", "right_")
    limits = within((-1.0, 1.0), "correlation", "correlation_")
    fitted = MappingProxyType({"correlation": 3, "correlation_": 3})

    def __init__(self, *, weights: Weights = EVEN, words: WordLists = ENGLISH, **kwargs: Unpack[MetricOptions]) -> None:
        check_weights(weights)
        check_languages(words.languages)
        first, second, third = weights
        self.weights, self.words = (first, second, third), words
        self.lists = {kind: sorted(listed) for kind, listed in vars(words).items()}  # sets have no order to digest
        super().__init__(**kwargs)

    def update(
        self,
        verdicts: Strings,
        texts: Strings | None = None,
        preds: Labels | None = None,
        target: Labels | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            verdicts: strings, `[N]` in a list or one list a dialogue; None for an absent one.
            texts: the prompts of the turns, in the same form; or None in every update.
            preds: `[N]` or `[B, T]`, 1 where the verdict is right (or passes the turn) and 0 where not, or with a
                `target` the verdict itself (1 accepts, 0 rejects); NaN or None where not known. None: specificity
                alone.
            target: the truth in the form of `preds`, as for `SelfVerification`.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, turns are refused, or a verdict or prompt is not a string.
        """
        specificity, shares, unread = specificity_column(verdicts, texts, self.weights, self.words)
        unknown = Column(torch.full_like(specificity.values, torch.nan), specificity.shape)
        columns = {"verdicts": specificity, "preds": unknown if preds is None else right_column(preds, target)}
        check_shapes(**columns)
        # A verdict that is there but cannot be scored is not absent.
        given = specificity._replace(values=torch.zeros_like(specificity.values), argument="verdicts")
        columns = {"given": given, **columns}
        if self.detail:
            columns |= {name: Column(share, specificity.shape) for name, share in zip(_SHARES, shares.unbind(1))}
            columns["unread"] = Column(unread, specificity.shape)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        batch, found = inputs.batch, inputs.columns
        if self.detail:
            found = {name: batch.present(column) for name, column in found.items()}
            self._add(batch, found["verdicts"], None, self._terms(found))
        else:
            self._add(batch, batch.present(found["verdicts"]))

    def _terms(self, found: dict[str, Tensor]) -> Terms:
        """Shares, how often the verdict is right, and what correlations sum."""
        means = {**{name: found[name] for name in _SHARES}, "right": found["preds"]}
        pairs = self._pairs(found)
        sums = {**pairs, "unread": found["unread"].nan_to_num()}
        return Terms(means, curves={"right": found["preds"]}, sums=sums, curve_sums=pairs)

    def _pairs(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """What correlations sum, over all turns and at each."""
        x, y = found["verdicts"], found["preds"]
        both = ~(x + y).isnan()
        x, y = x.where(both, 0), y.where(both, 0)
        return dict(zip(_SUMS, (both.double(), x, y, x * x, y * y, x * y)))

    def _ratios(self) -> list[str]:
        return [*_SHARES, "right", *(f"right_turn_{k}" for k in self._turns())]

    def _sums(self) -> list[str]:
        return [*_SUMS, "unread", *(f"{name}_{k}" for name in _SUMS for k in self._turns())]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        ends = ["", *(f"_{k}" for k in self._turns())]
        z = fisher_z(*(torch.stack([sums[f"{name}{end}"] for end in ends], -1) for name in _SUMS)).unbind(-1)
        return {"correlation": z[0], **{f"correlation_turn_{k}": z[k] for k in self._turns()}}

    def _supports(self) -> dict[str, str]:
        return {"correlation": "n", **{f"correlation_turn_{k}": f"n_{k}" for k in self._turns()}}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        z = [key for key in found if key.startswith(f"{self.name}_correlation") and not key.endswith("_reason")]
        unread = self._named(self._totals)["unread"]
        return {**found, **{key: found[key].tanh() for key in z}, f"{self.name}_unread": unread}

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Decay of scores over the length of the context."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.functional.decay.context_decay import (
    EDGES,
    SLOPES,
    Slope,
    bucket_columns,
    check_edges,
    doubling_slope,
    effective_length,
    length_columns,
    placed_scores,
    pooled_doublings,
    ranked_average,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Ratio, Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, check_range, within
from imug_metrics.metrics.plotting import Plot, plot_curves
from imug_metrics.stats import POOLED_SUMS, Moments, Weights, pooled_weights


class ContextDecay(DialogueMetric):
    """What is lost as the context grows? Slope of a score per doubling of the tokens; higher is better.

    With x = log2 of the context's tokens and score s about the means of their dialogue d (fixed effects), the slope is

        sum_d sum (x - mean_d x) (s - mean_d s) / sum_d sum (x - mean_d x)^2

    The functional counterpart is `context_decay`. The default compares lengths within dialogues: in a dialogue the
    context grows with the turns, and dialogues whose contexts are long differ from the others in more than length. It
    is undefined (NaN) where every dialogue has one length; `slope="pooled"` compares between dialogues (ordinary least
    squares over all records). The detail adds

    - `context_decay_length_<tokens>`: mean score of the bucket that ends at that edge; NaN without scores
    - `context_decay_within`, `context_decay_pooled`: both slopes
    - `context_decay_effective_length`: the longest bucket that holds, see `effective_length`; its interval needs
      `bootstrap`
    - `context_decay_average`, `_average_rising`, `_average_falling`: mean over buckets, alike or by rank (RULER, arXiv
      2404.06654)
    - `context_decay_beyond`: share of the scores in contexts longer than the last edge; they count in all but buckets
    - `context_decay_mean`, `context_decay_slope`: mean of all scores, and their slope by turn

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Buckets mix
    dialogues of different lengths; the within-dialogue slope does not.

    Args:
        slope: the primary estimate, `"within"` or `"pooled"`.
        edges: tokens at which the buckets end, rising; a bucket holds the lengths above the edge before, up to and with
            its own.
        keep: share of the base score that the effective length keeps (NoLiMa, arXiv 2502.05167).
        base_buckets: number of shortest buckets with scores whose mean is the base score.
        threshold: a fixed bar for the effective length instead of `keep` (RULER: 85.6 on a scale of 100).
        longest: the longest bucket that holds; False: the last before the first that does not.
        score_range: ends that scores cannot leave, see `TurnDecay`.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = ContextDecay(detail=True)
        >>> scores = torch.tensor([[0.9, 0.8, 0.6], [0.7, 0.5, 0.5], [0.8, 0.8, 0.7]])
        >>> metric.update(scores, torch.tensor([4000, 8000, 16000]).expand(3, 3), dialogue=["a", "b", "c"])
        >>> found = metric.compute()
        >>> round(float(found["context_decay"]), 3), float(found["context_decay_effective_length"])
        (-0.1, 8192.0)
    """

    name = "context_decay"
    description = MetricDescription(
        label="Context decay",
        noun="the change per doubling of the context",
        unit="score per doubling",
        measures="slope over the logarithm of the context's length",
        span="unbounded; the score's own unit per doubling",
        direction="higher is better; negative where the model decays",
        meaning="Change of the score for each doubling of the context.",
        misleads="Turn and length grow together in a dialogue, so that it is of both; and a model that is weak on "
        "short contexts has little to lose.",
    )
    primary = "within"
    configuration = (
        *DialogueMetric.configuration,
        "slope",
        "edges",
        "keep",
        "base_buckets",
        "threshold",
        "longest",
        "score_range",
    )
    steps = ("effective_length",)
    ranges = within(SHARE, "beyond")

    def __init__(
        self,
        slope: Slope = "within",
        *,
        edges: Sequence[int] = EDGES,
        keep: float = 0.85,
        base_buckets: int = 1,
        threshold: float | None = None,
        longest: bool = True,
        score_range: Bounds | None = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("slope", slope, SLOPES)
        if not 0 < keep <= 1:
            raise ValueError(f"Expected argument `keep` to be above 0 and at most 1, got {keep}.")
        if base_buckets < 1:
            raise ValueError(f"Expected argument `base_buckets` to be >= 1, got {base_buckets}.")
        self.slope, self.primary, self.edges = slope, slope, check_edges(edges)
        self.keep, self.base_buckets, self.threshold, self.longest = keep, base_buckets, threshold, longest
        self.score_range = check_range("score_range", score_range)
        if self.score_range is not None:
            self.ranges = self.ranges | within(self.score_range, "mean", "turn_", "length_")
        super().__init__(**kwargs)

    def update(
        self,
        scores: Numbers,
        context_lengths: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]`, higher is better; NaN where a record could not be scored.
            context_lengths: tokens of context at each record, of the same shape, at least 1; not read where there is no
                score.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if shapes differ, turns are refused or a context length is below 1.
        """
        zero = self.missing == "zero"
        columns = length_columns(scores, context_lengths, zero=zero, bounds=self.score_range)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        placed, doublings = placed_scores(inputs, zero=zero)
        pooled = self.detail or self.slope == "pooled"
        terms = Terms(
            slopes={"within": (doublings, placed)},
            ratios=self._bucket_ratios(placed, doublings) if self.detail else {},
            sums=dict(zip(POOLED_SUMS, pooled_doublings(placed, doublings))) if pooled else {},
        )
        self._add(inputs.batch, placed, None, terms)

    def _bucket_ratios(self, placed: Tensor, doublings: Tensor) -> dict[str, Ratio]:
        """Means by bucket of length, and the share of records beyond the last edge."""
        bucket = bucket_columns(placed, doublings, self.edges)
        totals = bucket * placed.nan_to_num(0)[:, None]
        columns = zip(self._buckets(), totals.unbind(1), bucket.unbind(1))
        ratios = {name: (total, count) for name, total, count in columns}
        return {**ratios, "beyond": (bucket[:, -1], bucket.sum(1))}

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot:
        """The curve over context length on a log2 axis."""
        axes: dict[str, Any] = {"x": "context length in tokens", "y": "mean score"}
        figure, ax = plot_curves(self, val, {"mean score": "length"}, behind, ax, **axes)
        if ax.lines:
            edges = [int(edge) for edge in ax.get_xticks()]
            ax.set_xscale("log", base=2)
            ax.set_xticks(edges, [f"{edge // 1024}k" if edge % 1024 == 0 else str(edge) for edge in edges])
        return figure, ax

    def _buckets(self) -> list[str]:
        return [f"length_{edge}" for edge in self.edges]

    def _needed(self) -> Sequence[str]:
        return POOLED_SUMS if self.slope == "pooled" else super()._needed()

    def _ratios(self) -> list[str]:
        return [*self._buckets(), "within", "beyond"]

    def _sums(self) -> list[str]:
        return [*POOLED_SUMS]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        pooled = {"pooled": doubling_slope(*(sums[name] for name in POOLED_SUMS))}
        if not self.detail:
            return pooled
        count = torch.stack([sums[f"{name}.den"] for name in self._buckets()], -1)
        total = torch.stack([sums[f"{name}.num"] for name in self._buckets()], -1)
        means = torch.where(count > 0, total / torch.where(count > 0, count, 1), torch.nan)
        return {
            **pooled,
            "average": ranked_average(means),
            "average_rising": ranked_average(means, "rising"),
            "average_falling": ranked_average(means, "falling"),
            "effective_length": effective_length(
                means,
                self.edges,
                keep=self.keep,
                base_buckets=self.base_buckets,
                threshold=self.threshold,
                longest=self.longest,
            ),
        }

    def _weights(self, names: list[str], moments: Moments) -> Weights:
        """Of the line through all records, what is far from the mean length weighs most."""
        found = super()._weights(names, moments)
        if not self.detail:
            return found
        pooled = pooled_weights(moments, *(self._components.index(part) for part in ("n", "x", "xx")))
        on_line = torch.tensor([name == "pooled" for name in names], device=self.device)
        return Weights(*(torch.where(on_line, line, own) for line, own in zip(pooled, found)))

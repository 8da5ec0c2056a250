# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Structure of interleaved answers in seven modalities."""

from collections.abc import Collection, Sequence

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE, Column
from imug_metrics.functional.interleaved.structure_integrity import (
    check_reading,
    checked_counts,
    score_counts,
    strict_scores,
)
from imug_metrics.functional.interleaved.tag_counts import Answers, count_column
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.instance_metric import InstanceMetric
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.reading.tags import MODALITIES, Repeated, TextType


class StructureIntegrity(InstanceMetric):
    """Does an answer hold the asked modalities, and as many items of each? Range 0 to 1, higher is better.

    Strict and lenient structure score of UniM (arXiv 2603.05075), with p_m and g_m items of modality m in answer and
    reference:

        StS = mean over m with p_m + g_m > 0 of F1_m,   F1_m = 2 min(p_m, g_m) / (p_m + g_m)
        LeS = |{m : p_m > 0 and g_m > 0}| / |{m : g_m > 0}|

    The functional counterpart is `structure_integrity`. `compute()` gives the strict score. The detail adds

    - `structure_integrity_lenient`: LeS
    - `structure_integrity_text`, `_image`, ... `_threeD`: mean F1 of each modality, over the answers where it is asked
      or given; NaN where it never is
    - `structure_integrity_relative`, `_lenient_relative`, `_support`: mean of support * score by instance and the mean
      support; NaN unless a `support` was given

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`; `average` concerns
    the primary estimate alone.

    Args:
        repeated: a tag that comes twice is one item (`"once"`) or two (`"each"`).
        text: what counts as an item of text: `<text1>` tags (`"tags"`), also prose around the tags as one item
            (`"prose"`), or nothing (`"ignore"`).
        empty: StS where neither holds an item, and LeS where the reference holds none.
        kwargs: see `MetricOptions`. With `missing="zero"` an absent answer scores 0, also in the F1 of what its
            reference holds.

    Raises:
        ValueError: if an argument is unknown or outside its range.

    Example:
        >>> metric = StructureIntegrity(detail=True)
        >>> metric.update(["A <image1> and <image2>.", "<code1>"], ["See <image1>, hear <audio1>.", "<code4>"])
        >>> found = metric.compute()
        >>> [round(float(found[f"structure_integrity{key}"]), 3) for key in ("", "_lenient", "_image")]
        [0.667, 0.75, 0.667]
    """

    name = "structure_integrity"
    description = MetricDescription(
        label="Structure",
        noun="structure integrity",
        unit="share",
        measures="StS, the strict score; LeS, the lenient one, is in the detail",
        span="0 to 1",
        direction="higher is better",
        meaning="Whether the answer holds the kinds of items, and as many of them, as were asked for.",
        misleads="It looks at nothing: empty files in the right numbers score 1.",
    )
    ranges = InstanceMetric.ranges | within(SHARE, "lenient", "lenient_relative", *MODALITIES)
    configuration = (*InstanceMetric.configuration, "repeated", "text", "empty")

    def __init__(
        self,
        *,
        repeated: Repeated = "once",
        text: TextType = "tags",
        empty: float = 1.0,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_reading(repeated, text, empty)
        self.repeated, self.text, self.empty = repeated, text, empty
        super().__init__(**kwargs)

    def update(
        self,
        preds: Answers,
        target: Answers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        support: Numbers | None = None,
        available: Sequence[Collection[str] | None] | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: answers: texts with placeholders or lists of (modality, id) tuples, `[N]` in a list or one list a
                dialogue, None for an absent one; or counts `[N, 7]` or `[B, T, 7]`, NaN for an absent one.
            target: references, in any of these forms.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`; without `dialogue` and `turn` each
                of `[N]` answers is an instance of its own.
            support: supporting rates `[N]` or `[B, T]` in [0, 1]; None: not known.
            available: by answer, the names of the items whose file is there ("image2"), in a list or one list a
                dialogue; None, for one answer or for all: not checked.

        Raises:
            InputError: if shapes differ, an answer has none of the forms, or counts, modalities, supporting rates or
                turns are refused.
        """
        answers = count_column("preds", preds, repeated=self.repeated, text=self.text, available=available)
        references = count_column("target", target, repeated=self.repeated, text=self.text)
        columns = {"preds": self._known("preds", answers), "target": self._known("target", references)}
        inputs = self._pack_instances(support, dialogue, turn, valid, lengths, **columns)
        batch, counts = inputs.batch, inputs.columns
        given = batch.present(counts["preds"])
        # A reference is there as a whole or not at all; without one an answer is not scored, and lowers the coverage.
        first = counts["target"][:, 0]
        asked = batch.valid | (first == first)
        if not self.detail:
            self._add(batch, strict_scores(given, counts["target"], self.empty)[0], asked)
            return
        scores = score_counts(given, counts["target"], self.empty)
        f1 = scores.f1
        if self.missing == "zero":
            f1 = f1.masked_fill((counts["target"] > 0) & ~batch.valid[:, None], 0)
        by_modality = dict(zip(MODALITIES, f1.unbind(1)))
        self._add_supported(inputs, scores.strict, asked, by_modality, lenient=scores.lenient)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), "lenient", "lenient_relative", *MODALITIES]

    def _known(self, argument: str, rows: Column) -> Column:
        column = checked_counts(argument, rows)
        return column._replace(values=column.values.to(self.device))

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does an image match its own turn's prompt better than the other turns' prompts?"""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Texts, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.images.turn_retrieval import first_values, retrieval_values
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import within


class TurnRetrieval(EmbeddingMetric):
    """Does an image match its own turn's prompt better than those of the other turns? Range 0 to 1, higher is better.

    Recall at rank 1 within the dialogue: the share of images whose own prompt has the highest cosine among the T
    prompts of their dialogue; where m prompts share the highest, the image counts 1/m. The functional counterpart is
    `turn_retrieval`. The detail adds the mean reciprocal rank (`turn_retrieval_mrr`) and what guessing would score
    (`turn_retrieval_chance`, the mean of 1/T). An image that stays with an earlier turn's content scores low here
    although its alignment may be high; prompts that barely differ make the task hard for every model.

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Dialogues of one
    turn are undefined and lower the coverage.

    Args:
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> import torch
        >>> metric = TurnRetrieval()
        >>> prompts = torch.eye(3)[None].expand(2, 3, 3)
        >>> metric.update(prompts[:, [0, 1, 1]], prompts)  # the last turn still shows the second
        >>> metric.compute()
        tensor(0.6667, dtype=torch.float64)
    """

    name = "turn_retrieval"
    description = MetricDescription(
        label="Retrieval",
        noun="retrieval",
        unit="share",
        measures="share of images whose own prompt ranks first",
        span="0 to 1; chance is 1/T in a dialogue of T turns",
        direction="higher is better",
        meaning="Share of images that fit the prompt of their own turn better than any other prompt of their dialogue.",
        misleads="Chance depends on the number of turns (dashed line), and turns that ask for nearly the same are "
        "hard to tell apart even when drawn well.",
    )
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "mrr", "chance")

    def update(
        self,
        images: Images,
        texts: Texts,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`.
            texts: the prompts: embeddings of the same shape, or strings when there is an `encoder`. Those of absent
                images stay candidates.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes or widths differ, an encoder is missing or turns are refused.
        """
        inputs = self._pack(
            {"images": self._images(images), "texts": self._texts(texts)}, dialogue, turn, None, valid, lengths
        )
        rows = inputs.columns["images"], inputs.columns["texts"], inputs.batch
        if not self.detail:
            self._add(inputs.batch, first_values(*rows)[0])
            return
        values = retrieval_values(*rows)
        self._add(inputs.batch, values.pop("first"), None, Terms(values))

    def _curve_level(self, val: Mapping[str, Any]) -> tuple[float, str]:
        """What is drawn without looking at the prompts ranks first as often as chance has it."""
        return float(val.get(f"{self.name}_chance", math.nan)), "chance"

    def _ratios(self) -> list[str]:
        return ["mrr", "chance"]

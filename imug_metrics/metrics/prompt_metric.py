# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics that hold each image against the prompts around it."""

from typing import Any

from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Images, Labels, Links, Texts
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.functional.decay.prompt_margins import (
    Distractors,
    NearPrompts,
    check_back,
    near_prompts,
    prompt_columns,
    read_distractors,
)
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions


class PromptMetric(EmbeddingMetric):
    """What `ContextForgetting` and `RecencyReliance` share: the same arguments, and the same prompts and distractors.

    Args:
        distractors: prompts that no image was asked for: embeddings `[M, D]`, or strings with an encoder, which encodes
            them at the first update after a reset. None: other prompts of the dialogue.
        max_back: how many prompts before, and after, an image are looked at, 1 to 1000.
        encoder: an encoder, its name, or None.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: 0 is the best value of all.

    Raises:
        ValueError: if an argument is outside its range, or absent images should count as 0.
        InputError: if distractors are no embeddings, or strings without an encoder.
    """

    higher_is_better = False
    configuration = (*EmbeddingMetric.configuration, "distractors", "max_back")

    _bank: Distractors | None = None

    def __init__(
        self,
        *,
        distractors: Texts | None = None,
        max_back: int = 16,
        encoder: Any = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        if kwargs.get("missing") == "zero":
            raise ValueError("Expected argument `missing` to be 'skip', since 0 is the best value of all, got 'zero'.")
        check_back(max_back)
        if distractors is not None and encoder is None:
            self._bank = read_distractors(distractors)
        self.distractors, self.max_back = distractors, max_back
        super().__init__(encoder=encoder, **kwargs)

    def reset(self) -> None:
        """Forget all records; distractors are encoded anew."""
        super().reset()
        self._bank = self._bank if self.encoder is None else None

    def _near_prompts(
        self, images: Images, texts: Texts, links: Links | None, modality: Labels | None, *places: Any
    ) -> tuple[DialogueBatch, NearPrompts]:
        """Pack the arguments of one update, and compare each image with the prompts around it."""
        rows = self._images(images), self._texts(texts)
        bank = self._distractors()
        if bank is not None:
            self._bank = bank = bank.to(rows[0].values.device)  # once, since a copy from the host waits
        columns, pairs, checks = prompt_columns(*rows, links, modality, bank)
        inputs = self._pack(columns, *places, checks=checks)
        return inputs.batch, near_prompts(inputs, self.max_back, pairs)

    def _distractors(self) -> Distractors | None:
        if self._bank is None and self.distractors is not None:
            self._bank = read_distractors(self.distractors, self.encoder.encode_texts)
        return self._bank

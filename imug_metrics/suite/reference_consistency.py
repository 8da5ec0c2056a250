# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How alike each image is to the reference image that its record carries."""

# No `from __future__ import annotations`: metric classes are in this file.

from dataclasses import replace
from typing import Any

from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.images.turn_consistency import TurnConsistency


class ReferenceConsistency(TurnConsistency):
    """How alike is each image to the reference image of its record? `TurnConsistency` in the mode "anchor".

    Args:
        kwargs: those of `TurnConsistency` but its mode.

    Example:
        >>> import torch
        >>> metric = ReferenceConsistency()
        >>> metric.update(torch.eye(2), references=torch.tensor([[1.0, 0.0], [1.0, 0.0]]), dialogue=[1, 1], turn=[1, 2])
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    name = "turn_consistency_reference"
    description = MetricDescription(
        label="Likeness to reference",
        noun="likeness to the reference",
        unit="cosine",
        measures="mean over the images that have a reference",
        direction="higher is better",
        meaning="Similarity of each image with the reference image of its record.",
        misleads="It is taken over whole images: a copy of the reference that ignores the prompt scores best.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("anchor", **kwargs)

    def describe(self) -> MetricDescription:
        """How to read it."""
        assert self.description is not None
        return replace(super().describe(), meaning=self.description.meaning)

    def update(  # type: ignore[override]  # references are what it is about
        self,
        images: Images,
        *,
        references: Tensor,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: as in `TurnConsistency`.
            references: embeddings of a reference for each image, in the shape of `images`.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.
        """
        places: dict[str, Any] = {"dialogue": dialogue, "turn": turn, "subject": subject}
        super().update(images, references=references, valid=valid, lengths=lengths, **places)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models of natural-language inference: how far a text follows from another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError


class NliEntailment:
    """Probability that a claim follows from a premise, by a sequence classifier of transformers.

    Any model that was trained on natural-language inference will do (BART, DeBERTa and RoBERTa on MNLI, ...); which of
    its labels is entailment is read from its settings and never guessed. The premise is cut where both texts together
    are longer than the model reads; `cut` counts how often.

    Args:
        model: a local folder or hub name, or a loaded sequence classifier.
        tokenizer: that of a loaded model; looked up with the model where that is a folder or name.
        batch_size: pairs at a time.
        device: where to run; None: where a loaded model is, else the CPU.

    Attributes:
        cut: number of premises that were cut so far.

    Raises:
        ModuleNotFoundError: if transformers is not installed.
        ArgumentError: if the model has no label "entailment", or several, or `tokenizer` is missing.

    Example:
        >>> entails = NliEntailment("cross-encoder/nli-deberta-v3-small")  # doctest: +SKIP
        >>> entails(["A red cup stands on a table."], ["The cup is red."])  # doctest: +SKIP
        [0.99]
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | nn.Module,
        tokenizer: Any = None,
        *,
        batch_size: int = 16,
        device: torch.device | str | None = None,
    ) -> None:
        if batch_size < 1:
            raise ArgumentError("batch_size", f"expected a number from 1, got {batch_size}")
        classifier: Any = model
        if not isinstance(model, nn.Module):
            library, source = require("transformers", extra="hf", purpose="NliEntailment"), os.fspath(model)
            classifier = library.AutoModelForSequenceClassification.from_pretrained(source)
            tokenizer = tokenizer or library.AutoTokenizer.from_pretrained(source)
        if tokenizer is None:
            raise ArgumentError("tokenizer", "expected that of the loaded model, got None")
        self.label = _entailment_label(classifier.config)
        self.model = (classifier if device is None else classifier.to(device)).eval()
        self.tokenizer, self.batch_size, self.cut = tokenizer, batch_size, 0

    def __call__(self, premises: Sequence[str], claims: Sequence[str]) -> list[float]:
        """Probabilities in [0, 1], one a pair.

        Args:
            premises: texts.
            claims: as many.

        Returns:
            NaN where a claim is so long that the model could read nothing of its premise.

        Raises:
            ArgumentError: if there are other numbers of them.
        """
        if len(premises) != len(claims):
            raise ArgumentError("claims", f"expected one for each of {len(premises)} premises, got {len(claims)}")
        limit = self._limit()
        around = self.tokenizer.num_special_tokens_to_add(pair=True)
        room = [limit is None or self._length(claim) + around < limit for claim in claims]
        rows = [row for row, fits in enumerate(room) if fits]
        found = [float("nan")] * len(claims)
        for start in range(0, len(rows), self.batch_size):
            chosen = rows[start : start + self.batch_size]
            values = self._probabilities([premises[row] for row in chosen], [claims[row] for row in chosen], limit)
            for row, value in zip(chosen, values):
                found[row] = value
        return found

    @torch.inference_mode()
    def _probabilities(self, premises: list[str], claims: list[str], limit: int | None) -> list[float]:
        around = self.tokenizer.num_special_tokens_to_add(pair=True)
        lengths = (sum(map(self._length, pair)) + around for pair in zip(premises, claims))
        self.cut += sum(limit is not None and length > limit for length in lengths)
        inputs = self.tokenizer(
            premises,
            claims,
            padding=True,
            truncation="only_first" if limit is not None else False,
            max_length=limit,
            return_tensors="pt",
        )
        device = next(self.model.parameters()).device
        logits = self.model(**{name: value.to(device) for name, value in inputs.items()}).logits
        values: list[float] = logits.double().softmax(-1)[:, self.label].tolist()
        return values

    def _length(self, text: str) -> int:
        """Tokens of a text, without special ones."""
        return len(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _limit(self) -> int | None:
        """Tokens that the model reads."""
        limits = (self.tokenizer.model_max_length, getattr(self.model.config, "max_position_embeddings", None))
        # A tokenizer without a limit says 1e30.
        return min((limit for limit in limits if limit and limit < 1_000_000), default=None)


def _entailment_label(config: Any) -> int:
    """Number of the label "entailment"."""
    labels = {int(number): str(name) for number, name in (getattr(config, "id2label", None) or {}).items()}
    found = [number for number, name in labels.items() if name.strip().casefold() == "entailment"]
    if len(found) != 1:
        shown = ", ".join(name[:40] for name in [*labels.values()][:10])
        raise ArgumentError("model", f'expected one label "entailment", got {shown or "none"}')
    return found[0]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of answers turn by turn."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.inputs import SHARE, Column, check_ends, flatten_lists
from imug_metrics.functional.answers.answer_accuracy import KINDS, Answer, Key, Kind, answer_accuracy
from imug_metrics.functional.answers.protocol import PROTOCOLS, Protocol
from imug_metrics.metrics.dialogue_metric import DialogueMetric, check_choice
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.reading.exact import Normalizer
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.options import DEFAULT_OPTIONS


class AnswerAccuracy(DialogueMetric):
    """Are the answers right: multiple choice, exact, numeric or free-form. Range 0 to 1, higher is better.

    Mean over answers of a score in [0, 1], with P what the answer says and K its key:

    - `"choice"`: `max(0, (|P & K| - |P - K|) / |K|)` over letters, under `protocol="imug"` times a weight for the
      answer's format (IMUG-Bench, arXiv 2606.09169)
    - `"exact"`: 1 where P = K after normalisation
    - `"numeric"`: 1 where `|P - K| <= max(abs_tol, rel_tol * |K|)`, P the number that the answer states
    - `"f1"`: `2 |P & K| / (|P| + |K|)` over tokens (SQuAD, arXiv 1606.05250)

    The functional counterpart is `answer_accuracy`. Answers are read on the host; scores are tensor arithmetic. As
    output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Under the protocol
    `"imug"` an absent answer scores 0, as in the official tool, whatever `missing` says; its coverage falls all the
    same.

    Args:
        kind: `"choice"`, `"exact"`, `"numeric"` or `"f1"`.
        protocol: of choices: `"strict"`, or `"imug"` for the released scorer of IMUG-Bench number for number.
        options, normalize, rel_tol, abs_tol, decimal: as in the functional counterpart.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is unknown or outside its range.

    Example:
        >>> metric = AnswerAccuracy()
        >>> metric.update([["B", "The answer is (C)."], ["a cat", None]], [["B", "C"], ["A", "D"]])
        >>> metric.compute()  # an article is no choice, an absent answer is left out
        tensor(0.6667, dtype=torch.float64)
    """

    name = "answer_accuracy"
    configuration = (*DialogueMetric.configuration, "kind", "protocol", "reading")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_")

    def __init__(
        self,
        kind: Kind = "choice",
        *,
        protocol: Protocol = "strict",
        options: str = DEFAULT_OPTIONS,
        normalize: bool | Normalizer = True,
        rel_tol: float = 1e-6,
        abs_tol: float = 0.0,
        decimal: Decimal = ".",
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("kind", kind, KINDS)
        check_choice("protocol", protocol, PROTOCOLS)
        self.kind, self.protocol = kind, protocol
        self.reading: dict[str, Any] = {
            "options": options,
            "normalize": normalize,
            "decimal": decimal,
            "rel_tol": rel_tol,
            "abs_tol": abs_tol,
        }
        answer_accuracy([], [], kind=kind, protocol=protocol, **self.reading)  # refuses options before any data comes
        super().__init__(**kwargs)

    def update(
        self,
        preds: Sequence[Answer] | Sequence[Sequence[Answer]],
        target: Sequence[Key] | Sequence[Sequence[Key]],
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: answers, texts (or numbers with `kind="numeric"`), `[N]` in a list or one list a dialogue; None for
                an absent one.
            target: their keys in the same form; with all kinds but `"choice"` a key may be a list of references, of
                which the best counts.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if `target` has not one key for each answer, or a key cannot be read.
            TypeError: if an answer is neither text, nor a number with `kind="numeric"`, nor None.
        """
        replies, shape, present, ends = flatten_lists(preds)
        keys: list[Any] = list(target)
        key_shape: tuple[int, ...] = (len(keys),)
        if ends is not None:  # else a list within the list is one key of several references
            keys, key_shape, _, key_ends = flatten_lists(target)
        if key_shape != shape:
            raise ValueError(
                f"Expected argument `target` to have one key for each of `preds`, {list(shape)}, got {list(key_shape)}."
            )
        cells = [*range(len(replies))]
        if ends is not None and key_ends is not None:
            check_ends(preds=ends, target=key_ends)
            cells = [line * shape[1] + turn for line, end in enumerate(ends) for turn in range(end)]
        found = answer_accuracy(
            [replies[row] for row in cells],
            [keys[row] for row in cells],
            kind=self.kind,
            protocol=self.protocol,
            reduction="none",
            device=self.device,
            **self.reading,
        )
        if len(cells) < len(replies):
            found = found.new_zeros(len(replies)).index_copy(0, torch.tensor(cells).to(found.device), found)
        inputs = self._pack({"preds": Column(found, shape, present, ends)}, dialogue, turn, None, valid, lengths)
        batch, scores = inputs.batch, inputs.columns["preds"]
        self._add(batch, scores.where(batch.valid, 0) if self.protocol == "imug" else batch.present(scores))

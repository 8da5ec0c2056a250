# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of answers turn by turn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.alignment import check_ends
from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.cells import read_entries
from imug_metrics.dialogues.columns import SHARE, Column, flatten_lists
from imug_metrics.dialogues.holders import place_of
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.answer_accuracy import KINDS, Answer, Key, Kind, answer_accuracy, score_answers
from imug_metrics.functional.answers.choice_score import OptionsByRow
from imug_metrics.functional.answers.protocol import PROTOCOLS, Protocol
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, within
from imug_metrics.reading.exact import Normalizer
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.options import DEFAULT_OPTIONS, Options, check_options

_OFFICIAL: dict[str, Any] = {
    "label": "Answers, official rule",
    "noun": "official answer score",
    "meaning": "The benchmark's released rule, number for number: a reply that is more than bare letters loses up to "
    "half its score.",
    "misleads": "It mixes knowing with formatting. A key of several joined letters scores 0 whatever the reply, and "
    "the article “A” counts as a choice.",
}
_MEANINGS = {
    "exact": ("Answers, exact", "Share of answers that are the key, word for word."),
    "numeric": ("Answers, numeric", "Share of answers whose number is that of the key."),
    "f1": ("Answers, F1", "How far the words of an answer are those of the key (F1)."),
}
_WORDS = "It looks at words and numbers, not at what they mean: a paraphrase scores less, a negation nearly as much."


class AnswerAccuracy(DialogueMetric):
    """Are the answers right: multiple choice, exact, numeric or free-form. Range 0 to 1, higher is better.

    Mean over answers of a score in [0, 1], with P what the answer says and K its key:

    - `"choice"`: `max(0, (|P & K| - |P - K|) / |K|)` over letters, under `protocol="imug"` times a weight for the
      answer's format (IMUG-Bench, arXiv 2606.09169)
    - `"exact"`: 1 where P = K after normalisation
    - `"numeric"`: 1 where `|P - K| <= max(abs_tol, rel_tol * |K|)`, P the number that the answer states
    - `"f1"`: `2 |P & K| / (|P| + |K|)` over tokens (SQuAD, arXiv 1606.05250)

    The functional counterpart is `answer_accuracy`. Answers are read on the host; scores are tensor arithmetic. As
    output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`, which adds

    - `answer_accuracy_unread`: answers that are there but from which nothing could be read, no letter of a choice or no
      number; they score 0 like any wrong answer. Texts compared as they are (`"exact"`, `"f1"`) are all read. Left out
      under protocol `"imug"`, whose rule knows no such answers

    Under the protocol `"imug"` an absent answer scores 0, as in the official tool, whatever `missing` says; its
    coverage falls all the same.

    Args:
        kind: `"choice"`, `"exact"`, `"numeric"` or `"f1"`.
        protocol: of choices: `"strict"`, or `"imug"` for the released scorer of IMUG-Bench number for number.
        options: letters that are options, or their texts by letter, of all questions for which `update` is told none.
        normalize, rel_tol, abs_tol, decimal: as in the functional counterpart.
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
    description = MetricDescription(
        label="Answers",
        noun="answer accuracy",
        unit="share",
        measures="mean over the answers that are there",
        span="0 to 1",
        direction="higher is better",
        meaning="Share of right letters at the text turns, wrong letters subtracted; wrappers such as “Answer: B” or "
        "bold are read for what they say.",
        misleads="With few options guessing scores well, and a model that names every letter is punished only as far "
        "as zero.",
    )
    configuration = (*DialogueMetric.configuration, "kind", "protocol", "reading")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_")

    def __init__(
        self,
        kind: Kind = "choice",
        *,
        protocol: Protocol = "strict",
        options: Options = DEFAULT_OPTIONS,
        normalize: bool | Normalizer = True,
        rel_tol: float = 1e-6,
        abs_tol: float = 0.0,
        decimal: Decimal = ".",
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("kind", kind, KINDS)
        check_choice("protocol", protocol, PROTOCOLS)
        check_options(options)
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

    def describe(self) -> MetricDescription:
        """How to read it under this kind and protocol."""
        found = super().describe()
        if self.protocol == "imug":
            return replace(found, **_OFFICIAL)
        if self.kind == "choice":
            return found
        label, meaning = _MEANINGS[self.kind]
        return replace(found, label=label, meaning=meaning, misleads=_WORDS)

    def update(
        self,
        preds: Sequence[Answer] | Sequence[Sequence[Answer]],
        target: Sequence[Key] | Sequence[Sequence[Key]],
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        options: OptionsByRow | Sequence[Sequence[Options | None]] | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: answers, texts (or numbers with `kind="numeric"`), `[N]` in a list or one list a dialogue; None for
                an absent one.
            target: their keys in the same form; with all kinds but `"choice"` a key may be a list of references, of
                which the best counts.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.
            options: of each question in the same form, or of all: letters, or texts by letter; None for those of the
                constructor. Read with `kind="choice"` under protocol `"strict"` alone.

        Raises:
            InputError: if `target` or `options` has not one entry for each answer, a key cannot be read, an answer is
                neither text, nor a number with `kind="numeric"`, nor None, or options are neither letters nor texts by
                letter.
        """
        replies, shape, present, ends = flatten_lists("preds", preds)
        keys = self._keys(target, shape, ends)
        listed = self._listed(options, shape, ends)
        cells = [*range(len(replies))]
        if ends is not None:
            cells = [line * shape[1] + turn for line, end in enumerate(ends) for turn in range(end)]
        try:
            scores, unread = self._score(replies, keys, listed, cells)
        except InputError as error:
            if not isinstance(error.row, int):
                raise
            place = place_of(cells[error.row], shape)
            raise InputError(error.argument, error.expected, error.got, place) from None
        columns = {"preds": Column(scores, shape, present, ends)}
        if self._counts_unread:
            columns["unread"] = Column(unread, shape)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        batch, found = inputs.batch, inputs.columns
        if self._counts_unread:
            counted = batch.present(found["unread"]).nan_to_num()
            self._add(batch, batch.present(found["preds"]), None, Terms(sums={"unread": counted}))
        else:
            scores = found["preds"]
            self._add(batch, scores.where(batch.valid, 0) if self.protocol == "imug" else batch.present(scores))

    @property
    def _counts_unread(self) -> bool:
        return self.detail and self.protocol == "strict"

    def _keys(self, target: Sequence[Any], shape: tuple[int, ...], ends: tuple[int, ...] | None) -> list[Any]:
        """The key of each cell."""
        keys = read_entries("target", target)
        key_shape: tuple[int, ...] = (len(keys),)
        key_ends = None
        if ends is not None:  # else a list within the list is one key of several references
            keys, key_shape, _, key_ends = flatten_lists("target", target)
        if key_shape != shape:
            raise InputError("target", f"to have one entry for each of `preds`, {list(shape)}", list(key_shape))
        if ends is not None and key_ends is not None:
            check_ends(preds=ends, target=key_ends)
        return keys

    def _listed(self, options: Any, shape: tuple[int, ...], ends: tuple[int, ...] | None) -> list[Options] | None:
        """The options of each cell; None: the constructor's of all."""
        if options is None:
            return None
        if isinstance(options, (str, Mapping)):
            check_options(options)
            entries = [options] * math.prod(shape)
        else:
            entries, option_shape, _, option_ends = flatten_lists("options", options)
            if option_shape != shape:
                raise InputError("options", f"to have one entry for each of `preds`, {list(shape)}", list(option_shape))
            if ends is not None and option_ends is not None:
                check_ends(preds=ends, options=option_ends)
            for cell, entry in enumerate(entries):
                if entry is not None:
                    check_options(entry, place_of(cell, shape))
        if self.kind != "choice" or self.protocol == "imug":
            return None
        return [self.reading["options"] if entry is None else entry for entry in entries]

    def _score(
        self, replies: list[Any], keys: list[Any], listed: list[Options] | None, cells: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Scores of all cells, and 1 where an answer could not be read; 0 where no record is."""
        reading = self.reading if listed is None else {**self.reading, "options": [listed[cell] for cell in cells]}
        scores, unread = score_answers(
            [replies[cell] for cell in cells],
            [keys[cell] for cell in cells],
            kind=self.kind,
            protocol=self.protocol,
            device=self.device,
            **reading,
        )
        counted = torch.tensor(unread).to(scores)
        if len(cells) == len(replies):
            return scores, counted
        place, empty = torch.tensor(cells).to(scores.device), scores.new_zeros(len(replies))
        return empty.index_copy(0, place, scores), empty.index_copy(0, place, counted)

    def _sums(self) -> list[str]:
        return ["unread"] if self.protocol == "strict" else []

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**found, f"{self.name}_unread": self._named(self._totals)["unread"]} if self._counts_unread else found

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One call from a model's records to its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record, as_records, check_record
from imug_metrics.encoders.loading import as_cached_encoder
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.suite.saved_suite import saved_suite
from imug_metrics.suite.scores import ModelScores
from imug_metrics.suite.standard import Given, StandardMetrics, route, standard_metrics
from imug_metrics.suite.suite import ImugSuite, Progress
from imug_metrics.suite.turns import OF_IMAGES, Unreadable

if TYPE_CHECKING:
    from imug_metrics.encoders import CachedEncoder, Encoder


def score_records(
    records: Sequence[Record],
    *,
    model: str,
    encoder: Encoder | None,
    metrics: Given | None = None,
    kind: Kind = "choice",
    missing: Literal["skip", "zero"] = "skip",
    score_ranges: Mapping[str, Bounds] | None = None,
    dialogues_per_step: int = 256,
    unreadable: Unreadable | None = None,
    progress: Progress | None = None,
    keep_state: bool = False,
) -> ModelScores:
    """Score one model's records with every metric: an `ImugSuite` for one call.

    Text turns give answer accuracy under both protocols and its decay; image turns give alignment with the prompt,
    retrieval among the dialogue's prompts, and consistency with the dialogue's other images. An encoder without a
    text side gives consistency alone. Scores and costs that the records carry are scored under their names, whatever
    the metrics; images with a reference are compared with it.

    Args:
        records: records in any order; turns of a dialogue differ.
        model: name of the model.
        encoder: embeds images and prompts; None: no metric takes images, and the standard ones that do are left out.
        metrics: in place of the `standard_metrics`.
        kind: of answers, for the standard metrics, as in `AnswerAccuracy`.
        missing: what an absent output counts as: "skip" leaves it out, "zero" scores 0. Turns without a key are left
            out in either case; protocol "imug" has its own rule (see `Record.attempted`).
        score_ranges: ends of scores that the records carry, by name, as in `ImugSuite`.
        dialogues_per_step: dialogues scored at a time; the result does not depend on it.
        unreadable: called with a record and the reason when an image of it cannot be read, which counts as absent;
            None: a warning says how many there were.
        progress: called with the number of dialogues done and of all dialogues.
        keep_state: keep the suite's state beside the scores, see `ImugSuite.to_bytes`.

    Returns:
        The scores, with intervals by dialogue and curves over turns, and one row a record.

    Raises:
        ValueError: if `dialogues_per_step` is below 1, a turn comes twice in a dialogue, one of the records is none, or
            a score that they carry is outside of its range or has the name of something else.

    Example:
        >>> import torch
        >>> from imug_metrics.encoders import CallableEncoder
        >>> answers = ["B", "(B)", "C"]
        >>> records = [Record("a", t + 1, "text", "Which?", text=x, target="B") for t, x in enumerate(answers)]
        >>> encoder = CallableEncoder(images=lambda images: torch.ones(len(images), 2))
        >>> scores = score_records(records, model="mine", encoder=encoder).scores
        >>> round(scores["answer_accuracy"], 4), round(scores["answer_accuracy_imug"], 4)
        (0.6667, 0.5)
    """
    records = [check_record(record, row) for row, record in enumerate(as_records(records))]
    encoder = as_cached_encoder(encoder)
    last = max((record.turn for record in records), default=1)
    if metrics is None:
        width = _width(records, encoder)
        metrics = standard_metrics(missing=missing, max_turns=max(16, last), kind=kind, width=width)
        if encoder is None and any(record.modality == "image" for record in records):
            of_texts = {name: metric for name, metric in metrics.items() if route(name, metric) not in OF_IMAGES}
            metrics = StandardMetrics(of_texts)
    suite = ImugSuite(metrics, encoder=encoder, keep_rows=True, score_ranges=score_ranges)
    suite.update(records, dialogues_per_step=dialogues_per_step, unreadable=unreadable, progress=progress)
    scores = suite.scores(model)
    return replace(scores, state=saved_suite(suite)) if keep_state else scores


def _width(records: Sequence[Record], encoder: CachedEncoder | None) -> int | None:
    """Width of the embeddings; where the encoder does not know it yet, the first image that can be read tells it."""
    if encoder is None:
        return None
    for record in records if not encoder.dim else ():
        if record.image is not None and encoder.encode_readable([record.image]).errors == [None]:
            break
    return encoder.dim or None

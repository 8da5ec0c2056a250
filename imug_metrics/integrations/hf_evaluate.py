# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Hugging Face evaluate: the module that `evaluate.load(hf_evaluate.__file__)` loads.

evaluate copies the file into its cache and imports it from there.
"""

from __future__ import annotations

import datasets
import evaluate

from imug_metrics.dialogues.record import Record
from imug_metrics.integrations.record_scores import score_records
from imug_metrics.integrations.samples import sample_record
from imug_metrics.suite import Given

_INPUTS = """
Args:
    predictions: what the model replied, as text; None: absent, which lowers the coverage.
    references: the keys, as text.
    dialogue: ids of the dialogues, all text or all integers.
    turn: positions in the dialogues, from 1.
    metrics: as `imug_metrics.suite.ImugSuite` takes them; default `AnswerAccuracy(detail=True)`.
Returns:
    All scores by name, as floats: `answer_accuracy`, `answer_accuracy_lower`, `answer_accuracy_upper`, ...
"""


class ImugMetrics(evaluate.Metric):
    """Scores of replies at the turns of dialogues, with intervals by dialogue.

    Rows may be added in any order by `add` and `add_batch`, on one process or several. `compute` takes `metrics` as
    `ImugSuite` does; by default these are `AnswerAccuracy(detail=True)`.

    Raises:
        InputError: by `compute`, if a turn is below 1 or is there twice in a dialogue.
    """

    def _info(self) -> evaluate.MetricInfo:
        inputs = {"predictions": "string", "references": "string", "dialogue": "string", "turn": "int64"}
        return evaluate.MetricInfo(
            description="Metrics of multi-turn dialogues, with intervals by dialogue.",
            citation="",
            inputs_description=_INPUTS,
            features=[_features(inputs), _features({**inputs, "dialogue": "int64"})],
        )

    def _compute(
        self,
        predictions: list[str | None],
        references: list[str | None],
        dialogue: list[str | int],
        turn: list[int],
        metrics: Given | None = None,
    ) -> dict[str, float]:
        rows = zip(predictions, references, dialogue, turn, strict=True)
        records = [_record(number, *row) for number, row in enumerate(rows)]
        return score_records(records, metrics)


def _features(types: dict[str, str]) -> datasets.Features:
    return datasets.Features({name: datasets.Value(type_) for name, type_ in types.items()})


def _record(number: int, text: str | None, target: str | None, dialogue: str | int, turn: int) -> Record:
    place = {"dialogue": dialogue, "turn": turn}
    return sample_record(place, where=f"row {number}", text=text, target=target)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reviews and predictions of EvalScope, one JSON object a line: a sample is a whole dialogue or one turn of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.mappings import as_mapping
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.repeats import model_of_repeat
from imug_metrics.formats.inspect_sample import SCORED, names_dialogue, sample_records, turn_column
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems


class EvalScopeReader:
    """Reviews (`reviews/MODEL/*.jsonl`) and predictions (`predictions/MODEL/*.jsonl`) of EvalScope.

    A sample whose metadata hold `dialogue` and `turn` is that turn, its key the sample's target. One whose metadata
    hold `dialogue` and no turn is a whole dialogue, the keys of its turns a list `target` in the metadata. Predictions
    hold no keys but these. The values of a sample's score are scores of its last turn; those that
    `imug_metrics.integrations.evalscope` gave are left out, for what they were made of is scored anew.

    A sample that failed has no line: a gap in the numbers of the others is told, and is not in the coverage.

    A repeat of a sample is no new one: what comes after the first is of a model of its own, which ends in `#2` and so
    on.
    """

    name = "evalscope"

    def recognises(self, head: Head) -> bool:
        """Lines with an index, and with the score of a sample or the output of a model beside messages."""
        return isinstance(head.value, Mapping) and is_evalscope(head.value)

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each line, see `sample_records`.

        Raises:
            ArgumentError: of `path`, if turns count from 0.
        """
        sources = ImageSources(options.images or path.parent)
        folder = path.parent.name if path.parent.parent.name in ("reviews", "predictions") else None
        nameless: list[int] = []
        numbers: set[int] = set()
        for line, row in json_rows(path, problems):
            if type(row.get("index")) is int:
                numbers.add(row["index"])
            sample = _sample(row)
            if not _says_place(sample, options.columns):
                nameless.append(line)
                continue
            model = _model(row, folder or options.model or path.stem)
            for found in sample_records(sample, Place(path, line, problems), options, sources):
                yield found._replace(model=model or folder)
        if nameless:
            _tell(path, nameless, problems)
        _tell_gaps(path, numbers, problems)


def is_evalscope(row: Mapping[str, Any]) -> bool:
    """Whether a line is a review or a prediction of EvalScope.

    Example:
        >>> is_evalscope({"index": 0, "sample_score": {}}), is_evalscope({"index": 0, "messages": []})
        (True, False)
    """
    return {"index", "sample_score"} <= row.keys() or {"index", "model_output", "messages"} <= row.keys()


def _sample(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line as `sample_records` takes a sample."""
    scored = as_mapping(row.get("sample_score"))
    score = as_mapping(scored.get("score"))
    own = as_mapping(score.get("metadata"))
    turns = own.get(SCORED)
    metadata = as_mapping(scored.get("sample_metadata") or row.get("metadata"))
    return {
        "id": row.get("index"),
        "messages": row.get("messages"),
        "output": row.get("model_output"),
        "metadata": metadata,
        "target": row.get("target") or metadata.get("target"),
        "choices": as_mapping(turns[0]).get("options") if isinstance(turns, list) and len(turns) == 1 else None,
        "scores": {name: {"value": value, "metadata": own} for name, value in as_mapping(score.get("value")).items()},
    }


def _says_place(sample: Mapping[str, Any], columns: Mapping[str, str]) -> bool:
    """Whether the metadata say the dialogue, and the turn where the sample is no whole dialogue."""
    metadata, messages = sample["metadata"], sample["messages"]
    if not names_dialogue(metadata, columns):
        return False
    if turn_column(metadata, columns) is not None or isinstance(metadata.get("target"), list):
        return True
    return isinstance(messages, list) and sum(as_mapping(said).get("role") == "assistant" for said in messages) > 1


def _model(row: Mapping[str, Any], name: str) -> str | None:
    """The model that a line names; a repeat is of one of its own."""
    said = row.get("model")
    model = said if isinstance(said, str) and said else None
    index = as_mapping(row.get("sample_score")).get("generation_index")  # from 0
    return model_of_repeat(model, index + 1 if type(index) is int else None, default=name)


def _tell(path: Path, lines: list[int], problems: Problems) -> None:
    told = (
        f"{len(lines)} samples do not say which turn of which dialogue they are, and are not read: let "
        "`record_to_sample` write `dialogue` and `turn` into the metadata of a sample, or, of a whole dialogue, "
        "`dialogue` and the keys as a list `target`"
    )
    problems.error(path, lines[0], "metadata", told)


def _tell_gaps(path: Path, numbers: set[int], problems: Problems) -> None:
    """Tell of samples that failed: they are counted by `index`, from 0, and have no line."""
    absent = max(numbers, default=-1) + 1 - len(numbers)
    if absent > 0:
        first = next(number for number in range(len(numbers) + 1) if number not in numbers)
        told = f"{absent} samples are not here, the first of index {first}: they failed, and no coverage knows of them"
        problems.error(path, None, "index", told)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Test runs of DeepEval, one JSON object: a test case is one turn of a dialogue or the whole of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.mappings import as_mapping
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.inspect_sample import names_dialogue, sample_records, turn_column
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems, kind

TURN_ANSWER = "Turn Answer"
"""Name of `imug_metrics.integrations.deepeval.TurnAnswerMetric` in a run: what it scored is scored anew."""

_CASES = {"testCases": "test case", "conversationalTestCases": "conversational test case"}
_IMAGE = re.compile(r"\[DEEPEVAL:IMAGE:([^\]\s]{1,100})\]")


class DeepEvalReader:
    """Test runs of DeepEval (`test_run_*.json` in its results folder).

    A test case is the turn that its metadata name by `dialogue` and `turn`, `expectedOutput` its key, and the scores of
    its metrics are scores of the record, by their names. A conversational test case is the dialogue that its metadata
    name, the keys of its turns a list `target` there; its scores are of no turn, and not read. Images are those
    that the run holds.
    """

    name = "deepeval"

    def recognises(self, head: Head) -> bool:
        """An object that holds test cases of both kinds, of which one may be empty."""
        return isinstance(head.value, Mapping) and _CASES.keys() <= head.value.keys()

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each test case, see `sample_records`; the line is the number of the case in its list.

        Raises:
            ArgumentError: of `path`, if turns count from 0.
        """
        sources = ImageSources(options.images or path.parent)
        for _, run in json_rows(path, problems):
            for name in _CASES:
                cases = run.get(name)
                if not isinstance(cases, list):
                    problems.error(path, None, name, f"expected a list of test cases, got {kind(cases)}")
                    continue
                for number, case in enumerate(cases, 1):
                    place = Place(path / name, number, problems)
                    for found in case_records(case, place, options, sources, whole=name != "testCases"):
                        yield found._replace(file=place.file)


def case_records(
    case: Any, place: Place, options: ReadOptions, sources: ImageSources, *, whole: bool
) -> Iterator[RecordAt]:
    """The records of a test case, of a file or of a run that goes on.

    Args:
        case: as a test run holds it.
        place: where it is; collects what is wrong.
        options: how it is read.
        sources: finds its images.
        whole: whether it is a conversational test case, which is a whole dialogue.

    Example:
        >>> place = Place(Path("run.json"), 1, Problems())
        >>> case = {"input": "Which?", "actualOutput": "B", "metadata": {"dialogue": "a", "turn": 2}}
        >>> [found] = case_records(case, place, ReadOptions(), ImageSources(None), whole=False)
        >>> found.record.dialogue, found.record.turn, found.record.text
        ('a', 2, 'B')
    """
    if not isinstance(case, Mapping):
        place.error("", f"expected a test case, got {kind(case)}")
        return
    metadata = as_mapping(case.get("metadata"))
    column = turn_column(metadata, options.columns)
    if not names_dialogue(metadata, options.columns) or (column is None and not whole):
        told = "`dialogue`, and the keys as a list `target`" if whole else "`dialogue` and `turn`, from 1"
        place.error("metadata", f"does not say where the case belongs: write {told} into it")
        return
    sample = _dialogue(case, metadata, column) if whole else _turn(case, metadata)
    yield from sample_records({**sample, "attachments": _images(case)}, place, options, sources)


def _turn(case: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A test case as `sample_records` takes a sample."""
    answer, metrics = case.get("actualOutput"), case.get("metricsData")
    said = [{"role": "user", "content": _content(case.get("input"))}]
    given = [] if answer is None else [{"role": "assistant", "content": _content(answer)}]
    scores = {
        str(metric.get("name")): {"value": metric["score"]}
        for metric in (metrics if isinstance(metrics, list) else ())
        if isinstance(metric, Mapping) and metric.get("score") is not None and metric.get("name") != TURN_ANSWER
    }
    target = case.get("expectedOutput")
    return {"metadata": metadata, "messages": [*said, *given], "target": target, "scores": scores}


def _dialogue(case: Mapping[str, Any], metadata: Mapping[str, Any], turn: str | None) -> dict[str, Any]:
    """A conversational test case as `sample_records` takes a sample."""
    known = {name: value for name, value in metadata.items() if name != turn}
    turns = case.get("turns")
    if isinstance(turns, list):
        turns = [{**said, "content": _content(said.get("content"))} for said in map(as_mapping, turns)]
    return {"metadata": known, "messages": turns, "target": metadata.get("target")}


def _content(text: Any) -> Any:
    """A text with its images in the places of their names."""
    if not isinstance(text, str) or not _IMAGE.search(text):
        return text
    parts = enumerate(_IMAGE.split(text))  # texts and names in turn
    return [
        {"type": "image", "image": f"attachment://{part}"} if number % 2 else {"type": "text", "text": part}
        for number, part in parts
        if part.strip()
    ]


def _images(case: Mapping[str, Any]) -> dict[str, Any]:
    """The images of a test case by their names."""
    found: dict[str, Any] = {}
    for name, image in as_mapping(case.get("imagesMapping")).items():
        content, address = as_mapping(image).get("dataBase64"), as_mapping(image).get("url")
        found[name] = address if content is None else f"data:{as_mapping(image).get('mimeType')};base64,{content}"
    return found

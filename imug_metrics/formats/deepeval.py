# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Test runs of DeepEval, one JSON object: a test case is one turn of a dialogue or the whole of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.inspect_sample import names_dialogue, sample_records, turn_column
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems, kind

_CASES = {"testCases": "test case", "conversationalTestCases": "conversational test case"}
_OURS = "Turn Answer"  # what it scored is scored anew


class DeepEvalReader:
    """Test runs of DeepEval (`test_run_*.json` in its results folder).

    A test case is the turn that its metadata name by `dialogue` and `turn`, `expectedOutput` its key, and the scores of
    its metrics are scores of the record, by their names. A conversational test case is the dialogue that its metadata
    name, the keys of its turns a list `target` there; its scores are of no turn, and not read.
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
                    for found in _records(case, place, options, sources, whole=name != "testCases"):
                        yield found._replace(file=place.file)


def _records(
    case: Any, place: Place, options: ReadOptions, sources: ImageSources, *, whole: bool
) -> Iterator[RecordAt]:
    if not isinstance(case, Mapping):
        place.error("", f"expected a test case, got {kind(case)}")
        return
    metadata = case.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    column = turn_column(metadata, options.columns)
    if not names_dialogue(metadata, options.columns) or (column is None and not whole):
        told = "`dialogue`, and the keys as a list `target`" if whole else "`dialogue` and `turn`, from 1"
        place.error("metadata", f"does not say where the case belongs: write {told} into it")
        return
    sample = _dialogue(case, metadata, column) if whole else _turn(case, metadata)
    yield from sample_records(sample, place, options, sources)


def _turn(case: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A test case as `sample_records` takes a sample."""
    answer, metrics = case.get("actualOutput"), case.get("metricsData")
    said = [{"role": "user", "content": case.get("input")}]
    given = [] if answer is None else [{"role": "assistant", "content": answer}]
    scores = {
        str(metric.get("name")): {"value": metric["score"]}
        for metric in (metrics if isinstance(metrics, list) else ())
        if isinstance(metric, Mapping) and metric.get("score") is not None and metric.get("name") != _OURS
    }
    target = case.get("expectedOutput")
    return {"metadata": metadata, "messages": [*said, *given], "target": target, "scores": scores}


def _dialogue(case: Mapping[str, Any], metadata: Mapping[str, Any], turn: str | None) -> dict[str, Any]:
    """A conversational test case as `sample_records` takes a sample."""
    known = {name: value for name, value in metadata.items() if name != turn}
    return {"metadata": known, "messages": case.get("turns"), "target": metadata.get("target")}

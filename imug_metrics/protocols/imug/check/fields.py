# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Fields that no reader knows: a misspelled name is not read, and each is told of once, with how often it occurs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imug_metrics.protocols.imug.dynamic import DYNAMIC_LINKS
from imug_metrics.protocols.imug.grid import is_grid, truth_file
from imug_metrics.protocols.imug.judged import key_file, point_file
from imug_metrics.protocols.imug.outputs import question_folder
from imug_metrics.protocols.imug.samples import LINKS, SAMPLES, Sample
from imug_metrics.reading.fields import Fields, UnknownFields
from imug_metrics.reading.files import Problems, inside, read_json, read_jsonl

_KEY: Fields = dict.fromkeys(("domain", "subdomain", "sample_id"))
_TASK: Fields = {
    **dict.fromkeys(("turn", "modality")),
    "input": dict.fromkeys(("text", "image")),
    "output": dict.fromkeys(("answer", "evaluation_points")),
}
BENCHMARK_FIELDS: dict[Path, Fields] = {
    SAMPLES: {**_KEY, "system_prompt": None, "tasks": _TASK},
    LINKS: {**_KEY, "reference_links": {"turn_idx": None, "refs": dict.fromkeys(("ref_turn", "ref_type"))}},
    DYNAMIC_LINKS: {**_KEY, **dict.fromkeys(("turn_idx", "ref_turn_idxs"))},
}
"""By file of a benchmark; what the official one holds and no reader asks for is known as well."""
GRID_FIELDS: Fields = dict.fromkeys(("turn", "grid"))
KEY_FIELDS: Fields = {**_KEY, **dict.fromkeys(("turn", "determined_answer"))}
POINT_FIELDS: Fields = {**_KEY, "turn": None, "scores": dict.fromkeys(("point_id", "score"))}
RESULT_FIELDS: Fields = {
    **_KEY,
    **dict.fromkeys(("category", "system_prompt")),
    "tasks": {
        **_TASK,
        **dict.fromkeys(("model_response", "cost")),
        "candidates": dict.fromkeys(("model_response", "score")),
    },
}
"""Of result.json: the runner of the benchmark repeats the sample's own fields."""


def check_benchmark_fields(root: Path, samples: Iterable[Sample], problems: Problems) -> None:
    """Unknown fields in the files of a benchmark."""
    for name, known in BENCHMARK_FIELDS.items():
        _check_lines([root / name], known, problems)
    _check_lines([truth_file(root, sample) for sample in samples if is_grid(sample)], GRID_FIELDS, problems)


def check_result_fields(samples: Iterable[Sample], model: Path, problems: Problems) -> None:
    """Unknown fields in one model's files result.json."""
    fields = UnknownFields(RESULT_FIELDS)
    for sample in samples:
        path = question_folder(model, sample.key) / "result.json"
        content: Any = read_json(path, Problems()) if inside(path, model) else None  # what does not read is listed
        if isinstance(content, dict):
            fields.look(path, None, content)
    fields.warn(problems)


def check_judged_fields(judged: Path, model: str, problems: Problems) -> None:
    """Unknown fields in the recorded judgements of one model."""
    _check_lines([key_file(judged, model)], KEY_FIELDS, problems)
    _check_lines([point_file(judged, model)], POINT_FIELDS, problems)


def _check_lines(paths: Iterable[Path], known: Fields, problems: Problems) -> None:
    """Unknown fields in files of JSON lines of one kind."""
    fields = UnknownFields(known)
    for path in paths:
        if path.is_file():
            for line, row in read_jsonl(path, Problems()):  # what does not read is listed
                fields.look(path, line, row)
    fields.warn(problems)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Result files of benchmarks of single items."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.isolated import isolated_scores
from imug_metrics.reading.files import Problems

DPG = """results/12.png, 1.0, 0.5, 0.75
results/COCOval2014000000580698.jpg, 0.25, 0.25
results/a, b.png, nan, nan
Model: mine
L1 category scores:
\tentity: 81.2
DPG-Bench score: 74.1
"""


def read(path: Path, content: str | bytes) -> tuple[dict[str, float] | None, Problems]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems()
    return isolated_scores(path, problems), problems


def test_dpg_bench(tmp_path: Path) -> None:
    found, problems = read(tmp_path / "dpg.txt", DPG)
    assert not problems
    assert found is not None
    assert math.isnan(found.pop("a, b"))
    assert found == {"12": 0.75, "COCOval2014000000580698": 0.25}


def test_t2i_compbench(tmp_path: Path) -> None:
    rows = [{"question_id": 0, "answer": "0.9182"}, {"question_id": 1, "answer": 1.0}]
    found, problems = read(tmp_path / "vqa_result.json", json.dumps(rows))
    assert (found, [*problems]) == ({"0": 0.9182, "1": 1.0}, [])


def test_mmmu(tmp_path: Path) -> None:
    rows = [
        {
            "id": "validation_Math_1",
            "question_type": "multiple-choice",
            "answer": "B",
            "parsed_pred": "B",
            "judge": "Correct",
        },
        {"id": "validation_Math_2", "question_type": "open", "answer": ["3"], "parsed_pred": [4.0], "judge": "Wrong"},
    ]
    found, problems = read(tmp_path / "parsed_output.json", json.dumps(rows))
    assert (found, [*problems]) == ({"validation_Math_1": 1.0, "validation_Math_2": 0.0}, [])


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ('[{"question_id": 0, "answer": "0.5"}, {"question_id": 1, "answer": "B"}, {"answer": "0.5"}]', 2),
        ('[{"question_id": 0, "answer": "0.5"}, {"question_id": 0, "answer": "0.7"}]', 1),
        ('[{"id": "a", "judge": "Correct"}, {"id": "b", "judge": "maybe"}, {"judge": "Wrong"}]', 2),
        ("out/1.png, 0.5, 0.5\n\nnonsense\nout/1.png, 1.0, 1.0\n", 2),
    ],
    ids=["t2i", "repeated", "mmmu", "dpg"],
)
def test_what_cannot_be_read_costs_itself_alone_and_is_told(tmp_path: Path, content: str, lines: int) -> None:
    found, problems = read(tmp_path / "results", content)
    assert found is not None
    assert len(found) == 1
    assert problems.errors == lines


@pytest.mark.parametrize("content", ["id,score\n1,0.5\n", '{"dialogue": "a", "turn": 1, "score": 1}', "", "\xff\xfe"])
def test_other_files_are_left_to_other_readers(tmp_path: Path, content: str) -> None:
    assert read(tmp_path / "other", content)[0] is None


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="path"):
        isolated_scores(tmp_path / "none", Problems())


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_left(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    found: Any = read(tmp_path_factory.getbasetemp() / "any", content)[0]
    assert found is None or all(isinstance(score, float) for score in found.values())

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of IMUG-Bench give the same records and scores as when they are scored as a benchmark."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import imug_metrics
from imug_metrics import Record, read_records
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.errors import ArgumentError
from imug_metrics.formats import READERS
from imug_metrics.formats.common.head import read_head
from imug_metrics.protocols import imug


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_benchmark(folder, dialogues=6)
    return folder


def models(demo: Path) -> list[str]:
    return imug.list_models(demo / "outputs")


def expected(demo: Path, model: str) -> list[Record]:
    problems = imug.Problems()
    benchmark = imug.read_benchmark(demo / "benchmark", problems)
    return list(imug.read_records(benchmark, demo / "outputs" / model, problems))


def recognised(path: Path) -> list[str]:
    return [reader.name for reader in READERS if reader.recognises(read_head(path))]


def test_a_folder_with_both_needs_nothing_else(demo) -> None:
    assert recognised(demo) == ["imug"]
    found = read_records(demo)
    assert [*found] == models(demo)
    for model, records in found.items():
        assert records == expected(demo, model)


@pytest.mark.parametrize("part", ["outputs", "outputs/{model}"])
def test_outputs_of_one_model_or_of_several_are_read_with_the_questions(demo, part) -> None:
    model = models(demo)[0]
    path = demo / part.format(model=model)
    assert recognised(path) == ["imug"]
    found = read_records(path, benchmark=demo / "benchmark")
    assert [*found] == (models(demo) if part == "outputs" else [model])
    assert found[model] == expected(demo, model)


def test_outputs_in_the_folder_of_the_official_scripts_are_found(demo, tmp_path) -> None:
    shutil.copytree(demo / "outputs" / models(demo)[0], tmp_path / "outputs" / "model_outputs" / "mine")
    assert [*read_records(tmp_path / "outputs", format="imug", benchmark=demo / "benchmark")] == ["mine"]


def test_scores_are_those_of_the_benchmark(demo) -> None:
    model = models(demo)[0]
    whole = imug_metrics.evaluate(
        benchmark=demo / "benchmark", outputs=demo / "outputs", encoder="scene", models=[model]
    )
    found = imug_metrics.evaluate({model: read_records(demo)[model]}, encoder="scene")
    for name, score in found.scores[model].items():
        assert score == pytest.approx(whole.scores[model][name], abs=1e-12, nan_ok=True), name


def test_what_is_wrong_is_told_with_its_file(demo, tmp_path) -> None:
    shutil.copytree(demo, tmp_path / "copy")
    folder = next((tmp_path / "copy" / "outputs" / models(demo)[0]).glob("*/*/question_*"))
    (folder / "result.json").write_text("{")
    found = read_records(tmp_path / "copy")
    assert any(problem.file == str(folder / "result.json") for problem in found.problems)
    assert len(found[models(demo)[0]]) == len(expected(demo, models(demo)[0]))


@pytest.mark.parametrize(
    ("path", "benchmark", "argument", "message"),
    [
        ("outputs", None, "benchmark", "without questions: name the folder of the questions"),
        ("outputs", "outputs", "benchmark", "data/benchmark.jsonl"),
        ("benchmark", "benchmark", "path", "holds no answers to .*; the first would lie in"),
    ],
)
def test_what_is_missing_is_named(demo, path, benchmark, argument, message) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        read_records(demo / path, format="imug", benchmark=benchmark and demo / benchmark)
    assert caught.value.arguments == (argument,)


def test_a_benchmark_alone_is_no_output(demo) -> None:
    assert recognised(demo / "benchmark") == []
    with pytest.raises(ArgumentError, match="no known format"):
        read_records(demo / "benchmark")

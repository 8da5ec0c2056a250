# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Fields of the benchmark's files under another name are told of, once each."""

from __future__ import annotations

import json

import pytest

from imug_metrics.evaluation import check_data
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.check.fields import check_benchmark_fields, check_judged_fields, check_result_fields
from imug_metrics.protocols.imug.judged import key_file, point_file

KEY = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1"}


def renamed(value, old, new):
    """The value with one name replaced wherever it stands."""
    if isinstance(value, list):
        return [renamed(entry, old, new) for entry in value]
    if isinstance(value, dict):
        return {(new if name == old else name): renamed(entry, old, new) for name, entry in value.items()}
    return value


def check(folder):
    problems = imug.Problems()
    samples = folder.read_samples()
    check_benchmark_fields(folder.benchmark, samples, problems)
    check_result_fields(samples, folder.model, problems)
    check_judged_fields(folder.judged, "mine", problems)
    return problems


def write_all(folder, change=lambda value: value, file=None):
    """All files of a benchmark of one sample, one of them changed."""

    def as_given(name, value):
        return change(value) if name == file else value

    image = {**folder.image(1), "input": [{"text": "Draw."}, {"image": "a.png"}]}
    sample = {**folder.sample(image, folder.text(2)), "system_prompt": "Be brief."}
    links = {**KEY, "reference_links": [{"turn_idx": 1, "refs": [{"ref_turn": 1, "ref_type": "input"}]}]}
    grid = {**KEY, "domain": "Geometric_Coloring", "subdomain": "cubes_coloring"}
    folder.samples(as_given("samples", sample), {**folder.sample(folder.image(1)), **grid})
    folder.lines("data/image_references.jsonl", as_given("links", links))
    folder.lines("data/dynamic_references.jsonl", as_given("dynamic", {**KEY, "turn_idx": 2, "ref_turn_idxs": [1]}))
    board = {"turn": 1, "grid": [["0"] * 3] * 3}
    folder.lines("data/grid_gt/Geometric_Coloring__cubes_coloring__1.jsonl", as_given("grid", board))
    task = {"turn": 1, "model_response": "a.png", "candidates": [{"model_response": "b", "score": 1}], "cost": {"s": 1}}
    (folder.question / "result.json").write_text(json.dumps(as_given("result", {**sample, "tasks": [task] * 3})))
    rows = {
        key_file: as_given("keys", {**KEY, "turn": 2, "determined_answer": "B"}),
        point_file: as_given("points", {**KEY, "turn": 1, "scores": [{"point_id": 1, "score": 4}]}),
    }
    for place, row in rows.items():
        path = place(folder.judged, "mine")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row) + "\n")


def test_the_fields_of_the_official_layout_are_known(folder):
    write_all(folder)
    assert list(check(folder)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "meant"),
    [
        ("samples", "system_prompt", "systemprompt", "systemprompt", "system_prompt"),
        ("samples", "modality", "modalty", "tasks[].modalty", "modality"),
        ("samples", "evaluation_points", "evaluation_point", "tasks[].output.evaluation_point", "evaluation_points"),
        ("samples", "answer", "Answer", "tasks[].output.Answer", "answer"),
        ("samples", "image", "images", "tasks[].input[].images", "image"),
        ("links", "ref_type", "reftype", "reference_links[].refs[].reftype", "ref_type"),
        ("links", "turn_idx", "turn_index", "reference_links[].turn_index", "turn_idx"),
        ("links", "reference_links", "references_links", "references_links", "reference_links"),
        ("dynamic", "ref_turn_idxs", "ref_turn_idx", "ref_turn_idx", "ref_turn_idxs"),
        ("grid", "grid", "grids", "grids", "grid"),
        ("result", "model_response", "model_respons", "tasks[].model_respons", "model_response"),
        ("result", "candidates", "candidate", "tasks[].candidate", "candidates"),
        ("result", "cost", "costs", "tasks[].costs", "cost"),
        ("result", "tasks", "task", "task", "tasks"),
        ("keys", "determined_answer", "determinedAnswer", "determinedAnswer", "determined_answer"),
        ("points", "scores", "score", "score", "scores"),
        ("points", "score", "scor", "scores[].scor", "score"),
        ("samples", "system_prompt", "note", "note", None),
    ],
)
def test_a_misspelled_field_is_told_of_once(folder, file, old, new, field, meant):
    write_all(folder, lambda value: renamed(value, old, new), file)
    found = {problem.field: problem for problem in check(folder)}
    problem = found[field]
    assert problem.level == "warning"
    assert ("did you mean" in problem.message) == (meant is not None)
    assert meant is None or f"`{meant}`" in problem.message
    assert len(found) == len(check(folder)), "each once"


def test_the_check_of_data_tells_of_them(folder):
    write_all(folder, lambda value: renamed(value, "model_response", "model_respons"), "result")
    found = check_data(folder.benchmark, outputs=folder.model.parent, judged=folder.judged).problems
    (problem,) = (problem for problem in found if problem.field == "tasks[].model_respons")
    assert "3 times" in problem.message


def test_the_recorded_benchmark_has_no_unknown_field(golden):
    found = check_data(
        golden / "pipeline", outputs=golden / "pipeline/model_outputs", judged=golden / "pipeline/official"
    )
    assert not [problem for problem in found.problems if "unknown field" in problem.message]

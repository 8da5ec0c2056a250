# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Folders one level too deep, too high or swapped are refused, and the one that is meant is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import imug_metrics
from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import check_data, evaluate_gain, evaluate_scaling
from imug_metrics.protocols import imug

OUT = ("--out", "new")
GAIN = ("gain", "--benchmark", "bench", "--encoder", "scene")
SCALING = ("scaling", "--benchmark", "bench", *OUT, "--runs")
SCORE = ("score", "--benchmark", "bench", "--outputs")
REFERENCE = (*SCORE, "outputs", *OUT, "--reference-history")
JUDGED = (*SCORE, "outputs", *OUT, "--judged")
UNIM = ("unim", "--references")
DEEP = "outputs/steady/Physics"

# What was typed, the flag that is blamed, and the folder that is meant ("" where none can be told).
WRONG = [
    ((*SCORE, "outputs/steady", *OUT), "--outputs", "outputs with the model"),
    ((*SCORE, DEEP, *OUT), "--outputs", "outputs with the model 'steady'"),
    ((*SCORE, f"{DEEP}/rendered_positions", *OUT), "--outputs", "outputs with"),
    ((*SCORE, "{question}", *OUT), "--outputs", "outputs with"),
    ((*SCORE, "bench", *OUT), "--outputs", "outputs"),
    ((*SCORE, "bench/data", *OUT), "--outputs", "outputs"),
    ((*SCORE, ".", *OUT), "--outputs", "outputs"),
    ((*SCORE, "scores", *OUT), "--outputs", "outputs"),
    ((*SCORE, "judged", *OUT), "--outputs", "outputs"),
    ((*SCORE, "judged/steady", *OUT), "--outputs", "outputs"),
    ((*SCORE, "output", *OUT), "--outputs", "outputs"),
    ((*SCORE, "outputs/notes.txt", *OUT), "--outputs", "outputs"),
    ((*SCORE, "photos", *OUT), "--outputs", ""),
    ((*SCORE, "unfilled", *OUT), "--outputs", ""),
    (("score", "--benchmark", "bench/data", "--outputs", "outputs", *OUT), "--benchmark", "bench"),
    (("score", "--benchmark", "bench/config", "--outputs", "outputs", *OUT), "--benchmark", "bench"),
    (("score", "--benchmark", "bench/data/benchmark.jsonl", "--outputs", "outputs", *OUT), "--benchmark", "bench"),
    (("score", "--benchmark", ".", "--outputs", "outputs", *OUT), "--benchmark", "bench"),
    (("score", "--benchmark", "outputs", "--outputs", "bench", *OUT), "--benchmark, --outputs", "bench and outputs"),
    (("score", "--benchmark", "outputs", "--outputs", "outputs", *OUT), "--benchmark", "bench"),
    (("score", "--benchmark", "judged", "--outputs", "outputs", *OUT), "--benchmark", "bench"),
    ((*GAIN[:3], "--a", "outputs", "--b", "reference", "--model", "Physics"), "--model", "a domain in the outputs of"),
    ((*SCORE, "outputs", "--model", "Physics", *OUT), "--model", "a domain in"),
    ((*SCORE, "outputs", "--model", "Steady", *OUT), "--model", "`steady`"),
    ((*SCORE, "outputs", "--model", "outputs/steady", *OUT), "--model", "'steady'"),
    ((*JUDGED, "judged/steady"), "--judged", "judged with the model 'steady'"),
    ((*JUDGED, "judged/steady/score_img"), "--judged", "judged with the model 'steady'"),
    ((*JUDGED, "outputs"), "--judged", "judged"),
    ((*JUDGED, "bench"), "--judged", "judged"),
    ((*JUDGED, "."), "--judged", "judged"),
    ((*JUDGED, "photos"), "--judged", ""),
    ((*REFERENCE, "reference/steady"), "--reference-history", "reference with the model 'steady'"),
    ((*REFERENCE, "bench"), "--reference-history", "outputs"),
    ((*REFERENCE, "judged"), "--reference-history", "outputs"),
    ((*GAIN, "--a", "outputs/steady", "--b", "reference"), "--a", "outputs with the model 'steady'"),
    ((*GAIN, "--a", "outputs", "--b", "reference/steady/Physics"), "--b", "reference with the model 'steady'"),
    ((*GAIN, "--a", "bench", "--b", "reference"), "--a", "outputs"),
    ((*GAIN, "--a", "outputs", "--b", "."), "--b", "outputs"),
    (("gain", "--benchmark", "outputs", "--a", "bench", "--b", "reference"), "--benchmark, --a", "bench and outputs"),
    ((*GAIN, "--a", "outputs", "--b", "reference", "--judged-a", "judged/steady", "--judged-b", "judged"),
     "--judged-a", "judged with the model"),
    ((*SCALING, "a=outputs", "b=outputs/steady"), "--runs", "outputs/copying or"),
    ((*SCALING, "a=outputs/copying", f"b={DEEP}"), "--runs", "outputs/steady"),
    ((*SCALING, "a=outputs/copying", "b=bench"), "--runs", ""),
    (("scaling", "--benchmark", "bench/data", *OUT, "--runs", "a=outputs/copying", "b=outputs/steady"),
     "--benchmark", "bench"),
    (("check", "--benchmark", "bench/data"), "--benchmark", "bench"),
    (("check", "--benchmark", "bench", "--outputs", "outputs/steady"), "--outputs", "outputs with the model 'steady'"),
    (("check", "--benchmark", "bench", "--outputs", "bench"), "--outputs", "outputs"),
    (("check", "--benchmark", "outputs", "--outputs", "bench"), "--benchmark, --outputs", "bench and outputs"),
    (("check", "--benchmark", "bench", "--judged", "judged/steady"), "--judged", "judged with the model 'steady'"),
    (("check", "--benchmark", "bench", "--judged", "outputs"), "--judged", "judged"),
    (("check", "--benchmark", "bench", "--judged", "judged", "--model", "stead"), "--model", "`steady`"),
    (("compare", "outputs"), "DIR", "scores"),
    (("compare", "outputs/steady", "outputs/copying"), "DIR", "scores"),
    (("compare", "scores/models"), "DIR", "scores"),
    (("compare", "scores/official"), "DIR", "scores"),
    (("compare", "scores/report.html"), "DIR", "scores"),
    (("compare", "."), "DIR", "scores"),
    (("compare", "bench"), "DIR", "scores"),
    (("compare", "score"), "DIR", "scores"),
    (("repeats", "scores/models", "scores/models"), "DIR", "scores"),
    (("plan", "--difference", "0.1", "--from", "outputs"), "--from", "scores"),
    (("plan", "--difference", "0.1", "--from", "scores/models"), "--from", "scores"),
    ((*UNIM, "bench", "--outputs", "answers"), "--references", "imug-metrics score"),
    ((*UNIM, "references", "--outputs", "outputs"), "--outputs", "imug-metrics score"),
    ((*UNIM, "references", "--outputs", "photos"), "--outputs", ""),
    ((*UNIM, "answers", "--outputs", "references"),
     "--references, --outputs", "references references and outputs answers"),
    ((*UNIM, "references", "--outputs", "others"), "--outputs", ""),
]  # fmt: skip


@pytest.fixture
def places(tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every kind of folder side by side, and the current folder above them."""
    shutil.copytree(demo / "benchmark", tmp_path / "bench")
    for name in ("outputs", "reference"):
        shutil.copytree(demo / "outputs", tmp_path / name)
    (tmp_path / "outputs/notes.txt").write_text("runs of May")
    imug.write_points(tmp_path / "judged", "steady", [])
    (tmp_path / "photos/June").mkdir(parents=True)
    (tmp_path / "unfilled/steady/Another/kind/question_1").mkdir(parents=True)
    for name in (
        "models/steady.json",
        "official/steady/score_mcq/steady_mcq_score.jsonl",
        "evaluation.json",
        "items.jsonl",
    ):
        (tmp_path / "scores" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scores" / name).write_text("{}")
    (tmp_path / "scores/report.html").write_text("<p>")
    write_unim(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_unim(root: Path) -> None:
    """References that ask, answers that do not, and answers to another domain."""
    row = {"id": 1, "domain": "general_area", "subdomain": "x", "output": {"content": "<image1>", "modal": {}}}
    rows = {"references": {**row, "input": {"content": "Draw."}}, "answers": row, "others": {**row, "subdomain": "y"}}
    for name, content in rows.items():
        (root / name).mkdir()
        (root / name / "records.jsonl").write_text(json.dumps(content) + "\n")


@pytest.mark.parametrize(("arguments", "flag", "meant"), WRONG, ids=[" ".join(given) for given, _, _ in WRONG])
def test_a_wrong_folder_is_refused_and_the_one_that_is_meant_is_named(
    places: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], flag: str, meant: str
) -> None:
    question = next(Path(DEEP).glob("*/question_*"))
    before = sorted(places.rglob("*"))
    assert main([text.format(question=question) for text in arguments]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"imug-metrics: {flag}: "), said
    if meant:
        assert meant in said.replace(f"{places}/", "").partition("expected" if "expected" in said else ":")[2], said
        assert "did you mean" in said or "a domain in" in said, said
    else:
        assert "did you mean" not in said, said
    assert sorted(places.rglob("*")) == before


CALLS = [
    (lambda: imug_metrics.evaluate(benchmark="bench", outputs="outputs/steady"), "outputs", "outputs with the model"),
    (lambda: imug_metrics.evaluate(benchmark="bench", outputs="bench"), "outputs", "outputs"),
    (lambda: imug_metrics.evaluate(benchmark="bench", outputs="photos"), "outputs", ""),
    (lambda: imug_metrics.evaluate(benchmark="bench/data", outputs="outputs"), "benchmark", "bench"),
    (lambda: imug_metrics.evaluate(benchmark="outputs", outputs="bench"), "benchmark", "bench and outputs"),
    (lambda: imug_metrics.evaluate(benchmark="bench", outputs="outputs", judged="judged/steady"),
     "judged", "judged with"),
    (lambda: imug_metrics.evaluate(benchmark="bench", outputs="outputs", models=["Physics"]), "model", "a domain in"),
    (lambda: check_data("bench", outputs="outputs/steady"), "outputs", "outputs with the model 'steady'"),
    (lambda: check_data("bench/data"), "benchmark", "bench"),
    (lambda: check_data("bench", judged="outputs"), "judged", "judged"),
    (lambda: evaluate_gain("bench", "outputs", "reference/steady"), "b", "reference with the model 'steady'"),
    (lambda: evaluate_scaling("bench", {"a": "outputs", "b": "outputs/steady"}), "runs", "outputs/copying or"),
    (lambda: imug_metrics.compare("outputs"), "folder", "scores"),
    (lambda: imug_metrics.Evaluation.load("scores/models"), "folder", "scores"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "argument", "meant"), CALLS)
def test_a_wrong_folder_of_a_call_is_named_likewise(places: Path, call, argument: str, meant: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.arguments[0] == argument
    assert meant in caught.value.message.replace(f"{places}/", "")
    assert bool(meant) == ("did you mean" in caught.value.message or "a domain in" in caught.value.message)


RIGHT = [
    ("outputs", "outputs"),  # models that have left nothing yet stand beside those that have
    ("of one", "one model alone"),
    ("deep", "a model's folder that keeps older outputs as well"),
    ("named", "a model that bears a domain's name"),
    ("asking", "a domain that is called question_..."),
    ("linked", "a link to the outputs"),
]


@pytest.mark.parametrize(("folder", "what"), RIGHT)
def test_unusual_outputs_are_accepted(places: Path, folder: str, what: str) -> None:
    (places / "outputs/waiting").mkdir()
    shutil.copytree("outputs/steady", "of one/steady")
    shutil.copytree("outputs/steady", "deep/steady")
    shutil.copytree("outputs/copying", "deep/steady/older run/copying")
    shutil.copytree("outputs/steady", "named/Physics")
    shutil.copytree("outputs/steady", "asking/steady")
    (places / "asking/steady/question_answering/words/question_1").mkdir(parents=True)
    (places / "linked").symlink_to(places / "outputs")
    assert check_data("bench", outputs=folder).models, what

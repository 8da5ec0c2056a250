# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `unim`, from files to the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.cli import main
from imug_metrics.cli import unim as cli_unim
from imug_metrics.judges import JudgeRequest

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def row(number: int, text: str, domain: str = "food", **modal: str) -> dict[str, Any]:
    output = {"content": text, "modal": modal}
    names = {"domain": "general_domain", "subdomain": domain, "id": str(number), "difficulty_level": 1 + number % 2}
    return {**names, "input": {"content": "<video1>"}, "output": output}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    references = [row(0, "<image1>"), row(1, "<image1> <audio1>"), row(2, "<code1>", HOSTILE), row(3, "<image1>")]
    outputs = [row(0, "<image1>", image1="../../etc/passwd"), row(1, "<image1>"), row(2, "<code1>", HOSTILE, code1="1")]
    (tmp_path / "o").mkdir()
    paths = {"references": tmp_path / "r.jsonl", "outputs": tmp_path / "o"}
    paths["references"].write_text("\n".join(json.dumps(entry, indent=2) for entry in references))
    (tmp_path / "o/answers.json").write_text(json.dumps(outputs))
    return {**paths, "out": tmp_path / "scores"}


def run(files: dict[str, Path], *more: str) -> int:
    return main(["unim", *(part for name, path in files.items() for part in (f"--{name}", str(path))), *more])


def test_numbers_and_report(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files, "--supports", "image", "video") == 1, "an instance has no answer"
    shown = capsys.readouterr()
    assert "\x1b[31m" not in shown.out + shown.err
    summary = json.loads((files["out"] / "summary.json").read_text())
    whole = summary["groups"][0]
    assert whole["structure_integrity"] == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    assert whole["structure_integrity_relative"] == pytest.approx((1 + 0.5 * 2 / 3 + 0.5 + 0) / 4)
    table = list(csv.DictReader((files["out"] / "summary.csv").open()))
    assert float(table[0]["value"]) == whole["structure_integrity"]
    assert {entry["by"] for entry in table} == {"all", "field", "domain", "difficulty"}
    items = [json.loads(line) for line in (files["out"] / "items.jsonl").read_text().splitlines()]
    assert [item["strict"] for item in items] == [1, 0.5, 1, None]
    page = (files["out"] / "report.html").read_text()
    assert page.count("<script") == 1, "the page's own"
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "http" not in page.replace("http-equiv", ""), "the page needs no network"
    problems = [json.loads(line) for line in (files["out"] / "problems.jsonl").read_text().splitlines()]
    assert [problem["message"] for problem in problems] == ["instance general/food/3 has no answer"]


def test_files_may_be_asked_for(files: dict[str, Path]) -> None:
    run(files, "--need-files", "--missing", "skip")
    whole = json.loads((files["out"] / "summary.json").read_text())["groups"][0]
    assert whole["structure_integrity"] == pytest.approx(1 / 3), "only the code, which stands in its record, is there"


class Judge:
    """Gives everything the best grade."""

    name, concurrency = "kind", 2

    def __init__(self, model: str, *, base_url: str) -> None:
        self.asked = (model, base_url)

    async def ask(self, request: JudgeRequest) -> str:
        return '{"score": 5, "coherence": 5, "style": 3}'


def test_a_judge_adds_coupled_scores(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli_unim, "OpenAIJudge", Judge)
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps({**row(1, ""), "modal": {"image1": "A pear."}}))
    run(files, "--judge-url", "http://localhost/v1", "--judge-model", "m", "--captions", str(captions))
    whole = json.loads((files["out"] / "summary.json").read_text())["groups"][0]
    assert whole["interleaved_coherence"] == pytest.approx(0.9 * 3 / 4)
    assert whole["semantic_quality_correctness"] > 0
    page = (files["out"] / "report.html").read_text()
    assert "ICS" in page
    assert "localhost" not in page, "addresses may hold secrets"
    assert (files["out"] / "judge.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--references", "nowhere"], "--references"),
        (["--judge-url", "http://x"], "expected both or none"),
        (["--captions", "."], "--judge-model"),
        (["--reference-captions", "."], "--judge-model"),
        (["--retry-errors"], "--judge-model"),
        (["--supports", "smell"], "--supports"),
    ],
)
def test_wrong_arguments(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], change: list[str], message: str
) -> None:
    assert run(files, *change) == 2
    assert message in capsys.readouterr().err
    assert not files["out"].exists()


def test_out_must_not_pass_for_records(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run({**files, "out": files["outputs"] / "scores"}) == 2
    assert "of the outputs" in capsys.readouterr().err
    folder = files["references"].parent / "refs"
    folder.mkdir()
    references = files["references"].rename(folder / "r.jsonl")
    assert run({**files, "references": folder, "out": folder / "scores"}) == 2
    assert "of the references" in capsys.readouterr().err
    assert references.exists()


@pytest.mark.parametrize("inner", ["references", "outputs"])
def test_answers_and_references_are_never_read_as_each_other(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], inner: str
) -> None:
    """A folder of references that holds the answers would score the answers against themselves."""
    outer = "outputs" if inner == "references" else "references"
    assert run({**files, outer: files["references"].parent}) == 2
    assert "apart" in capsys.readouterr().err


def test_the_table_can_be_read_on_eighty_columns(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_unim, "OpenAIJudge", Judge)
    monkeypatch.setenv("COLUMNS", "80")
    run(files, "--judge-url", "http://localhost/v1", "--judge-model", "m")
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert shown.count("all instances") == 2
    for label in ("StS", "LeS", "SQCS", "ICS"):
        assert label in shown


def test_nothing_to_score(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files["references"].write_text("[]")
    assert run(files) == 2
    assert "no instance" in capsys.readouterr().err

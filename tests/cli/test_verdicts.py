# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `verdicts`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imug_metrics.cli import main


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log in which wrong work of late turns is accepted."""
    rows = [
        {"id": d, "t": t, "ok": "pass" if t > 1 + d % 3 or d % 2 else "fail", "gold": d % 2}
        for d in range(60)
        for t in (1, 2, 3, 4)
    ]
    path = tmp_path / "service.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_it_prints_tables_and_sentences_and_writes_a_page(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["verdicts", str(log), "--columns", "turn=t,verdict=ok,truth=gold", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "service grows permissive: it accepts wrong work more by +0." in " ".join(said.split())
    assert "Change per turn" in said
    assert sorted(path.name for path in out.iterdir()) == ["problems.jsonl", "report.html", "verdicts.json"]


def test_problems_are_told_by_the_exit_code(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_text(log.read_text(encoding="utf-8") + "\n{", encoding="utf-8")
    assert main(["verdicts", str(log), "--columns", "turn=t,verdict=ok,truth=gold"]) == 1
    assert "service.jsonl:241" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [(["nothing.jsonl"], "FILE"), (["LOG"], "--columns"), (["LOG", "--columns", "turn=t,verdict=no"], "--columns")],
)
def test_what_is_not_as_expected_stops_it(
    log: Path, arguments: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verdicts", *[str(log) if text == "LOG" else text for text in arguments]]) == 2
    assert f"imug-metrics: {flag}" in capsys.readouterr().err

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A run goes on behind failures, crashes, hangs and missing packages, keeps its budget, and loses no line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import command
from benchmarks.comparison import OtherMachineError, compare
from benchmarks.groups import Phase
from benchmarks.journal import Journal, document, read
from benchmarks.session import Session
from benchmarks.summary import summary

PLANTED = "tests.benchmarks.planted"


def run(path: Path, *phases: Phase, **options: Any) -> list[dict[str, Any]]:
    journal = Journal(path)
    journal.write({"event": "session", "schema": 3, "date": "2030-01-01", "quick": True, "what": "groups"})
    Session(journal, environment={"CUDA_VISIBLE_DEVICES": ""}, **options).run(phases)
    journal.close()
    return read(path)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("session") / "lines.jsonl"
    phases = (
        Phase("planted", (f"{PLANTED}:jobs", "no.such.module:group", f"{PLANTED}:good")),
        Phase("next", (f"{PLANTED}:good",), workers=2),
    )
    return run(path, *phases, patience=2.0)


def happened(events: list[dict[str, Any]], kind: str, phase: str = "planted") -> list[str]:
    return [event["job"] for event in events if event["event"] == kind and event.get("phase") == phase]


def test_nothing_stops_the_jobs_behind_it(events: list[dict[str, Any]]) -> None:
    assert happened(events, "done") == ["first", "after the crash", "last", "good", "better"]
    assert happened(events, "crashed") == ["crashes"]
    assert happened(events, "late") == ["hangs"]
    assert happened(events, "skipped") == ["what needs it", "no.such.module:group, the rest of it"]
    assert happened(events, "failed") == ["fails", f"{PLANTED}:jobs, the rest of it"]


def test_every_trouble_says_what_happened(events: list[dict[str, Any]]) -> None:
    said = {event["job"]: event.get("error") or event.get("reason") for event in events if "job" in event}
    assert said["fails"].endswith("ValueError: planted failure")
    assert said["what needs it"] == "No module named 'no_such_package'"
    assert next(event["code"] for event in events if event["event"] == "crashed") == -11


def test_records_before_a_failure_are_kept_and_none_comes_twice(events: list[dict[str, Any]]) -> None:
    names = [row["name"] for row in document(events)["counts"] if row["phase"] == "planted"]
    assert names == ["first", "before the failure", "after the crash", "last", "good", "better"]


def test_workers_share_the_jobs_of_a_phase(events: list[dict[str, Any]]) -> None:
    assert sorted(happened(events, "done", "next")) == ["better", "good"]


def test_without_time_everything_is_cut_and_says_so(tmp_path: Path) -> None:
    events = run(tmp_path / "lines.jsonl", Phase("late", (f"{PLANTED}:good",)), seconds=0.0)
    assert happened(events, "cut", "late") == ["good", "better"]
    assert happened(events, "done", "late") == []
    assert "cut for want of time: 2 of late" in summary(document(events))


def test_summary_names_every_trouble(events: list[dict[str, Any]]) -> None:
    text = summary(document(events))
    for words in ("failed: planted", "crashed: planted", "late: planted", "skipped: planted", "planted failure"):
        assert words in text


def test_lines_of_a_killed_run_can_be_summarised(
    events: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(json.dumps(event) + "\n" for event in events)
    file = tmp_path / "killed.jsonl"
    file.write_text(lines[: lines.index('"after the crash"') + 8], encoding="utf-8")
    assert command.main(["--summarize", str(file)]) == command.TROUBLED
    text = capsys.readouterr().out
    assert "not finished" in text
    assert "| before the failure | planted | 1 |" in text


ROW = {
    "name": "case", "provider": "ours", "baseline": True, "sizes": {"rows": 8}, "quantity": "throughput",
    "unit": "rows/s", "median": 50.0, "p20": 40.0, "p80": 60.0, "ratio": 1.0, "roofline": None, "axis": None,
}  # fmt: skip
MACHINE = {"gpu": "H100, sm_90", "cpu": "some", "cores": 8, "threads": 1, "system": "Linux"}


def result(rate: float, **machine: Any) -> dict[str, Any]:
    return {**document(()), "rows": [{**ROW, "median": rate}], "machine": {**MACHINE, **machine}}


def test_runs_of_one_machine_are_compared() -> None:
    assert "| case | rows 8 | ours | 50 | 100 | 2.00 |" in compare(result(50.0), result(100.0))


@pytest.mark.parametrize("other", [{"gpu": "H200, sm_90"}, {"gpu": None}, {"cores": 4}, {"cpu": "another"}])
def test_runs_of_two_machines_are_not(other: dict[str, Any]) -> None:
    with pytest.raises(OtherMachineError, match=f"one machine, got {next(iter(other))}"):
        compare(result(50.0), result(100.0, **other))


def test_the_command_refuses_to_compare_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(result(50.0)), encoding="utf-8")
    after.write_text(json.dumps(result(50.0, gpu="another")), encoding="utf-8")
    assert command.main(["--summarize", str(after), "--compare", str(before)]) == command.USAGE
    assert "--compare: Expected two runs on one machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ops", "gramm"], "--ops: expected some of"),
        (["--ops", "gram", "--rows", "0"], "whole number from 1"),
        (["--ops", "streaming", "--width", "8"], "is for --ops"),
        (["gpu", "--config", "BLOCK_M=64"], "is for --ops"),
        (["--dry"], "--dry is for gpu"),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert said in capsys.readouterr().err

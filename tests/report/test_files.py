# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The machine-readable files: strict JSON, complete rows, nothing half written."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report import write_report
from imug_metrics.report.files import json_text, write_whole


def strict_json(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_all_files_are_written_and_no_temporary_one_stays(make_scores: Any, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    path = write_report([make_scores()], out, manifest={"seed": 3})
    assert path == out / "report.html"
    names = sorted(file.name for file in out.iterdir())
    assert names == [
        "items.jsonl", "manifest.json", "per_turn.csv", "report.html", "samples.csv", "summary.json", "tables"
    ]  # fmt: skip


def test_summary_holds_every_score_with_nan_as_null_and_infinity_as_text(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores("one")
    model.scores.update({"turn_decay_half_life": math.inf, "turn_decay": math.nan})
    write_report([model, make_scores("two")], tmp_path, manifest={})
    summary = strict_json((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert list(summary["models"]) == ["one", "two"]
    assert summary["models"]["one"].keys() == model.scores.keys()
    assert summary["models"]["one"]["turn_decay_half_life"] == "inf"
    assert summary["models"]["one"]["turn_decay"] is None
    assert summary["models"]["one"]["turn_alignment"] == model.scores["turn_alignment"]
    assert {finding["model"] for finding in summary["findings"]} <= {"one", "two", None}


def test_summary_of_two_models_holds_their_differences_and_ranks(make_scores: Any, tmp_path: Path) -> None:
    models = [make_scores("a", start=0.9), make_scores("b", start=0.5)]
    models[1] = replace(models[1], reasons={"turn_alignment_slope": "too few"})
    write_report(models, tmp_path / "two", manifest={})
    summary = json.loads((tmp_path / "two" / "summary.json").read_text(encoding="utf-8"))
    [row] = [row for row in summary["differences"] if row["metric"] == "turn_alignment"]
    assert (row["first"], row["second"], row["dialogues"]) == ("a", "b", 30)
    assert 0 < row["joint_lower"] < row["value"] < row["joint_upper"]
    assert row["p"] <= row["p_all_metrics"]
    assert summary["ranks"]["turn_alignment"] == {"a": [1, 1], "b": [2, 2]}
    assert summary["without_interval"] == {"b": {"turn_alignment_slope": "too few"}}
    page = (tmp_path / "two" / "report.html").read_text(encoding="utf-8")
    assert "Who differs from whom" in page
    write_report(models[:1], tmp_path / "one", manifest={})
    alone = json.loads((tmp_path / "one" / "summary.json").read_text(encoding="utf-8"))
    assert not {"differences", "ranks", "without_interval"} & alone.keys()
    assert "Who differs from whom" not in (tmp_path / "one" / "report.html").read_text(encoding="utf-8")


def test_per_turn_has_one_row_a_model_metric_and_turn(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores("one", turns=3)
    model.scores["turn_alignment_turn_2_lower"] = math.nan
    write_report([model, make_scores("two", turns=4)], tmp_path, manifest={})
    with (tmp_path / "per_turn.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["model", "metric", "turn", "value", "lower", "upper", "n"]
    assert len(rows) == 5 * 3 + 5 * 4 + 2 + 3, "five metrics, and copies from the second turn on"
    row = next(r for r in rows if (r["model"], r["metric"], r["turn"]) == ("one", "turn_alignment", "2"))
    assert float(row["value"]) == model.scores["turn_alignment_turn_2"]
    assert row["lower"] == ""
    first = next(r for r in rows if (r["model"], r["metric"], r["turn"]) == ("one", "turn_alignment", "1"))
    assert first["n"] == "30", "30 dialogues have an image at turn 1"


def test_items_hold_every_record_with_its_model(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores("one", dialogues=4)
    model.items[0]["alignment"] = math.nan
    model.items[0]["prompt"] = "two\u2028lines"
    write_report([model], tmp_path, manifest={})
    rows = [strict_json(line) for line in (tmp_path / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len(model.items)
    assert rows[0] == {"model": "one", **model.items[0], "alignment": None}


def test_manifest_keeps_what_was_given_and_adds_the_library(make_scores: Any, tmp_path: Path) -> None:
    write_report([make_scores()], tmp_path, manifest={"seed": 3, "arguments": {"out": tmp_path}, "speed": math.nan})
    manifest = strict_json((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 3
    assert manifest["arguments"] == {"out": str(tmp_path)}
    assert manifest["speed"] is None
    assert manifest["imug_metrics"]


def test_tensors_and_arrays_become_numbers(make_scores: Any, tmp_path: Path) -> None:
    import numpy as np
    import torch

    model = make_scores("one")
    model.scores.update({"turn_alignment": torch.tensor(0.5), "turn_decay": np.float64("nan")})
    write_report([model], tmp_path, manifest={"sizes": torch.tensor([1, 2])})
    summary = strict_json((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["models"]["one"]["turn_alignment"] == 0.5
    assert summary["models"]["one"]["turn_decay"] is None
    assert strict_json((tmp_path / "manifest.json").read_text(encoding="utf-8"))["sizes"] == [1, 2]


def test_no_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`models` to hold at least one model, got none"):
        write_report([], tmp_path, manifest={})


def test_two_models_of_one_name_are_an_error(make_scores: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'one' more than once"):
        write_report([make_scores("one"), make_scores("one")], tmp_path, manifest={})


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_whole(tmp_path / "page.html", "old")
    monkeypatch.setattr(os, "replace", lambda *names: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_whole(path, "half a page")
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_lone_surrogate_is_written_as_an_escape_that_json_reads_back(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "summary.json", json_text("summary", {"a\ud800": "é"}))
    assert json.loads(path.read_text(encoding="utf-8")) == {"schema": "imug_metrics.summary/1", "a\ud800": "é"}


def test_a_model_called_like_a_formula_is_text_in_every_csv(make_scores: Any, tmp_path: Path) -> None:
    write_report([make_scores("=cmd()")], tmp_path, manifest={})
    for path in tmp_path.rglob("*.csv"):
        cells = [cell for row in csv.reader(path.open(encoding="utf-8")) for cell in row]
        assert not [cell for cell in cells if cell.startswith("=")], path
        assert path.name != "per_turn.csv" or "'=cmd()" in cells

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Logs of verdicts: planted permissiveness is found and nothing else is, numbers are those of the metrics."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from imug_metrics import SelfVerification, VerdictSpecificity
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate_verdicts
from imug_metrics.evaluation.verdict_rows import LoggedVerdict
from imug_metrics.evaluation.verdict_scores import verdict_scores
from imug_metrics.report.verdicts import verdict_findings

Row = dict[str, Any]


def simulated(drift: float, dialogues: int = 150, seed: int = 0) -> list[Row]:
    """A log whose wrong work is accepted by `drift` more at each turn, beginning with 0.15, at 2 to 6 turns."""
    draw = np.random.default_rng(seed)
    rows = []
    for dialogue in range(dialogues):
        for turn in range(1, int(draw.integers(2, 7)) + 1):
            right = bool(draw.random() < 0.6)
            accepts = bool(draw.random() < (0.9 if right else 0.15 + drift * (turn - 1)))
            text = "Looks good." if turn > 3 and drift else "The red cube stands left of the blue ball."
            rows.append({"dialogue": f"d{dialogue}", "turn": turn, "verdict": accepts, "truth": right, "text": text})
    return rows


def written(path: Path, rows: list[Row]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("drift", [0.08, 0.12])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_creeping_permissiveness_is_found_and_told_on_the_page(tmp_path: Path, drift: float, seed: int) -> None:
    found = evaluate_verdicts(written(tmp_path / "log.jsonl", simulated(drift, 250, seed)))
    assert found.findings[0].text.startswith("grows permissive: it accepts wrong work more by +0.")
    page = found.report(tmp_path / "out").read_text(encoding="utf-8")
    assert "grows permissive: it accepts wrong work more by +0." in page
    assert "says less when it confirms" in page
    told = json.loads((tmp_path / "out/verdicts.json").read_text(encoding="utf-8"))
    low, high = (told["models"]["log"][f"change_permissiveness_{end}"] for end in ("lower", "upper"))
    assert 0 < low < drift * 1.6
    assert high > drift * 0.6


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_log_without_it_says_so_on_the_page(tmp_path: Path, seed: int) -> None:
    found = evaluate_verdicts(written(tmp_path / "log.jsonl", simulated(0, 250, seed)))
    page = found.report(tmp_path / "out").read_text(encoding="utf-8")
    assert "shows no growing permissiveness" in page
    assert "grows permissive" not in page


def test_of_many_logs_without_a_change_few_tell_of_any() -> None:
    told, logs = 0, 150
    for seed in range(logs):
        rows = [
            LoggedVerdict(r["dialogue"], r["turn"], float(r["verdict"]), float(r["truth"]))
            for r in simulated(0, 60, seed)
        ]
        findings = verdict_findings({"m": verdict_scores(rows, 1 - 0.05 / 4)})
        told += any(finding.tone in ("loss", "gain") for finding in findings)
        told += any("its pass rate changes" in finding.text for finding in findings)
    assert stats.binomtest(told, logs, 0.05, alternative="greater").pvalue > 1e-3


def test_numbers_are_those_of_the_metrics(tmp_path: Path) -> None:
    rows = simulated(0.1)
    scores = evaluate_verdicts(written(tmp_path / "log.jsonl", rows)).scores["log"]
    places = {"dialogue": [row["dialogue"] for row in rows], "turn": [row["turn"] for row in rows]}
    metric = SelfVerification(detail=True)
    metric.update([int(row["verdict"]) for row in rows], [int(row["truth"]) for row in rows], **places)
    expected = {key: float(value) for key, value in metric.compute().items()}
    assert {key: scores[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    joint = SelfVerification(detail=True, level=1 - 0.05 / 4)
    joint.update([int(row["verdict"]) for row in rows], [int(row["truth"]) for row in rows], **places)
    assert scores["change_permissiveness_lower"] == pytest.approx(
        float(joint.compute()["self_verification_drift_lower"])
    )
    accepted = [row for row in rows if row["verdict"]]
    words = VerdictSpecificity(detail=True)
    words.update(
        [r["text"] for r in accepted], dialogue=[r["dialogue"] for r in accepted], turn=[r["turn"] for r in accepted]
    )
    assert scores["verdict_specificity"] == pytest.approx(float(words.compute()["verdict_specificity"]))


def test_the_pass_rate_and_its_slope_are_counted_again_by_hand(tmp_path: Path) -> None:
    rows = simulated(0.1)
    scores = evaluate_verdicts(written(tmp_path / "log.jsonl", rows)).scores["log"]
    assert scores["pass_rate"] == pytest.approx(np.mean([row["verdict"] for row in rows]))
    by_dialogue: dict[str, list[Row]] = {}
    for row in rows:
        by_dialogue.setdefault(row["dialogue"], []).append(row)
    above = below = 0.0
    for of_one in by_dialogue.values():
        turns, said = (np.array([row[key] for row in of_one], float) for key in ("turn", "verdict"))
        above += float(((turns - turns.mean()) * (said - said.mean())).sum())
        below += float(((turns - turns.mean()) ** 2).sum())
    assert scores["pass_rate_slope"] == pytest.approx(above / below)
    pairs = [a["verdict"] != b["verdict"] for one in by_dialogue.values() for a, b in pairwise(one)]
    assert scores["turn_of_flip_flip_rate"] == pytest.approx(np.mean(pairs))


def test_without_truth_nothing_is_said_of_permissiveness(tmp_path: Path) -> None:
    rows = [{key: row[key] for key in ("dialogue", "turn", "verdict")} for row in simulated(0.15, 300)]
    found = evaluate_verdicts(written(tmp_path / "log.jsonl", rows))
    said = [finding.text for finding in found.findings]
    assert not any("permissive:" in text for text in said)
    assert any("passes more from turn to turn" in text and "label a sample" in text for text in said)
    assert any("nothing is said of permissiveness" in text for text in said)


def test_too_little_wrong_work_is_told(tmp_path: Path) -> None:
    rows = [{**row, "truth": True} for row in simulated(0)]
    found = evaluate_verdicts(written(tmp_path / "log.jsonl", rows))
    assert any("cannot be judged: there is too little wrong work" in finding.text for finding in found.findings)


def test_order_of_lines_and_split_into_files_change_nothing(tmp_path: Path) -> None:
    rows = simulated(0.1, 60)
    whole = evaluate_verdicts(written(tmp_path / "verdicts.jsonl", rows)).scores["verdicts"]
    np.random.default_rng(0).shuffle(rows)  # type: ignore[arg-type]
    parts = [written(tmp_path / f"{part}.jsonl", rows[part::2]) for part in range(2)]
    assert evaluate_verdicts(parts).scores["verdicts"] == pytest.approx(whole, nan_ok=True, abs=1e-9)


def test_tables_are_read_like_json_lines(tmp_path: Path) -> None:
    rows = simulated(0.1, 60)
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "t", "decision", "gold"])
        writer.writerows([r["dialogue"], r["turn"], "pass" if r["verdict"] else "fail", r["truth"]] for r in rows)
    found = evaluate_verdicts(tmp_path / "log.csv", columns={"turn": "t"})
    expected = evaluate_verdicts(written(tmp_path / "log.jsonl", rows)).scores["log"]
    assert found.scores["log"]["self_verification"] == pytest.approx(expected["self_verification"])
    assert not found.problems


def test_several_models_have_a_row_each_and_share_the_level(tmp_path: Path) -> None:
    rows = [{**row, "model": name} for name in ("a", "b") for row in simulated(0.1, 40)]
    found = evaluate_verdicts(written(tmp_path / "log.jsonl", rows))
    assert [*found.scores] == ["a", "b"]
    assert found.manifest["level_of_changes"] == pytest.approx(1 - 0.05 / 8)
    assert all(str(table).count("\n") > 3 for table in found.tables())


def test_numbers_need_thresholds_of_their_own(tmp_path: Path) -> None:
    rows = [{**row, "verdict": 4 if row["verdict"] else 2, "truth": int(row["truth"])} for row in simulated(0.1, 60)]
    path = written(tmp_path / "log.jsonl", rows)
    with pytest.raises(ArgumentError, match="threshold"):
        evaluate_verdicts(path)
    found = evaluate_verdicts(path, threshold=3)
    expected = evaluate_verdicts(written(tmp_path / "plain.jsonl", simulated(0.1, 60))).scores["plain"]
    assert found.scores["log"]["self_verification"] == pytest.approx(expected["self_verification"])


def test_lines_that_cannot_be_read_cost_themselves_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl", simulated(0.1, 60))
    good = evaluate_verdicts(path).scores["log"]
    broken: list[Any] = [
        "{",
        json.dumps({"dialogue": "x", "turn": 0.5, "verdict": True}),
        json.dumps({"dialogue": None, "turn": 1, "verdict": True}),
        json.dumps({"dialogue": "d0", "turn": 1, "verdict": False}),
        json.dumps({"dialogue": "x", "turn": 10**9, "verdict": True}),
    ]
    path.write_text(path.read_text(encoding="utf-8") + "\n" + "\n".join(broken), encoding="utf-8")
    found = evaluate_verdicts(path)
    assert found.scores["log"] == pytest.approx(good, nan_ok=True)
    lines = len(simulated(0.1, 60))
    assert {problem.line for problem in found.problems} == {lines + place for place in range(1, 6)}


def test_a_verdict_that_cannot_be_read_lowers_the_coverage(tmp_path: Path) -> None:
    rows = simulated(0.1, 60)
    rows[5]["verdict"] = "maybe"
    rows[9]["truth"] = {"nested": [1]}
    found = evaluate_verdicts(written(tmp_path / "log.jsonl", rows))
    assert [problem.field for problem in found.problems] == ["verdict", "truth"]
    assert found.scores["log"]["pass_rate_coverage"] == pytest.approx(1 - 1 / len(rows))
    assert found.scores["log"]["self_verification_n"] == len(rows) - 2


def test_names_are_escaped_on_the_page(tmp_path: Path) -> None:
    rows = [{**row, "model": "<script>alert(1)</script>"} for row in simulated(0.1, 40)]
    page = evaluate_verdicts(written(tmp_path / "log.jsonl", rows)).report(tmp_path / "out")
    assert "<script>alert" not in page.read_text(encoding="utf-8")


def test_long_dialogues_are_read_whole(tmp_path: Path) -> None:
    rows = [{"dialogue": d, "turn": t, "verdict": t % 3 > 0, "truth": d % 2} for d in range(12) for t in range(1, 101)]
    scores = evaluate_verdicts(written(tmp_path / "log.jsonl", rows)).scores["log"]
    assert scores["pass_rate_n"] == 1200
    assert math.isfinite(scores["self_verification_drift"])


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([{"dialogue": "a", "turn": 1, "said": True}], {}, "no column holds the verdict"),
        ([{"turn": 1, "verdict": True}], {}, "no column names the dialogue"),
        ([{"dialogue": "a", "verdict": True}], {}, "no column holds the turn"),
        ([{"dialogue": "a", "turn": 1, "verdict": True}], {"verdict": "ok"}, "has no column 'ok'"),
        ([{"dialogue": "a", "turn": 1, "verdict": True}], {"verdit": "verdict"}, "expected fields of"),
        ([{"dialogue": "a", "turn": 1, "verdict": None}], {}, "found none"),
    ],
    ids=range(6),
)
def test_what_is_no_log_is_refused(tmp_path: Path, rows: list[Row], columns: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        evaluate_verdicts(written(tmp_path / "log.jsonl", rows), columns=columns)


def test_turns_from_0_are_refused_as_everywhere(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"`files`: .*turns count from 1"):
        evaluate_verdicts(written(tmp_path / "log.jsonl", [{"dialogue": "a", "turn": 0, "verdict": True}]))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="expected a file"):
        evaluate_verdicts(tmp_path / "nothing.jsonl")
    with pytest.raises(ArgumentError, match="got none"):
        evaluate_verdicts([])

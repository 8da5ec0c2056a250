# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The gap between interleaved and isolated, from two logs."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imug_metrics import PairedGain
from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate_gap

ITEM = {"group.item": "item"}
Row = dict[str, Any]


def logs(seed: int = 0, dialogues: int = 40) -> tuple[list[Row], dict[str, float]]:
    """Dialogues whose turns rest on items of their own, which score less the later they come; and the items alone."""
    draw = np.random.default_rng(seed)
    rows, alone = [], {}
    for dialogue in range(dialogues):
        for turn in range(1, int(draw.integers(2, 6)) + 1):
            item = f"q{dialogue}-{turn}"
            alone[item] = float(draw.random())
            score = float(np.clip(alone[item] - 0.05 * turn + 0.05 * draw.standard_normal(), 0, 1))
            rows.append(
                {"dialogue": f"d{dialogue}", "turn": turn, "item": item, "score": score, "class": "AB"[dialogue % 2]}
            )
    return rows, alone


def write(folder: Path, rows: list[Row], alone: dict[str, float]) -> tuple[Path, Path]:
    a, b = folder / "a.jsonl", folder / "b.json"
    a.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    b.write_text(json.dumps([{"question_id": item, "answer": str(score)} for item, score in alone.items()]), "utf-8")
    return a, b


def test_it_is_paired_gain_and_a_recount(tmp_path: Path) -> None:
    rows, alone = logs()
    found = evaluate_gap(*write(tmp_path, rows, alone), columns=ITEM).gains["a"]
    metric = PairedGain(score_range=(0, 1), detail=True)
    metric.update(
        [row["score"] for row in rows],
        [alone[row["item"]] for row in rows],
        dialogue=[row["dialogue"] for row in rows],
        turn=[row["turn"] for row in rows],
    )
    expected = {key: float(value) for key, value in metric.compute().items()}
    overall = found["overall"]["all turns"]
    assert {key: overall[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    gaps = np.array([row["score"] - alone[row["item"]] for row in rows])
    turns = np.array([row["turn"] for row in rows])
    assert overall["paired_gain"] == pytest.approx(gaps.mean())
    for turn in (1, 2, 3):
        assert found["by_turn"][str(turn)]["paired_gain"] == pytest.approx(gaps[turns == turn].mean())
    in_class = np.array([row["class"] == "A" for row in rows])
    assert found["by_class"]["A"]["paired_gain"] == pytest.approx(gaps[in_class].mean())
    assert "by_item" not in found


def test_the_command_gives_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write(tmp_path, *logs())
    out = tmp_path / "out"
    assert main(["gain", "--a", str(a), "--b", str(b), "--columns-a", "group.item=item", "--out", str(out)]) == 0
    told = json.loads((out / "gap.json").read_text(encoding="utf-8"))
    expected = evaluate_gap(a, b, columns=ITEM).gains["a"]["overall"]["all turns"]
    assert told["models"]["a"]["overall"]["all turns"]["paired_gain"] == expected["paired_gain"]
    assert "all turns" in capsys.readouterr().out


def test_items_without_a_partner_are_counted_and_told(tmp_path: Path) -> None:
    rows, alone = logs()
    del alone["q0-1"], alone["q1-1"]
    alone["elsewhere"] = 0.5
    found = evaluate_gap(*write(tmp_path, rows, alone), columns=ITEM)
    overall = found.gains["a"]["overall"]["all turns"]
    assert overall["paired_gain_unpaired"] == 2
    assert overall["paired_gain_coverage"] == pytest.approx(1 - 2 / len(rows))
    assert found.alone == ["elsewhere"]
    assert [problem.level for problem in found.problems] == ["warning"]


def test_dialogues_that_share_an_item_are_one_cluster(tmp_path: Path) -> None:
    rows, alone = logs()
    pairs = [{**row, "item": f"q{int(row['dialogue'][1:]) // 2 * 2}-1"} for row in rows]
    found = evaluate_gap(*write(tmp_path, pairs, alone), columns=ITEM).gains["a"]["overall"]["all turns"]
    assert found["paired_gain_dialogues"] == 20
    assert found["paired_gain_n"] == len(rows)
    one = [{**row, "item": "q0-1"} for row in rows]
    found = evaluate_gap(*write(tmp_path, one, alone), columns=ITEM).gains["a"]["overall"]["all turns"]
    assert math.isnan(found["paired_gain_lower"])
    assert not math.isnan(found["paired_gain"])


def test_order_of_lines_changes_nothing(tmp_path: Path) -> None:
    rows, alone = logs()
    first = evaluate_gap(*write(tmp_path, rows, alone), columns=ITEM).gains["a"]["overall"]["all turns"]
    np.random.default_rng(1).shuffle(rows)  # type: ignore[arg-type]
    again = evaluate_gap(*write(tmp_path, rows, dict(reversed(alone.items()))), columns=ITEM)
    assert again.gains["a"]["overall"]["all turns"] == pytest.approx(first, nan_ok=True)


def test_the_isolated_log_may_be_a_table_of_answers(tmp_path: Path) -> None:
    prompt = "Which? A. red B. blue"
    rows = [
        {"dialogue": d, "turn": t, "item": f"q{d}{t}", "prompt": prompt, "text": "B" if t == 1 else "A", "target": "B"}
        for d in range(9)
        for t in (1, 2)
    ]
    a = tmp_path / "a.jsonl"
    a.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with (tmp_path / "b.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "prompt", "text", "target"])
        writer.writerows([f"q{d}{t}", prompt, "(B)", "B"] for d in range(9) for t in (1, 2))
    found = evaluate_gap(a, tmp_path / "b.csv", columns=ITEM).gains["a"]
    assert [found["by_turn"][turn]["paired_gain"] for turn in "12"] == [0, -1]


@pytest.mark.parametrize("form", ["chat", "vlmevalkit", "lmms-eval"])
def test_the_isolated_log_may_be_of_any_format(tmp_path: Path, form: str) -> None:
    prompt = "Which? A. red B. blue"
    rows: list[Row] = [
        {"dialogue": f"d{d}", "turn": t, "item": str(2 * d + t), "score": t % 2} for d in range(9) for t in (1, 2)
    ]
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    a.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    said = [{"role": "user", "content": prompt, "target": "B"}, {"role": "assistant", "content": "B"}]
    forms: dict[str, Row] = {
        "chat": {"messages": said},
        "vlmevalkit": {"question": "Which?", "A": "red", "B": "blue", "answer": "B", "prediction": "B", "hit": 1},
        "lmms-eval": {
            "target": "B",
            "doc": {"question": prompt},
            "arguments": [[prompt, {}]],
            "resps": [["B"]],
            "filtered_resps": ["B"],
            "exact_match": 1.0,
        },
    }
    key = {"chat": "id", "vlmevalkit": "index", "lmms-eval": "doc_id"}[form]
    b.write_text("\n".join(json.dumps({key: item, **forms[form]}) for item in range(1, 19)), encoding="utf-8")
    found = evaluate_gap(a, b, columns=ITEM).gains["a"]["overall"]["all turns"]
    assert (found["paired_gain"], found["paired_gain_n"]) == (-0.5, 18)


def test_without_a_column_the_dialogue_is_the_item(tmp_path: Path) -> None:
    rows = [{"dialogue": f"q{d}", "turn": t, "score": 0.5} for d in range(5) for t in (1, 2)]
    found = evaluate_gap(*write(tmp_path, rows, {f"q{d}": 1.0 for d in range(5)}))
    assert found.gains["a"]["overall"]["all turns"]["paired_gain"] == -0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 50.0}, "one scale"),
        ({"item": "another"}, "items that both logs hold: the interleaved log has another"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, change: Row, message: str) -> None:
    rows, alone = logs()
    with pytest.raises(ArgumentError, match=message):
        evaluate_gap(*write(tmp_path, [{**row, **change} for row in rows], alone), columns=ITEM)


def test_several_scores_have_to_be_named(tmp_path: Path) -> None:
    rows, alone = logs()
    both = [
        {"score.clip" if key == "score" else key: value for key, value in row.items()} | {"score.judge": 0.5}
        for row in rows
    ]
    files = write(tmp_path, both, alone)
    with pytest.raises(ArgumentError, match="several"):
        evaluate_gap(*files, columns=ITEM)
    with pytest.raises(ArgumentError, match="got 'clap'"):
        evaluate_gap(*files, columns=ITEM, score="clap")
    assert evaluate_gap(*files, columns=ITEM, score="clip").gains["a"]["overall"]["all turns"]["paired_gain"] < 0


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (["--encoder", "scene"], "--encoder"),
        (["--score", "none"], "--score"),
        (["--protocol", "imug"], "--protocol"),
        (["--benchmark", ".", "--kind", "exact"], "--kind"),
        (["--benchmark", ".", "--score", "x"], "--score"),
    ],
)
def test_options_of_the_other_form_are_refused(
    tmp_path: Path, arguments: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = write(tmp_path, *logs())
    assert main(["gain", "--a", str(a), "--b", str(b), *arguments]) == 2
    assert f"imug-metrics: {flag}" in capsys.readouterr().err


def test_folders_of_outputs_need_the_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, _ = write(tmp_path, *logs())
    question = tmp_path / "outputs/model/Cups/all/question_1"
    question.mkdir(parents=True)
    (question / "result.json").write_text('{"tasks": [{"turn": 1, "model_response": "A"}]}', encoding="utf-8")
    assert main(["gain", "--a", str(a), "--b", str(tmp_path / "outputs")]) == 2
    assert "--b: expected a log; folders of outputs are compared with --benchmark DIR" in capsys.readouterr().err

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics gain` and `imug-metrics score --reference-history` on small folders written by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.metrics.interval_reference import ratio_error, student_bounds

CLASSES = {"Hybrid": ["Cooking"], "Temporal Causal": ["Physics", "Weather"]}
KEYS = ["A", "B", "C", "D"]

Runs = dict[str, dict[str, list[str]]]  # by model: by sample, one answer a turn


def write_benchmark(root: Path, samples: dict[str, list[str]]) -> Path:
    """Samples "domain/subdomain/id" with one key a turn; a key "image" asks for an image."""
    (root / "data").mkdir(parents=True)
    (root / "config").mkdir()
    (root / "config/domain_classes.json").write_text(json.dumps(CLASSES))
    lines = []
    for name, keys in samples.items():
        tasks = [_task(turn, key) for turn, key in enumerate(keys, 1)]
        lines.append(dict(zip(("domain", "subdomain", "sample_id"), name.split("/")), tasks=tasks))
    (root / "data/benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def _task(turn: int, key: str) -> dict:
    if key == "image":
        return {"turn": turn, "modality": key, "input": [{"text": "draw a red star"}], "output": {}}
    return {"turn": turn, "modality": "text", "input": [{"text": "Which?"}], "output": {"answer": key}}


def write_run(root: Path, run: Runs) -> Path:
    """One folder a model; an answer "(255, 0, 0)" is an image of that colour, "" an absent answer."""
    for model, samples in run.items():
        for name, answers in samples.items():
            domain, subdomain, sample = name.split("/")
            folder = root / model / domain / subdomain / f"question_{sample}"
            folder.mkdir(parents=True)
            tasks = [{"turn": t, "model_response": answer} for t, answer in enumerate(answers, 1) if answer]
            for task in tasks:
                if task["model_response"].startswith("("):
                    colour = tuple(json.loads(f"[{task['model_response'][1:-1]}]"))
                    Image.new("RGB", (8, 8), colour).save(folder / f"turn_{task['turn']}_output.png")
            (folder / "result.json").write_text(json.dumps({"tasks": tasks}))
    return root


SAMPLES = {"Cooking/pan/1": KEYS[:2], "Cooking/pan/2": KEYS[:2], "Physics/fall/1": KEYS[:3], "Weather/rain/1": KEYS[:1]}
RIGHT = {name: list(keys) for name, keys in SAMPLES.items()}
# Wrong in the second turn of both Cooking samples and in the third of Physics.
WORSE = {**RIGHT, "Cooking/pan/1": ["A", "C"], "Cooking/pan/2": ["A", "D"], "Physics/fall/1": ["A", "B", "A"]}


@pytest.fixture
def gain(command, tmp_path):
    """Runs `imug-metrics gain` on a pair of runs and returns the exit code."""
    benchmark = write_benchmark(tmp_path / "bench", SAMPLES)

    def run(a: Runs, b: Runs, *more: str) -> int:
        for name, arm in (("a", a), ("b", b)):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
            write_run(tmp_path / name, arm)
        return command.run("gain", "--benchmark", benchmark, "--a", tmp_path / "a", "--b", tmp_path / "b", *more)

    run.command, run.out = command, tmp_path / "gain"
    return run


def written(gain) -> dict:
    return json.loads((gain.out / "gain.json").read_text(encoding="utf-8"))


def test_gain_is_given_overall_by_class_by_domain_and_by_turn(gain):
    assert gain({"m": RIGHT}, {"m": WORSE}, "--out", gain.out) == 0, gain.command.warned
    groups = written(gain)["models"]["m"]
    gains = {title: {name: row["paired_gain"] for name, row in rows.items()} for title, rows in groups.items()}
    assert gains == {
        "overall": {"all turns": 3 / 8},
        "by_class": {"Hybrid": 0.5, "Temporal Causal": 0.25},
        "by_domain": {"Cooking": 0.5, "Physics": pytest.approx(1 / 3), "Weather": 0},
        "by_turn": {"1": 0, "2": pytest.approx(2 / 3), "3": 1},
    }
    overall = groups["overall"]["all turns"]
    assert (overall["paired_gain_scores"], overall["paired_gain_baseline"]) == (1, 5 / 8)
    gained, records = np.array([1, 1, 1, 0]), np.array([2, 2, 3, 1])
    bounds = student_bounds(3 / 8, ratio_error(gained, records), records, gained > 0)[1:]
    assert [overall["paired_gain_lower"], overall["paired_gain_upper"]] == pytest.approx(bounds, abs=1e-12)
    assert overall["paired_gain_dialogues"] == 4
    # Within dialogues: Cooking 1/2 each over Sxx 1/2, Physics Sxy 1 over Sxx 2.
    assert overall["paired_gain_slope"] == pytest.approx((0.5 + 0.5 + 1) / (0.5 + 0.5 + 2))


def test_gain_prints_every_group_with_its_interval(gain):
    assert gain({"m": RIGHT, "n": RIGHT}, {"m": WORSE, "n": RIGHT}) == 0
    said = gain.command.said
    rows = {line.split()[0]: line for line in said.splitlines() if line.split()}
    for label in ("all", "Hybrid", "Temporal", "Cooking", "Physics", "Weather", "turn"):
        assert label in rows
    assert "+0.375" in said
    assert "0.018 to 0.732" in next(line for line in said.splitlines() if "all turns" in line)
    assert not gain.out.exists(), "nothing is written without --out"


def test_the_table_fits_eighty_columns_with_every_number_whole(gain, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    gain({"m": WORSE}, {"m": RIGHT})
    rows = [line for line in gain.command.said.splitlines() if line.strip()]
    assert max(map(len, rows[:-1])) <= 80
    (row,) = [line.split() for line in rows if "all turns" in line]
    assert row == ["all", "turns", "8", "0.62", "1.00", "▼", "−0.375", "−0.732", "to", "−0.018", "−0.667", "0"]
    (row,) = [line for line in rows if "Hybrid" in line]
    assert "−0.500" in row
    assert "…" not in row, "two dialogues that happen to agree have no interval"
    assert "▼" not in row, "two dialogues that happen to agree prove nothing"


def test_swapping_the_runs_turns_the_sign(gain):
    gain({"m": WORSE}, {"m": RIGHT}, "--out", gain.out)
    row = written(gain)["models"]["m"]["overall"]["all turns"]
    assert row["paired_gain"] == -3 / 8
    assert row["paired_gain_worse"] == 3 / 8


def test_absent_answers_are_unpaired_and_never_used(gain):
    lacking = {**WORSE, "Cooking/pan/1": ["A", ""], "Physics/fall/1": ["A", "ERROR: timed out", "A"]}
    assert gain({"m": RIGHT}, {"m": lacking}, "--out", gain.out) == 1
    row = written(gain)["models"]["m"]["overall"]["all turns"]
    assert (row["paired_gain"], row["paired_gain_unpaired"]) == (2 / 6, 2)
    assert row["paired_gain_coverage"] == 6 / 8
    problems = [json.loads(line) for line in (gain.out / "problems.jsonl").read_text().splitlines()]
    assert [p["field"] for p in problems if p["level"] == "error"] == ["turn 2"]


def test_the_protocol_decides_how_answers_are_scored(gain):
    wordy = {name: [f"The answer is {key}." for key in keys] for name, keys in SAMPLES.items()}
    for protocol, expected in (("strict", 0.0), ("imug", 0.5)):
        assert gain({"m": RIGHT}, {"m": wordy}, "--protocol", protocol, "--out", gain.out) == 0
        assert written(gain)["models"]["m"]["overall"]["all turns"]["paired_gain"] == expected
        assert written(gain)["protocol"] == protocol


def test_gain_compares_the_models_that_both_runs_hold(gain):
    runs = {"m": RIGHT, "n": RIGHT}, {"n": WORSE, "o": WORSE}
    assert gain(*runs, "--out", gain.out) == 0
    assert list(written(gain)["models"]) == ["n"]
    assert gain(*runs, "--model", "m") == 2
    assert "--model: expected a folder in" in gain.command.warned
    assert gain({"m": RIGHT}, {"o": WORSE}) == 2
    assert "one name at least is in both" in gain.command.warned


def test_questions_whose_key_depends_on_the_images_and_images_are_left_out(command, tmp_path):
    benchmark = write_benchmark(tmp_path / "bench", {"Cooking/pan/1": ["A", "<DYNAMIC>", "image"]})
    for name in ("a", "b"):
        write_run(tmp_path / name, {"m": {"Cooking/pan/1": ["A", "B"]}})
    arms = ("--a", tmp_path / "a", "--b", tmp_path / "b")
    assert command.run("gain", "--benchmark", benchmark, *arms, "--out", tmp_path / "gain") == 0, command.warned
    row = json.loads((tmp_path / "gain/gain.json").read_text())["models"]["m"]["overall"]["all turns"]
    assert (row["paired_gain_n"], row["paired_gain_unpaired"]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--a", "nowhere"], "--a: expected an existing folder"),
        (["--out", "a/gain"], "--out: expected a folder outside of"),
        (["--protocol", "loose"], "--protocol"),
    ],
)
def test_wrong_arguments_of_gain_are_named(gain, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert gain({"m": RIGHT}, {"m": RIGHT}, *arguments) == 2
    assert message in gain.command.warned.strip().splitlines()[-1]


# ---- score --reference-history ---------------------------------------------------------------------------------------

RED, OTHER = "(255, 0, 0)", "(10, 200, 90)"
STORY = {f"Cooking/pan/{n}": ["A", "image", "B", "image", "C"] for n in range(4)}
# On its own history the model errs at turn 5 in every sample and at turn 3 in two; the reference errs once each.
OWN = {f"Cooking/pan/{n}": ["A", RED, "D" if n < 2 else "B", OTHER, "D"] for n in range(4)}
REFERENCE = {f"Cooking/pan/{n}": ["D" if n == 0 else "A", RED, "B", RED, "C"] for n in range(4)}


@pytest.fixture
def histories(command, tmp_path):
    command.benchmark = write_benchmark(tmp_path / "bench", STORY)
    command.outputs = write_run(tmp_path / "own", {"m": OWN, "n": REFERENCE})
    command.reference = write_run(tmp_path / "reference", {"m": REFERENCE, "n": REFERENCE})
    return command


def test_reference_history_adds_exposure_bias_to_summary_table_and_report(histories):
    assert histories.score("--reference-history", str(histories.reference)) == 0, histories.warned
    m, n = (histories.json("summary.json")["models"][model] for model in "mn")
    # R(5) = 0 + 2/4 + 1, E(5) = 1/4: six times the errors.
    assert m["exposure_bias"] == pytest.approx(100 * (1.5 / 0.25 - 1))
    assert m["exposure_bias_scores"] == pytest.approx(6 / 12)
    assert m["exposure_bias_baseline"] == pytest.approx(11 / 12)
    assert m["exposure_bias_turn_5"] == 1
    assert m["exposure_bias_unpaired"] == 0
    assert n["exposure_bias"] == n["exposure_bias_mean"] == 0
    assert m["exposure_gap_alignment_turn_2"] == 0
    assert m["exposure_gap_alignment_turn_4"] != 0
    assert m["answer_accuracy"] == pytest.approx(6 / 12), "the scores themselves are those of the own history"
    assert "+500" in histories.said
    page = (histories.out / "report.html").read_text(encoding="utf-8")
    assert "reference history" in page
    assert "exposure_bias,5," in (histories.out / "per_turn.csv").read_text()
    assert histories.json("manifest.json")["reference_history"] == str(histories.reference)


def test_without_a_reference_nothing_is_said_of_exposure(histories):
    assert histories.score() == 0
    assert not [key for key in histories.json("summary.json")["models"]["m"] if key.startswith("exposure")]
    assert "reference history" not in (histories.out / "report.html").read_text(encoding="utf-8")


def test_a_change_of_the_reference_run_scores_again(histories):
    flag = ("--reference-history", str(histories.reference))
    histories.score()
    seen = histories.encoder.seen
    histories.score(*flag)
    assert histories.encoder.seen > seen, "the earlier run knew of no reference"
    first, seen = histories.json("summary.json"), histories.encoder.seen
    histories.score(*flag)
    assert histories.encoder.seen == seen
    assert histories.json("summary.json") == first
    path = next(histories.reference.glob("m/*/*/question_1/result.json"))
    path.write_text(path.read_text().replace('"B"', '"D"'))
    histories.score(*flag)
    assert histories.json("summary.json")["models"]["m"]["exposure_bias"] < first["models"]["m"]["exposure_bias"]


def test_a_model_without_a_reference_run_is_scored_and_warned_of(histories):
    shutil.rmtree(histories.reference / "n")
    assert histories.score("--reference-history", str(histories.reference)) == 0
    models = histories.json("summary.json")["models"]
    assert ("exposure_bias" in models["m"], "exposure_bias" in models["n"]) == (True, False)
    assert any("no exposure bias" in row["message"] for row in histories.rows("problems.jsonl"))


def test_what_the_reference_run_lacks_is_listed_and_unpaired(histories):
    path = next(histories.reference.glob("m/*/*/question_1/turn_4_output.png"))
    path.unlink()
    assert histories.score("--reference-history", str(histories.reference)) == 1
    assert histories.json("summary.json")["models"]["m"]["exposure_gap_alignment_unpaired"] == 1
    (problem,) = [row for row in histories.rows("problems.jsonl") if row["level"] == "error"]
    assert str(histories.reference) in problem["file"]


def test_questions_whose_key_depends_on_the_history_are_not_compared(histories, tmp_path):
    story = {name: ["A", "image", "<DYNAMIC>"] for name in STORY}
    histories.benchmark = write_benchmark(tmp_path / "dynamic", story)
    answers = tmp_path / "judged/m/dynamic_answer/m_dynamic_answer.jsonl"
    answers.parent.mkdir(parents=True)
    rows = [dict(zip(("domain", "subdomain", "sample_id"), name.split("/")), turn=3) for name in story]
    answers.write_text("".join(json.dumps({**row, "determined_answer": "B"}) + "\n" for row in rows))
    more = ("--reference-history", str(histories.reference), "--judged", str(tmp_path / "judged"), "--model", "m")
    histories.score(*more)
    m = histories.json("summary.json")["models"]["m"]
    assert m["answer_accuracy_n"] == 8
    assert (m["exposure_bias_n"], m["exposure_bias_unpaired"]) == (4, 0)


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "--reference-history: expected an existing folder"),
        ("bench", "--reference-history: expected a folder that holds one folder a model"),
        ("strangers", "expected a folder of one of the models"),
    ],
)
def test_a_wrong_reference_folder_is_named(histories, tmp_path, folder, message):
    (tmp_path / "strangers/another").mkdir(parents=True)
    assert histories.score("--reference-history", str(tmp_path / folder)) == 2
    assert message in histories.warned


def test_scores_may_not_be_written_into_the_reference_run(histories):
    histories.out = histories.reference / "scores"
    assert histories.score("--reference-history", str(histories.reference)) == 2
    assert "--out: expected a folder outside of" in histories.warned

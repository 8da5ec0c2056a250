# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `imug-metrics`: what it writes, what it keeps, what it says and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import inputs, result, scores

FILES = {"summary.json", "per_turn.csv", "items.jsonl", "manifest.json", "report.html", "problems.jsonl", "official"}
FILES |= {"evaluation.json", "samples.csv", "tables"}


def test_score_writes_everything_and_ends_with_0_when_all_is_there(command):
    command.mend("steady", "fading", "copying")
    assert command.score() == 0, command.warned
    assert {path.name for path in command.out.iterdir()} == FILES | {"models"}
    assert set(command.json("summary.json")["models"]) == {"steady", "fading", "copying"}
    assert command.rows("problems.jsonl") == []
    assert "steady" in command.said
    assert str(command.out / "report.html") in command.said
    assert command.json("manifest.json")["encoder"] == {"name": "tiny", "spec": "tiny", "fingerprint": "tiny"}


def test_gaps_in_the_outputs_end_with_1_and_are_listed(command):
    command.mend("steady", "fading", "copying")
    next(command.outputs.glob("fading/*/*/*/turn_*_output.png")).unlink()
    next(command.outputs.glob("steady/*/*/*/turn_*_output.png")).write_bytes(b"broken")
    assert command.score() == 1
    problems = [row for row in command.rows("problems.jsonl") if row["level"] == "error"]
    assert sorted("fading" in row["file"] for row in problems) == [False, True]
    assert set(problems[0]) == {"file", "line", "field", "message", "level"}
    assert "2 errors" in command.warned
    assert "problems.jsonl" in command.warned


def test_answers_that_could_not_be_read_are_counted_on_one_line_a_model(command):
    said = ["I cannot see the image.", "It is <b>red</b>\x1b[31m", "Désolé, je ne peux pas voir l'image.", "A cat"]
    paths = sorted((command.outputs / "steady").glob("*/*/*/result.json"))
    for path, reply in zip(paths, said):
        content = json.loads(path.read_text())
        answer = next(task for task in content["tasks"] if not task["model_response"].endswith(".png"))
        answer["model_response"] = reply
        path.write_text(json.dumps(content))
    command.score()
    lines = [line for line in command.warned.splitlines() if "could not be read" in line]
    assert len(lines) == 1
    assert re.fullmatch(
        rf"steady: \d of \d+ answers could not be read: .*2 declined.*; see {command.out / 'report.html'}", lines[0]
    )
    assert "\x1b" not in command.warned


def test_models_can_be_named(command):
    assert command.score("--model", "steady", "--model", "copying") in (0, 1)
    assert list(command.json("summary.json")["models"]) == ["steady", "copying"]


def test_limit_scores_the_first_samples(command):
    command.score("--limit", "2")
    assert len({row["dialogue"] for row in command.rows("items.jsonl")}) == 2
    assert command.json("manifest.json")["samples"] == 2


def test_missing_zero_lowers_the_score(command):
    command.mend("steady")
    for image in command.outputs.glob("steady/*/*/*/turn_1_output.png"):
        image.unlink()
    command.score("--model", "steady")
    skipped = command.json("summary.json")["models"]["steady"]["turn_alignment"]
    command.score("--model", "steady", "--missing", "zero")
    assert command.json("summary.json")["models"]["steady"]["turn_alignment"] < skipped


def test_a_second_run_scores_only_what_is_missing(command):
    command.score()
    first, whole = command.encoder.seen, (command.out / "summary.json").read_bytes()
    listed = (command.out / "problems.jsonl").read_bytes()
    command.score()
    assert command.encoder.seen == first
    assert (command.out / "summary.json").read_bytes() == whole
    assert (command.out / "problems.jsonl").read_bytes() == listed
    (command.out / "models" / "fading.json").unlink()
    command.score()
    alone = command.encoder.seen - first
    assert 0 < alone < first
    assert (command.out / "summary.json").read_bytes() == whole


@pytest.mark.parametrize("change", ["image", "result", "benchmark", "option", "encoder", "state", "overwrite"])
def test_a_change_of_what_a_score_depends_on_scores_again(command, change):
    command.score("--model", "steady")
    first, more = command.encoder.seen, []
    folder = next(path.parent for path in command.outputs.glob("steady/*/*/*/turn_*_output.png"))
    if change == "image":
        path = next(folder.glob("turn_*_output.png"))
        path.write_bytes(path.read_bytes() + b"\0")
    elif change == "result":
        path = folder / "result.json"
        path.write_text(path.read_text() + " ")
    elif change == "benchmark":
        path = command.benchmark / "data/benchmark.jsonl"
        path.write_text(path.read_text() + "\n")
    elif change == "state":
        path = command.out / "models/steady.json"
        path.write_bytes(path.read_bytes()[:-100])
    elif change == "encoder":
        command.encoder.fingerprint = "another"
    else:
        more = {"option": ["--missing", "zero"], "overwrite": ["--overwrite"]}[change]
    command.score("--model", "steady", *more)
    assert command.encoder.seen == 2 * first


def test_an_interrupted_run_keeps_what_was_finished(command, monkeypatch):
    original = scores.score_records

    def interrupted(records, *, model, **options):
        if model == "steady":  # the last by name
            raise KeyboardInterrupt
        return original(records, model=model, **options)

    monkeypatch.setattr(scores, "score_records", interrupted)
    assert command.score() == 130
    assert sorted(path.name for path in (command.out / "models").iterdir()) == ["copying.json", "fading.json"]
    assert not (command.out / "summary.json").exists()
    seen = command.encoder.seen
    monkeypatch.setattr(scores, "score_records", original)
    assert command.score() in (0, 1)
    assert set(command.json("summary.json")["models"]) == {"copying", "fading", "steady"}
    assert command.encoder.seen > seen


def test_a_failed_write_leaves_no_half_file(command, monkeypatch):
    command.score("--model", "steady")
    before = {path: path.read_bytes() for path in command.out.rglob("*") if path.is_file()}

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert command.score("--model", "steady", "--overwrite") == 3
    assert "No space left" in command.warned
    assert {path: path.read_bytes() for path in command.out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--benchmark", "nowhere"], "--benchmark: expected an existing folder"),
        (["--benchmark", "."], "--benchmark: expected a folder with data/benchmark.jsonl"),
        (["--outputs", "nowhere"], "--outputs: expected an existing folder"),
        (["--judged", "nowhere"], "--judged: expected an existing folder"),
        (["--out", "file"], "--out: expected a folder"),
        (["--out", "outputs/scores"], "--out: expected a folder outside of"),
        (["--model", "../steady"], "--model: expected a folder in"),
        (["--limit", "0"], "--limit: expected a number of samples from 1"),
        (["--outputs", "empty"], "--outputs: expected a folder that holds one folder a model"),
        (["--missing", "maybe"], "--missing"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line_without_a_traceback(command, monkeypatch, arguments, message):
    monkeypatch.chdir(command.root)
    (command.root / "empty").mkdir()
    (command.root / "file").write_text("")
    assert command.score(*arguments) == 2
    last = command.warned.strip().splitlines()[-1]
    assert message in last
    assert "Traceback" not in command.warned
    assert not command.out.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{}\n", "benchmark.jsonl:1: domain"),
        (b"", "benchmark.jsonl\n"),
        ("{}\n".encode("utf-16"), "expected UTF-8, found UTF-16 (little-endian): save it as UTF-8"),
        ("{}\n".encode("utf-32-be"), "expected UTF-8, found UTF-32 (big-endian)"),
        ('{"domain": "Küche"}\n'.encode("latin-1"), "it looks like Windows-1252 (Latin-1)"),
        ('{"domain": "料理"}\n'.encode("gb18030"), "expected UTF-8, found byte 0xc1"),
        (b'[{"domain": "x"},\n{}]', "not an array"),
        (b'{"domain": "x"}\r{"domain": "x"}\r', "in CR alone"),
        (b'{"sampleid": 1, "domain": "x", "subdomain": "y"}\n', "sample_id"),
        (b"{" * 100_000, "benchmark.jsonl:1: expected JSON"),
    ],
)
def test_a_benchmark_without_a_readable_sample_is_refused_with_the_reason(command, content, why):
    (command.benchmark / "data/benchmark.jsonl").write_bytes(content)
    assert command.score() == 2
    assert "found no sample that can be read" in command.warned
    assert why in command.warned


def test_an_encoder_that_does_not_load_is_a_usage_error(command, monkeypatch):
    def refuse(spec, device=None):
        raise ArgumentError("spec", f"{spec} does not load: no weights")

    monkeypatch.setattr(inputs, "load_encoder", refuse)
    assert command.score() == 2
    assert command.warned.startswith("imug-metrics: --encoder: tiny does not load")
    assert not command.out.exists()


def test_a_missing_package_is_named_with_its_extra(command, monkeypatch):
    def absent(spec, device=None):
        raise ModuleNotFoundError("open_clip is not installed: pip install imug_metrics[openclip]")

    monkeypatch.setattr(inputs, "load_encoder", absent)
    assert command.score() == 3
    assert "imug_metrics[openclip]" in command.warned


def test_an_error_of_the_program_is_told_apart(command, monkeypatch):
    monkeypatch.setattr(result, "write_report", lambda *a, **k: 1 / 0)
    assert command.score() == 70
    assert "ZeroDivisionError" in command.warned


def test_the_default_encoder_says_what_it_is_for(command):
    command.run("score", "--benchmark", command.benchmark, "--outputs", command.outputs, "--out", command.out)
    assert "--encoder" in command.warned
    command.score()
    assert "rendered scenes" not in command.warned


def test_demo_scores_its_three_models_and_ends_with_0(command):
    out = command.root / "imug-demo"
    assert command.run("demo", "--out", out, "--dialogues", 3, "--seed", 1) == 0, command.warned
    command.out = out
    assert list(command.json("summary.json")["models"]) == ["steady", "fading", "copying"]
    assert command.run("demo", "--out", out, "--dialogues", 3, "--seed", 1) == 0, command.warned


def test_demo_refuses_folders_that_are_not_its_own(command):
    assert command.run("demo", "--out", command.root) == 2
    assert command.warned.startswith("imug-metrics: --out: ")
    assert command.run("demo", "--dialogues", 0) == 2
    assert "--dialogues" in command.warned


def test_version_and_help_end_with_0(command):
    assert command.run("--version") == 0
    assert command.said.startswith("imug-metrics ")
    assert command.run("score", "--help") == 0
    assert "exit codes" in command.said
    assert command.run() == 2


def test_the_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "imug_metrics.cli", "--version"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("imug-metrics ")
    assert done.stderr == ""


@pytest.mark.parametrize(("suffix", "code"), [("", 0), ("_gaps", 1)])
def test_the_recorded_run_gives_the_official_summary(golden, command, suffix, code):
    root, official = golden / "pipeline", f"official{suffix}"
    command.benchmark, command.outputs = root, root / f"model_outputs{suffix}"
    assert command.score("--judged", str(root / official)) == code
    for name in ("summary.json", "summary.md"):
        ours, theirs = (command.out / "official" / name), (root / official / "summary" / name)
        assert ours.read_text(encoding="utf-8") == theirs.read_text(encoding="utf-8")
    for path in (root / official).glob("*/score_mcq/*.jsonl"):
        ours = command.out / "official" / path.relative_to(root / official)
        assert ours.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")
    overall = json.loads((root / official / "summary/summary.json").read_text())["models"]
    scores = command.json("summary.json")["models"]
    for model, found in overall.items():
        assert round(100 * scores[model]["answer_accuracy_imug"], 2) == found["overall"]["text"]["mean"]
        assert scores[model]["answer_accuracy_imug_n"] == found["overall"]["text"]["count"]


def test_without_judgements_the_official_summary_says_what_it_lacks(golden, command):
    root = golden / "pipeline"
    command.benchmark, command.outputs = root, root / "model_outputs"
    assert command.score("--model", "alpha_strong") == 0
    cell = command.json("official/summary.json")["models"]["alpha_strong"]["overall"]
    contents = command.json("official/contents.json")["models"]["alpha_strong"]
    assert cell["image"] == {"mean": None, "count": 0}
    assert cell["text"]["count"] == contents["text_scored"] < contents["text_turns"]
    assert contents["text_turns"] == contents["text_scored"] + contents["dynamic_unresolved"]
    assert not contents["complete"]
    assert "partial" in command.warned
    assert "recorded judgements" in json.dumps(command.rows("problems.jsonl"))

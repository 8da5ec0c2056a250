# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics score` with a judge behind a local server: official numbers, resuming, failures, agreement, secrets."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from imug_metrics.protocols import imug
from tests.judges.server import Server, text_of
from tests.protocols.imug.recorded import RUNS, RecordedJudge

pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("cv2", reason="OpenCV is not installed")

KEY = "sk-not-to-be-seen-0123456789"


class Judged:
    """Scores recorded outputs with a server that gives the recorded replies."""

    def __init__(self, command, golden: Path, run: tuple[str, str, str] = RUNS[0]) -> None:
        requests, outputs, official = run
        root = golden / "pipeline"
        self.command, self.official, self.judge = command, root / official, RecordedJudge(root / requests)
        command.benchmark, command.outputs = root, root / outputs

    def reply(self, body):
        return self.judge.reply(body) or {"error": {"message": "not in the recorded run"}}

    def score(self, server: Server, *more: str) -> int:
        return self.command.score("--judge-url", server.url, "--judge-model", "random-judge", *more)


@pytest.mark.parametrize(("run", "code"), [(RUNS[0], 0), (RUNS[1], 1)])
def test_replayed_replies_give_the_official_summary(command, golden, run, code):
    judged = Judged(command, golden, run)
    with Server(judged.reply) as server:
        assert judged.score(server) == code, command.warned
        asked = len(server.bodies)
        assert judged.score(server) == code
        assert len(server.bodies) == asked, "a second run asks nothing"
    assert set(judged.judge.asked) == set(judged.judge.replies), "every recorded request, and no other"
    ours = command.json("official/summary.json")
    theirs = json.loads((judged.official / "summary/summary.json").read_text())
    ties = json.loads((judged.official / "order_sensitive.json").read_text())
    assert cells(ours).keys() == cells(theirs).keys()
    for place, value in cells(theirs).items():
        loose = any(place == f"models/{tie}/mean" for tie in ties)
        assert cells(ours)[place] == (pytest.approx(value, abs=0.0101) if loose else value), place
    for kind, read in (("dynamic_answer", imug.read_keys), ("score_img", imug.read_points)):
        for model in theirs["models"]:
            found, recorded = (
                read(folder, model, imug.Problems()) for folder in (command.out / "official", judged.official)
            )
            as_set = (lambda rows: rows) if isinstance(found, dict) else set
            assert as_set(found) == as_set(recorded), (kind, model)
    scores = command.json("summary.json")["models"]
    for model, content in theirs["models"].items():
        assert round(100 * scores[model]["point_score_imug"], 2) == content["overall"]["image"]["mean"]
        for name, group in content["by_class"].items():
            for score, kind in (("answer_accuracy_imug", "text"), ("point_score_imug", "image")):
                stem = f"{score}[class={name}]"
                assert scores[model].get(f"{stem}_n", 0) == group[kind]["count"]
                assert group[kind]["mean"] is None or abs(100 * scores[model][stem] - group[kind]["mean"]) < 0.0051


def cells(value, place="") -> dict[str, object]:
    if not isinstance(value, dict):
        return {place: value}
    return {
        name: cell for key, part in value.items() for name, cell in cells(part, f"{place}/{key}".strip("/")).items()
    }


def small(command) -> Server:
    """The demo's benchmark, and a server whose replies depend on the request alone."""
    command.mend("steady", "fading", "copying")
    return Server(points_reply)


def points_reply(body) -> str:
    text = text_of(body)
    count = sum(line[:1].isdigit() for line in text.partition("[Evaluation Points List]:")[2].splitlines())
    rows = [{"point_id": n + 1, "score": (len(text) + 3 * n) % 6, "reason": "<b>so</b>"} for n in range(count)]
    return json.dumps({"evaluation_results": rows, "determined_answer": "A"})


def test_failures_are_counted_shown_and_asked_again_on_request(command):
    with small(command) as server:
        refused = {"turn": lambda body, attempt: (400, {}) if "(Turn 1 output image)" in text_of(body) else None}
        server.fault = refused["turn"]
        assert command.score("--model", "steady", "--judge-url", server.url, "--judge-model", "m") == 1
        failed = sum(command.json("summary.json")["judges"]["steady"]["failures"].values())
        listed = [row for row in command.rows("problems.jsonl") if "no judgement" in row["message"]]
        assert failed == len(listed) > 0
        assert {row["file"] for row in listed} == {str(command.out / "judge/steady.jsonl")}
        assert f"{failed} judgements failed" in command.warned
        assert f"lacks {failed} judgements" in (command.out / "report.html").read_text()
        assert str(failed) in command.said.partition("Judged images")[2]
        before = command.json("summary.json")["models"]["steady"]["point_score_coverage"]
        # Where there was no reply the next run asks again; it gets replies that cannot be used.
        asked, server.fault, server.reply = len(server.bodies), lambda body, attempt: None, lambda body: "I cannot say."
        assert command.score("--model", "steady", "--judge-url", server.url, "--judge-model", "m") == 1
        assert f"{failed} judgements failed ({failed} image: no_object)" in command.warned
        assert len(server.bodies) == asked + failed
        asked, server.reply = len(server.bodies), points_reply
        assert command.score("--model", "steady", "--judge-url", server.url, "--judge-model", "m") == 1
        assert len(server.bodies) == asked
        more = ("--retry-errors", "--judge-url", server.url, "--judge-model", "m")
        assert command.score("--model", "steady", *more) == 0, command.warned
        assert len(server.bodies) == asked + failed
    assert command.json("summary.json")["models"]["steady"]["point_score_coverage"] == 1.0 > before
    assert "refused" not in command.warned


def test_repeats_and_people_show_how_far_the_judge_agrees(command, tmp_path):
    with small(command) as server:
        judge = ("--model", "steady", "--judge-url", server.url, "--judge-model", "m")
        assert command.score(*judge, "--repeats", "2") == 0, command.warned
        own = command.json("summary.json")["judges"]["steady"]["agreement"]
        assert (own["points"]["identical"], own["points"]["spread"]) == (1.0, 0.0)
        items = [row for row in command.rows("items.jsonl") if row["points"]]
        rows = [
            {"dialogue": row["dialogue"], "turn": row["turn"], "point": n + 1, "score": 5 - point}
            for row in items
            for n, point in enumerate(row["points"])
        ]
        (tmp_path / "people.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert command.score(*judge, "--human", str(tmp_path / "people.jsonl")) == 0, command.warned
        people = command.json("summary.json")["judges"]["steady"]["agreement"]
    assert people["points"]["human_pearson"] == pytest.approx(-1)
    assert people["points"]["human_units"] == len(rows)
    assert "-1.00" in (command.out / "report.html").read_text().replace("−", "-")


def test_a_score_is_the_mean_over_all_repeats_and_official_points_are_the_first(command):
    with small(command) as server:
        asked = Counter()

        def moody(body):
            """Points that rise by one each time they are asked for, and fall back to 0 after 5."""
            asked[json.dumps(body)] += 1
            content = json.loads(points_reply(body))
            for row in content["evaluation_results"]:
                row["score"] = (row["score"] + asked[json.dumps(body)] - 1) % 6
            return json.dumps(content)

        server.reply = moody
        judge = ("--model", "steady", "--judge-url", server.url, "--judge-model", "m")
        assert command.score(*judge) == 0, command.warned
        once = {(row["dialogue"], row["turn"]): row["points"] for row in command.rows("items.jsonl") if row["points"]}
        assert command.score(*judge, "--repeats", "3") == 0, command.warned
    rows = [row for row in command.rows("items.jsonl") if row["points"] and "Geometric" not in row["dialogue"]]
    assert len(rows) >= 10
    for row in rows:
        assert row["points"] == once[row["dialogue"], row["turn"]], "one answer makes the official score"
        said = [(point + repeat) % 6 for point in row["points"] for repeat in range(3)]
        assert row["points_strict"] == pytest.approx(sum(said) / len(said) / 5)
    noise = command.json("summary.json")["judges"]["steady"]["repeats"]
    assert noise["variance"]["repeat"] > 0
    assert noise["width"]["inf"] < noise["width"]["3"] < noise["width"]["1"] == 1


def test_people_on_some_images_carry_over_to_all(command, tmp_path):
    with small(command) as server:
        judge = ("--judge-url", server.url, "--judge-model", "m", "--model", "steady", "fading")
        command.score(*judge)
        items = [row for row in command.rows("items.jsonl") if row["points"]]
        rows = [
            {
                "model": row["model"],
                "dialogue": row["dialogue"],
                "turn": row["turn"],
                "score": 5 * row["points_strict"] * (0.5 if row["model"] == "steady" else 1.0),
            }
            for place, row in enumerate(items)
            if place % 3
        ]
        (tmp_path / "people.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        people = ("--human", str(tmp_path / "people.jsonl"))
        assert command.score(*judge, *people) == 0, command.warned
    summary = command.json("summary.json")
    for model in ("steady", "fading"):
        scores = summary["models"][model]
        mine = [row for row in rows if row["model"] == model]
        assert scores["point_score_powered_labelled"] == len(mine)
        assert scores["point_score_powered_records"] == sum(row["model"] == model for row in items)
        assert scores["point_score_human"] == pytest.approx(sum(row["score"] for row in mine) / len(mine) / 5)
        assert scores["point_score_powered_lower"] < scores["point_score_powered"] < scores["point_score_powered_upper"]
    difference = summary["judges"]["steady"]["differences"]["fading"]
    assert difference["difference"] < 0
    assert "differences" not in summary["judges"]["fading"]


def test_people_may_score_whole_turns_in_a_csv_of_several_models(command, tmp_path):
    with small(command) as server:
        judge = ("--judge-url", server.url, "--judge-model", "m")
        command.score(*judge, "--model", "steady", "fading")
        items = [row for row in command.rows("items.jsonl") if row["points"]]
        lines = [
            f"{row['model']},{row['dialogue']},{row['turn']},{sum(row['points']) / len(row['points'])}" for row in items
        ]
        lines += ["copying,x,1,2", "steady,nowhere/at/all,1,2"]
        text = "\r\n".join(["model,dialogue,turn,score", *lines]).replace(",", ";")  # as a spreadsheet saves it
        (tmp_path / "people.csv").write_text(text, encoding="utf-8-sig")
        people = ("--human", str(tmp_path / "people.csv"))
        assert command.score(*judge, "--model", "steady", "fading", *people) == 0, command.warned
    left_out = [row for row in command.rows("problems.jsonl") if row["file"].endswith("people.csv")]
    assert [(row["field"], row["level"]) for row in left_out] == [("model", "warning"), ("dialogue", "warning")]
    for judge in command.json("summary.json")["judges"].values():
        assert judge["agreement"]["turns"]["human_alpha"] == pytest.approx(1)


def test_the_strict_protocol_asks_its_own_requests(command):
    with small(command) as server:
        judge = ("--model", "steady", "--judge-url", server.url, "--judge-model", "m")
        assert command.score(*judge, "--judge-protocol", "both") == 0, command.warned
        both = [body.get("response_format") is not None for body in server.bodies]
        assert {True, False} == set(both)
        first = len(both)
        assert command.score(*judge, "--judge-protocol", "strict") == 0
        assert len(server.bodies) == first, "the journal has both"
    scores = command.json("summary.json")["models"]["steady"]
    assert "point_score" in scores
    assert "point_score_imug" not in scores
    assert command.json("official/summary.json")["models"]["steady"]["overall"]["image"]["count"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--judge-url", "http://localhost:1/v1"], "--judge-model: Expected argument `model`"),
        (["--judge-url", "ftp://x", "--judge-model", "m"], "http or https URL"),
        (
            ["--judge-url", "http://localhost:1/v1", "--judge-model", "m", "--judged", "bare"],
            "--judged: expected without",
        ),
        (["--judge-url", "http://localhost:1", "--judge-model", "m", "--judge-local", "m"], "--judge-local"),
        (["--judge-url", "http://localhost:1", "--judge-model", "m", "--repeats", "0"], "--repeats"),
        (["--judge-url", "http://localhost:1", "--judge-model", "m", "--judge-concurrency", "0"], "concurrency"),
        (["--judge-url", "http://localhost:1", "--judge-model", "m", "--official-prompts", "."], "--official-prompts"),
        (["--judge-url", "http://localhost:1", "--judge-model", "m", "--human", "none.csv"], "--human"),
        (["--judge-local", "nowhere/at/all"], "--judge-local"),
        (["--human", "people.csv"], "--human: expected together with"),
    ],
)
def test_wrong_arguments_of_the_judge_are_named(command, monkeypatch, arguments, message):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(command.root)
    (command.root / "bare").mkdir()
    assert command.score(*arguments) == 2, command.warned
    assert message in command.warned
    assert not command.out.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "people.jsonl:1: expected dialogue, turn and score"),
        ("{broken", "people.jsonl:1: expected JSON"),
        ('{"dialogue": "x", "turn": 1, "score": 9, "model": "steady"}', "not from 0 to 5"),
        ('{"dialogue": "x", "turn": 1, "score": 4}', "more than one is scored"),
        ("[]", "people.jsonl:1"),
        ("", "found no score"),
        (b"\xff", "--human"),
    ],
)
def test_a_file_of_people_that_does_not_read_is_refused(command, content, message):
    path = command.root / "people.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert command.score("--judge-url", "http://localhost:1", "--judge-model", "m", "--human", str(path)) == 2
    assert message in command.warned


def test_the_key_is_sent_and_shown_nowhere(command, monkeypatch, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    said = ""
    with small(command) as server:
        kinds = iter([(401, {}), (500, {}), "cut", "malformed", "truncated"] * 1000)
        echo = {"text": f"you sent {KEY}"}
        server.reply = lambda body: f"{echo['text']}: {points_reply(body)}"
        server.fault = lambda body, attempt: next(kinds) if attempt < 2 else None
        url = server.url.replace("//", "//someone:pass-word-0123456789@")
        for address, sent in ((server.url, KEY), (url, "pass-word-0123456789")):
            echo["text"] = f"you sent {sent}"
            command.score("--model", "steady", "--judge-url", address, "--judge-model", "m", "--retry-errors")
            said += command.said + command.warned
        heads = [headers.get("authorization", "") for headers in server.headers]
    assert any(KEY in head for head in heads), "the server was sent the key"
    assert any(head.startswith("Basic ") for head in heads)
    files = {path: path.read_bytes().decode("utf-8", "replace") for path in command.out.rglob("*") if path.is_file()}
    assert any("judge/" in str(path) for path in files)
    for where, text in {**files, "said": said, "log": caplog.text}.items():
        assert KEY not in text, where
        assert "pass-word-0123456789" not in text, where


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_numbers(command, tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from tests.cli.conftest import TinyEncoder; from imug_metrics.cli import main\n"
        "from imug_metrics.evaluation import inputs\n"
        "inputs.load_encoder = lambda spec, device=None: TinyEncoder()\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    root = str(Path(__file__).resolve().parents[2])
    with small(command) as server:
        server.latency = 0.05
        judge = ("--judge-url", server.url, "--judge-model", "m", "--judge-concurrency", "2")
        folders = ("--benchmark", command.benchmark, "--outputs", command.outputs, "--out", tmp_path / "killed")
        arguments = [sys.executable, "-c", program, root, "score", *folders, "--encoder", "tiny", *judge]
        process = subprocess.Popen([str(part) for part in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        journal = tmp_path / "killed" / "judge" / "copying.jsonl"
        while process.poll() is None and not (journal.is_file() and journal.stat().st_size > 1000):
            time.sleep(0.02)
        assert process.poll() is None, process.stderr.read().decode()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        server.latency, lost = 0.0, len(server.bodies)
        assert command.score(*judge) == 0
        whole = len(server.bodies) - lost
        server.bodies.clear()
        expected, command.out = command.json("summary.json"), tmp_path / "killed"
        assert command.score(*judge) == 0
        assert whole - lost <= len(server.bodies) < whole, "only what is missing is asked"
    assert command.json("summary.json") == expected

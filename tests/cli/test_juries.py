# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics judge`: two judges behind servers of their own, killed and resumed, and recorded judgements."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.cli import main
from imug_metrics.demo import write_demo_benchmark
from tests.judges.server import Server, text_of

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

MODELS, DIALOGUES, TURNS = ("alpha-1", "beta-1"), 5, 2


class FakeJudge:
    """Answers every question of a list: no where its number is in `refuses`; hangs after so many replies."""

    def __init__(self, refuses: tuple[int, ...] = (), hangs_after: int | None = None) -> None:
        self.refuses, self.hangs_after = refuses, hangs_after
        self.answered: Counter[str] = Counter()
        self.server: Server | None = None

    def reply(self, body: dict[str, Any]) -> str:
        text = text_of(body)
        self.answered[json.dumps(body["messages"])] += 1
        asked = re.findall(r"^(\d+)\. (?:Is|Does|Are)", text, re.MULTILINE)
        rows = [{"id": int(n), "answer": "no" if int(n) in self.refuses else "yes"} for n in asked]
        return "Here it is:\n```json\n" + json.dumps({"answers": rows}) + "\n```"

    def fault(self, body: dict[str, Any], attempt: int) -> Any:
        if self.hangs_after is not None and sum(self.answered.values()) >= self.hangs_after:
            assert self.server is not None
            self.server.latency = 60
        return None


def write_data(root: Path) -> tuple[Path, Path]:
    """Outputs of two models, and a checklist of wishes that hold on."""
    outputs = root / "outputs.jsonl"
    with outputs.open("w", encoding="utf-8") as file:
        for model in MODELS:
            for dialogue in range(DIALOGUES):
                for turn in range(1, TURNS + 1):
                    text = f"A {'long ' * dialogue}answer of {model}."
                    row = {"model": model, "dialogue": f"d{dialogue}", "turn": turn, "prompt": "Tell.", "text": text}
                    file.write(json.dumps(row) + "\n")
    checklist = root / "items.csv"
    with checklist.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "dialogue", "turn", "question", "expected", "weight", "category", "persists"])
        table.writerow(["any", "", "", "Is it an answer?", "yes", 2, "form", ""])
        for dialogue in range(DIALOGUES):
            table.writerow(
                [f"w{dialogue}", f"d{dialogue}", 1, "Does it keep to the first wish?", "yes", 1, "wish", "yes"]
            )
            table.writerow([f"n{dialogue}", f"d{dialogue}", 2, "Is anything wrong?", "no", 1, "form", ""])
    return outputs, checklist


def arguments(root: Path, first: Server, second: Server) -> list[str]:
    outputs, checklist = write_data(root)
    asked = ["judge", outputs, "--checklist", checklist, "--out", root / "out", "--judge-concurrency", 1]
    judges = ["--judge-model", "judge-a", "judge-b", "--judge-url", first.url, second.url]
    return [str(part) for part in [*asked, *judges]]


def test_two_judges_killed_and_resumed_are_asked_nothing_twice(tmp_path: Path, capsys: Any) -> None:
    patient, hanging = FakeJudge(), FakeJudge((1,), hangs_after=4)
    with Server(patient.reply) as first:
        with Server(hanging.reply, hanging.fault) as second:
            hanging.server = second
            command = arguments(tmp_path, first, second)
            process = subprocess.Popen(
                [sys.executable, "-m", "imug_metrics.cli", *command],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OPENAI_API_KEY": "sk-x"},
            )  # fmt: skip
            journal = tmp_path / "out/journals/judge-b.jsonl"
            until = time.monotonic() + 60
            while time.monotonic() < until and not (journal.is_file() and journal.read_text().count("\n") >= 4):
                time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        resumed = FakeJudge((1,))
        with Server(resumed.reply) as second:
            code = main(arguments(tmp_path, first, second))
    assert code == 0, capsys.readouterr()
    requests = len(MODELS) * DIALOGUES * TURNS
    assert len(patient.answered) == requests
    assert set(patient.answered.values()) == {1}, "the first judge was asked everything once, before the kill"
    known = {body for body, _ in hanging.answered.most_common(4)}
    assert len(resumed.answered) == requests - 4
    assert not known & set(resumed.answered), "what was answered before the kill is not asked again"
    found = json.loads((tmp_path / "out/jury.json").read_text())
    assert set(found["judges"]) == {"judge-a", "judge-b"}
    assert found["judges"]["judge-a"]["asked"] == requests
    again = FakeJudge()
    with Server(again.reply) as first, Server(again.reply) as second:
        command = arguments(tmp_path, first, second)
        assert main(command) == 0
    assert not again.answered, "a third run asks nothing"


def test_what_the_judges_say_is_scored_and_told(tmp_path: Path, capsys: Any) -> None:
    mild, strict = FakeJudge(), FakeJudge((1, 2, 3))
    with Server(mild.reply) as first, Server(strict.reply) as second:
        assert main(arguments(tmp_path, first, second)) == 0
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "out/jury.json").read_text())
    of_turns = [(1 + 1) / 2, (1 + 1 + 0) / 3]  # yes to all, of which "wrong" at turn 2 expects a no
    assert found["scores"]["judge-a"]["alpha-1"]["value"] == pytest.approx(sum(of_turns) / 2)
    assert found["scores"]["judge-b"]["alpha-1"]["value"] == pytest.approx((0 + 1 / 3) / 2)
    assert "judge-b" in said
    lists = found["checklists"]["judge-b"]["alpha-1"]
    assert lists["checklist_score_kept"] == 0.0, "the wish of turn 1 at turn 2"
    assert lists["checklist_score_new"] == pytest.approx(1 / 4), "any and wish at turn 1; any and wrong at turn 2"
    assert lists["checklist_score_category_wish"] == 0.0
    rows = [json.loads(line) for line in (tmp_path / "out/judgements.jsonl").read_text().splitlines()]
    kept = [row for row in rows if row["item"] == "w0" and row["turn"] == 2]
    assert {row["asked"] for row in kept} == {1}, "a wish of turn 1 is asked again at turn 2"
    page = (tmp_path / "out/report.html").read_text()
    assert "Can the judge be believed?" in page
    assert main(["judge", "--judgements", str(tmp_path / "out/judgements.jsonl")]) == 0
    assert "judge-b" in capsys.readouterr().out


def test_a_judge_that_fails_is_told_and_costs_its_answers_alone(tmp_path: Path, capsys: Any) -> None:
    good = FakeJudge()
    with Server(good.reply) as first, Server(lambda body: "I would rather not.") as second:
        assert main(arguments(tmp_path, first, second)) == 1
    said = capsys.readouterr().out
    assert "failed 20 of 20 requests" in said
    found = json.loads((tmp_path / "out/jury.json").read_text())
    assert found["judges"]["judge-b"]["failed"] == {"no_object": 20}
    assert found["scores"]["judge-b"]["alpha-1"]["value"] is None
    assert found["scores"]["judge-a"]["alpha-1"]["outputs"] == DIALOGUES * TURNS


def judge_command(root: Path, url: str, *more: str) -> list[str]:
    outputs, checklist = write_data(root)
    asked = ["judge", outputs, "--checklist", checklist, "--out", root / "out", "--judge-url", url]
    return [*map(str, asked), *more]


def test_a_judge_that_is_added_before_the_others_leaves_their_answers_as_they_are(tmp_path: Path, capsys: Any) -> None:
    judge = FakeJudge()
    with Server(judge.reply) as server:
        assert main(judge_command(tmp_path, server.url, "--judge-model", "b/x", "b_x")) == 0
        server.bodies.clear()
        assert main(judge_command(tmp_path, server.url, "--judge-model", "a", "b_x", "b/x")) == 0
    assert {body["model"] for body in server.bodies} == {"a"}
    assert len(list((tmp_path / "out/journals").glob("*.jsonl"))) == 3


def test_where_no_judge_answers_the_first_reason_is_told(tmp_path: Path, capsys: Any) -> None:
    with Server(lambda body: "I would rather not.") as server:
        assert main(judge_command(tmp_path, server.url, "--judge-model", "a", "b")) == 2
    assert "--judge-model: expected judges that answer, got no answer; a: no_object" in capsys.readouterr().err


def test_grades_of_people_are_shares_of_the_best(tmp_path: Path, capsys: Any) -> None:
    people = tmp_path / "people.csv"
    rows = [f"anna,{model},d{d},{turn},{d}" for model in MODELS for d in range(DIALOGUES) for turn in (1, 2)]
    people.write_text("\n".join(["judge,model,dialogue,turn,score", *rows]))
    with Server(FakeJudge().reply) as server:
        command = judge_command(tmp_path, server.url, "--judge-model", "a", "--judgements", str(people))
        assert main([*command, "--people", "anna"]) == 2
        assert "--best" in capsys.readouterr().err
        assert main([*command, "--people", "ana", "--best", "4"]) == 2
        assert "--people" in capsys.readouterr().err
        assert not server.bodies, "what is wrong with the options is told before judges are asked"
        assert main([*command, "--people", "anna", "--best", "4"]) == 0
    written = [json.loads(line) for line in (tmp_path / "out/judgements.jsonl").read_text().splitlines()]
    assert {row["value"] for row in written if row["judge"] == "anna"} == {0.0, 0.25, 0.5, 0.75, 1.0}
    found = json.loads((tmp_path / "out/jury.json").read_text())
    lenient = [bias["value"] for bias in found["biases"] if (bias["bias"], bias["beside"]) == ("leniency", "people")]
    assert lenient == [pytest.approx(5 / 6 - 1 / 2)]


def test_items_of_a_turn_that_no_dialogue_has_are_told(tmp_path: Path, capsys: Any) -> None:
    outputs, checklist = write_data(tmp_path)
    checklist.write_text("question,turn\nIs it an answer?,7\n")
    command = ["judge", str(outputs), "--checklist", str(checklist), "--out", str(tmp_path / "out")]
    assert main([*command, "--judge-url", "http://127.0.0.1:9", "--judge-model", "a"]) == 2
    assert "--checklist: expected items that concern an output" in capsys.readouterr().err


def test_points_of_the_benchmark_as_yes_or_no_and_as_grades(tmp_path: Path, capsys: Any) -> None:
    write_demo_benchmark(tmp_path / "demo", dialogues=4)
    judge = FakeJudge()

    def reply(body: dict[str, Any]) -> str:
        text = text_of(body)
        points = re.findall(r"^(\d+)\. ", text.partition("[Evaluation Points List]:")[2], re.MULTILINE)
        if not points:
            return judge.reply(body)
        return json.dumps({"evaluation_results": [{"point_id": int(n), "score": 4} for n in points]})

    folders = ["--benchmark", str(tmp_path / "demo/benchmark"), "--outputs", str(tmp_path / "demo/outputs")]
    with Server(reply) as server:
        asked = ["--judge-url", server.url, "--judge-model", "one", "--ask", "both", "--out", str(tmp_path / "out")]
        code = main(["judge", *folders, *asked, "--family", "one=none"])
    found = json.loads((tmp_path / "out/jury.json").read_text())
    assert code in (0, 1), capsys.readouterr()
    assert set(found["judges"]) == {"one (yes/no)", "one (points)"}
    model = next(iter(found["scores"]["one (points)"]))
    assert found["scores"]["one (points)"][model]["value"] == pytest.approx(0.8)
    assert found["scores"]["one (yes/no)"][model]["value"] == pytest.approx(1.0)
    forms = {(bias["judge"], bias["bias"]): bias["value"] for bias in found["biases"]}
    assert found["families"] == {"one (yes/no)": "none", "one (points)": "none"}
    assert forms["one (yes/no)", "leniency"] == pytest.approx(0.2), "the difference of the forms"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "expected outputs"),
        (["FILE"], "--judge-model"),
        (["FILE", "--judge-model", "m", "--out", "o"], "--checklist"),
        (["--judgements", "J", "--judge-model", "m"], "--judge-model"),
        (["--judgements", "J", "--people", "nobody"], "--people"),
        (["--judgements", "J", "--best", "0"], "--best"),
        (["--judgements", "J", "--family", "a"], "--family"),
        (["--judgements", "J", "--family", "nobody=a"], "--family"),
        (["--judgements", "J", "--best", "0.7"], "--best"),
        (["--judgements", "nowhere.csv"], "--judgements"),
        (["--benchmark", "B"], "--judge-model"),
        (["--specv", "S", "--judge-model", "m", "--judge-url", "http://x", "--out", "o"], "--specv"),
    ],
)
def test_what_is_refused_is_told_by_its_flag(given: list[str], message: str, tmp_path: Path, capsys: Any) -> None:
    outputs, _ = write_data(tmp_path)
    judged = tmp_path / "j.csv"
    judged.write_text("judge,dialogue,turn,score\na,d,1,0.5\nb,d,1,0.75\n")
    places = {"FILE": str(outputs), "J": str(judged), "o": str(tmp_path / "o"), "S": str(tmp_path), "B": str(tmp_path)}
    assert main(["judge", *(places.get(part, part) for part in given)]) == 2
    assert message in capsys.readouterr().err

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model before a judge: recorded official runs asked and read again, and what the corrected rules make of gaps."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from imug_metrics.judges import JudgeError, OpenAIJudge
from imug_metrics.protocols import imug
from tests.judges.server import Server
from tests.protocols.imug.recorded import RUNS, RecordedJudge, load_rows, outline

pytest.importorskip("cv2", reason="opencv is not installed")


def judge(golden: Path, outputs: str, model: str, who, **options) -> imug.Judgements:
    root = golden / "pipeline"
    settings = {"prompts": imug.OwnPrompts(), "protocol": "imug", "problems": imug.Problems(), **options}
    samples = imug.read_benchmark(root, imug.Problems())
    return imug.judge_model(samples, root / outputs / model, who, **settings)


def place(row):
    return (row["domain"], row["subdomain"], row["sample_id"]), row["turn"]


def recorded_keys(golden: Path, official: str, model: str):
    rows = load_rows(imug.key_file(golden / "pipeline" / official, model))
    return {place(row): row["determined_answer"] for row in rows}


def recorded_points(golden: Path, official: str, model: str):
    rows = load_rows(imug.point_file(golden / "pipeline" / official, model))
    return sorted((*place(row), tuple(float(point["score"]) for point in row["scores"])) for row in rows)


def recorded_failures(golden: Path, official: str, model: str):
    events = load_rows(golden / "pipeline" / official / "events.jsonl")
    kind = {"stage": "image_score", "event": "failed", "model": model}
    return sorted(place(event) for event in events if kind.items() <= event.items())


def assert_as_recorded(golden: Path, official: str, model: str, found: imug.Judgements) -> None:
    assert found.keys == recorded_keys(golden, official, model)
    points = sorted((image.key, image.turn, image.points) for image in found.images)
    assert points == recorded_points(golden, official, model)
    assert sorted((failure.key, failure.turn) for failure in found.failures) == recorded_failures(
        golden, official, model
    )


@pytest.mark.parametrize(("requests", "outputs", "official"), RUNS)
def test_every_recorded_request_is_made_and_no_other_and_every_record_comes_out(golden, requests, outputs, official):
    who, models = RecordedJudge(golden / "pipeline" / requests), imug.list_models(golden / "pipeline" / outputs)
    for model in models:
        assert_as_recorded(golden, official, model, judge(golden, outputs, model, who))
    assert who.asked == Counter(outline(row["body"]) for row in load_rows(golden / "pipeline" / requests))


@pytest.mark.parametrize(("requests", "outputs", "official"), RUNS)
def test_a_recorded_run_through_a_server_gives_the_official_summary(golden, tmp_path, requests, outputs, official):
    pytest.importorskip("httpx", reason="httpx is not installed")
    root, problems, turns = golden / "pipeline", imug.Problems(), {}
    samples, classes = imug.read_benchmark(root, problems), imug.read_classes(root, problems)
    with Server(RecordedJudge(root / requests).reply) as server:
        for model in imug.list_models(root / outputs):
            who = OpenAIJudge("random-judge", base_url=server.url, api_key="key", concurrency=8)
            found = judge(golden, outputs, model, who, journal=tmp_path / "journal.jsonl")
            assert_as_recorded(golden, official, model, found)
            # Out to the official files and back, as a later run reads them.
            imug.write_keys(tmp_path, model, found.keys)
            imug.write_points(tmp_path, model, found.images)
            keys = imug.read_keys(tmp_path, model, problems)
            assert keys == found.keys
            records = imug.read_records(samples, root / outputs / model, imug.Problems(), keys=keys)
            images = imug.read_points(tmp_path, model, problems)
            turns[model] = imug.turn_scores(imug.score_texts(records), images)
    summary = imug.summarize(turns, classes)
    expected = json.loads((root / official / "summary" / "summary.json").read_text(encoding="utf-8"))
    loose = json.loads((root / official / "order_sensitive.json").read_text(encoding="utf-8"))
    differing = differences(summary["models"], expected["models"])
    assert {cell: (ours, theirs) for cell, ours, theirs in differing if ours not in loose.get(cell, ())} == {}


def differences(ours, theirs, path=()):
    """Cells that differ, as ("model/group/name/kind", our mean, theirs); counts must be equal."""
    if set(ours) != {"mean", "count"}:
        assert list(ours) == list(theirs)
        return [cell for name in ours for cell in differences(ours[name], theirs[name], (*path, name))]
    assert ours["count"] == theirs["count"], path
    return [] if ours["mean"] == theirs["mean"] else [("/".join(path), ours["mean"], theirs["mean"])]


@pytest.mark.parametrize(("requests", "outputs", "official"), RUNS)
def test_what_a_journal_holds_is_not_asked_again(golden, tmp_path, requests, outputs, official):
    who, model = RecordedJudge(golden / "pipeline" / requests), imug.list_models(golden / "pipeline" / outputs)[0]
    first = judge(golden, outputs, model, who, journal=tmp_path / "journal.jsonl")
    asked = sum(who.asked.values())
    again = judge(golden, outputs, model, who, journal=tmp_path / "journal.jsonl")
    assert sum(who.asked.values()) == asked > 0
    assert (again.keys, again.images, again.failures) == (first.keys, first.images, first.failures)


class Scripted:
    """Gives every point 3 and every question its first option, or what `reply` makes of the request."""

    name = "scripted"
    concurrency = 4

    def __init__(self, reply=None):
        self.requests, self.reply = [], reply

    async def ask(self, request):
        self.requests.append(request)
        text = "\n".join(part for part in request.parts if isinstance(part, str))
        return (self.reply or plain)(text)


def plain(text: str) -> str:
    if "### TARGET QUESTION" in text:
        return json.dumps({"determined_answer": "A", "reasoning": "it is"})
    points = text.partition("[Evaluation Points List]:\n")[2].partition("\n\n")[0].split("\n")
    rows = [{"point_id": number, "score": 3} for number in range(1, len(points) + 1)]
    return json.dumps({"evaluation_results": rows})


def run(folder, who, **options):
    settings = {"prompts": imug.OwnPrompts(), "protocol": "strict", "problems": folder.problems, **options}
    return imug.judge_model(folder.read_samples(), folder.model, who, **settings)


KEY = ("Cooking", "pan", "1")


def two_turns(folder, answer="<DYNAMIC>"):
    folder.samples(folder.sample(folder.image(1), folder.text(2, answer, "Which? A. red B. blue C. green")))
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1"}
    folder.lines("data/dynamic_references.jsonl", {**head, "turn_idx": 2, "ref_turn_idxs": [1]})


def test_keys_and_points_of_a_model_come_out(folder):
    two_turns(folder, "C+<DYNAMIC>")
    folder.draw("turn_1_output.png")
    found = run(folder, Scripted())
    assert found.keys == {(KEY, 2): "AC"}
    assert found.images == [imug.JudgedImage(KEY, 1, (3, 3))]
    assert (found.failures, found.missing, list(folder.problems)) == ([], [], [])


def test_under_strict_a_missing_image_is_listed_and_nobody_is_asked(folder):
    two_turns(folder)
    folder.reply((2, "B"))
    who = Scripted()
    found = run(folder, who)
    assert who.requests == []
    assert (found.keys, found.images, found.missing) == ({}, [], [(KEY, 1)])
    assert Counter((failure.stage, failure.turn, failure.kind) for failure in found.failures) == {
        ("dynamic", 2, "missing_image"): 1,
        ("image", 1, "missing_image"): 1,
    }
    assert {"stage": "image", "domain": "Cooking", "turn": 1}.items() <= found.failures[1].as_row().items()


def test_under_imug_a_missing_image_is_judged_all_the_same(folder):
    two_turns(folder)
    folder.reply((2, "B"))
    who = Scripted()
    found = run(folder, who, protocol="imug")
    assert (found.keys, found.missing) == ({(KEY, 2): "A"}, [])
    assert found.images == [imug.JudgedImage(KEY, 1, (3.0, 3.0))]
    assert [len(request.parts) for request in who.requests] == [1, 1]


def test_a_malformed_reply_is_asked_for_again_under_strict_alone(folder):
    two_turns(folder)
    folder.draw("turn_1_output.png")
    who = Scripted(lambda text: plain(text) if "could not be used" in text else "I would say 4.")
    found = run(folder, who)
    assert (len(found.keys), len(found.images), len(who.requests)) == (1, 1, 4)
    found = run(folder, Scripted(lambda text: "I would say 4."))
    assert [(failure.stage, failure.kind) for failure in found.failures] == [
        ("dynamic", "no_object"),
        ("image", "no_object"),
    ]
    who = Scripted(lambda text: "I would say 4.")
    assert (len(run(folder, who, protocol="imug").failures), len(who.requests)) == (2, 2)


def test_scores_out_of_range_are_kept_officially_and_refused_strictly(folder):
    folder.samples(folder.sample(folder.image(1, points=1)))
    folder.draw("turn_1_output.png")
    nine = '{"evaluation_results": [{"point_id": 1, "score": 9}]}'
    assert run(folder, Scripted(lambda text: nine), protocol="imug").images[0].points == (9.0,)
    found = run(folder, Scripted(lambda text: nine))
    assert (found.images, found.failures[0].kind) == ([], "range")


def test_of_repeats_the_first_that_can_be_read_counts_and_all_are_there(folder):
    folder.samples(folder.sample(folder.image(1, points=1)))
    folder.draw("turn_1_output.png")
    scored = (json.dumps({"evaluation_results": [{"point_id": 1, "score": score}]}) for score in (4, 2))
    replies = iter(["nothing", *scored])
    who = Scripted(lambda text: next(replies))
    who.concurrency = 1
    found = run(folder, who, protocol="imug", repeats=3)
    assert found.images == [imug.JudgedImage(KEY, 1, (4.0,))]
    assert [verdict.value for verdict in found.verdicts] == [None, (4.0,), (2.0,)]
    assert [(failure.repeat, failure.kind) for failure in found.failures] == [(0, "no_object")]


def test_a_judge_that_is_gone_fails_every_turn_and_loses_none(folder):
    two_turns(folder)
    folder.draw("turn_1_output.png")

    def gone(text):
        raise JudgeError("connection", "refused")

    found = run(folder, Scripted(gone))
    assert [(failure.stage, failure.kind) for failure in found.failures] == [
        ("dynamic", "connection"),
        ("image", "connection"),
    ]
    assert found.missing == []


def test_boards_replace_what_the_judge_said_and_are_asked_about_officially_alone(folder):
    names = {"domain": "Geometric_Coloring", "subdomain": "cubes_coloring"}
    folder.samples(folder.sample(folder.image(1), folder.image(2), **names))
    question = folder.model / "Geometric_Coloring" / "cubes_coloring" / "question_1"
    question.mkdir(parents=True)
    for turn in (1, 2):
        folder.draw("x.png", "white").rename(question / f"turn_{turn}_output.png")
    row = {"turn": 1, "grid": [["0"] * 3] * 3}
    folder.lines("data/grid_gt/Geometric_Coloring__cubes_coloring__1.jsonl", row)
    key = ("Geometric_Coloring", "cubes_coloring", "1")
    official, strict = Scripted(), Scripted()
    expected = [imug.JudgedImage(key, 2, (3, 3)), imug.JudgedImage(key, 1, (0, 0))]
    assert run(folder, official, protocol="imug").images == expected
    assert run(folder, strict).images == expected
    assert (len(official.requests), len(strict.requests)) == (2, 1)


def test_a_problem_is_passed_on_once_however_often_a_file_is_looked_at(folder):
    two_turns(folder)
    (folder.question / "result.json").write_text("{broken")
    records = list(imug.read_records(folder.read_samples(), folder.model, folder.problems))
    before = len(folder.problems)
    assert records
    run(folder, Scripted())
    assert len(folder.problems) == len(set(folder.problems)) == before


def test_it_works_where_an_event_loop_is_running(folder):
    two_turns(folder)
    folder.draw("turn_1_output.png")

    async def notebook():
        return run(folder, Scripted())

    assert len(asyncio.run(notebook()).images) == 1

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The official text scores and the official summary: worked examples, and everything the official tools recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imug_metrics.protocols import imug

RUNS = [("model_outputs", "official"), ("model_outputs_gaps", "official_gaps")]


def load_rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_text_turns_follow_the_official_rule(folder):
    keys = ("B", "A,C", "AC", "A", "", "<DYNAMIC>")
    folder.samples(folder.sample(*(folder.text(turn + 1, key) for turn, key in enumerate(keys))))
    folder.reply((1, "B"), (2, "A, C"), (3, "A, C"))
    scored = imug.score_texts(folder.read())
    assert [(record.turn, score) for record, score in scored] == [(1, 1.0), (2, 0.75), (3, 0.0), (4, 0.0)]


def test_a_sample_without_a_result_is_left_out_and_not_zero(folder):
    folder.samples(folder.sample(folder.text(1)), folder.sample(folder.text(1), sample_id="2"))
    folder.reply((1, "B"))
    assert imug.text_rows(imug.score_texts(folder.read())) == [
        {"domain": "Cooking", "subdomain": "pan", "sample_id": "1", "mcq_scores": [{"turn": 1, "score": 1.0}]}
    ]


def test_a_mean_is_taken_over_turns_and_empty_groups_are_null():
    turns = [
        imug.TurnScore("Cooking/pan/1", "Cooking", 1, "image", 40.0),
        imug.TurnScore("Cooking/pan/1", "Cooking", 10, "text", 100.0),
        imug.TurnScore("Dancing/x/1", "Dancing", 2, "text", 0.0),
    ]
    summary = imug.summarize({"mine": turns}, {"Cooking": "Hybrid"})["models"]["mine"]
    assert summary["overall"]["all"] == {"mean": 46.67, "count": 3}
    assert summary["by_class"]["Unassigned"]["image"] == {"mean": None, "count": 0}
    assert list(summary["by_turn"]) == ["1", "2", "10"]
    assert "| Dancing | 0.00 | 0.00 | - |" in imug.to_markdown({"models": {"mine": summary}})


def test_contents_count_what_the_official_numbers_hold(folder):
    texts = folder.text(1, "B"), folder.text(2, "<DYNAMIC>")
    folder.samples(folder.sample(*texts, folder.image(3), folder.image(4, points=0)))
    folder.reply((1, "B"), (2, "B"))
    folder.judgements("score_img", {"turn": 3, "scores": [{"score": 3}]})
    images = imug.read_points(folder.judged, "mine", folder.problems)
    samples, scored = folder.read_samples(), imug.score_texts(folder.read())
    contents = imug.official_contents(samples, scored, images, {})
    texts = {"text_turns": 2, "text_scored": 1, "dynamic_unresolved": 1}
    assert contents == {"complete": False, **texts, "image_turns": 1, "image_judged": 1}
    folder.judgements("dynamic_answer", {"turn": 2, "determined_answer": "B"})
    keys = imug.read_keys(folder.judged, "mine", folder.problems)
    assert imug.official_contents(samples, imug.score_texts(folder.read()), images, keys)["complete"]


@pytest.mark.parametrize(("outputs", "official"), RUNS)
def test_every_text_turn_of_the_recorded_run_is_equal(golden, outputs, official):
    root, problems = golden / "pipeline", imug.Problems()
    samples = imug.read_benchmark(root, problems)
    models = imug.list_models(root / outputs)
    assert models
    for model in models:
        keys = imug.read_keys(root / official, model, problems)
        records = imug.read_records(samples, root / outputs / model, problems, keys=keys)
        expected = load_rows(root / official / model / "score_mcq" / f"{model}_mcq_score.jsonl")
        assert imug.text_rows(imug.score_texts(records)) == expected


@pytest.mark.parametrize(("outputs", "official"), RUNS)
def test_static_questions_are_equal_without_judgements(golden, outputs, official):
    root, problems = golden / "pipeline", imug.Problems()
    samples = imug.read_benchmark(root, problems)
    static = {(s.key, t.turn) for s in samples for t in s.tasks if t.modality == "text" and not t.dynamic}
    for model in imug.list_models(root / outputs):
        scored = imug.score_texts(imug.read_records(samples, root / outputs / model, problems))
        found = {(tuple(record.dialogue.split("/")), record.turn): score for record, score in scored}
        recorded = {
            ((row["domain"], row["subdomain"], row["sample_id"]), turn["turn"]): turn["score"]
            for row in load_rows(root / official / model / "score_mcq" / f"{model}_mcq_score.jsonl")
            for turn in row["mcq_scores"]
        }
        assert found == {key: score for key, score in recorded.items() if key in static}


@pytest.mark.parametrize(("outputs", "official"), RUNS)
def test_every_cell_of_the_recorded_summary_is_equal(golden, outputs, official):
    root, problems = golden / "pipeline", imug.Problems()
    samples, classes = imug.read_benchmark(root, problems), imug.read_classes(root, problems)
    turns = {}
    for model in imug.list_models(root / outputs):
        keys = imug.read_keys(root / official, model, problems)
        scored = imug.score_texts(imug.read_records(samples, root / outputs / model, problems, keys=keys))
        turns[model] = imug.turn_scores(scored, imug.read_points(root / official, model, problems))
    summary, folder = imug.summarize(turns, classes), root / official / "summary"
    assert summary == json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert imug.to_markdown(summary) == (folder / "summary.md").read_text(encoding="utf-8")


def test_recorded_score_files_give_the_recorded_summary(golden):
    classes, equal = imug.read_classes(golden / "pipeline", imug.Problems()), []
    for expected in sorted((golden / "summary_cases").glob("*/expected")):
        summary = json.loads((expected / "summary.json").read_text(encoding="utf-8"))
        turns = {model: recorded_turns(expected.with_name("scores"), model) for model in summary["models"]}
        ours = imug.summarize(turns, classes)
        page = imug.to_markdown(ours)
        equal.append(ours == summary and page == (expected / "summary.md").read_text(encoding="utf-8"))
    assert equal == [True] * 21


def recorded_turns(scores: Path, model: str) -> list[imug.TurnScore]:
    """Turn scores out of recorded files of both kinds, in the folders where the official summary looks for them."""
    files = sorted(scores.rglob(f"{model}_*score.jsonl"))
    turns = []
    for path in (path for path in files if path.stem.endswith("_img_score")):
        for row in load_rows(path):
            points = tuple(float(point["score"]) for point in row["scores"])
            key = (row["domain"], row["subdomain"], str(row["sample_id"]))
            turns += imug.turn_scores([], [imug.JudgedImage(key, int(row["turn"]), points)])
    for path in (path for path in files if path.stem.endswith("_mcq_score")):
        for row in load_rows(path):
            where = f"{row['domain']}/{row['subdomain']}/{row['sample_id']}", row["domain"]
            turns += [
                imug.TurnScore(*where, int(turn["turn"]), "text", turn["score"] * 100) for turn in row["mcq_scores"]
            ]
    return turns

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The demo benchmark: its layout, its determinism, and that the simulated models behave as they say."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imug_metrics.demo import DemoPaths, write_demo_benchmark
from imug_metrics.demo.dialogues import Ask, Draw, make_dialogues
from imug_metrics.demo.models import MODELS, answer, plan_faults
from imug_metrics.encoders.scene.vocabulary import caption_words

DIALOGUES = 24


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoPaths:
    return write_demo_benchmark(tmp_path_factory.mktemp("demo"), dialogues=DIALOGUES, seed=3)


def samples(paths: DemoPaths) -> list[dict[str, Any]]:
    lines = (paths.benchmark / "data" / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def folder_of(paths: DemoPaths, model: str, sample: dict[str, Any]) -> Path:
    return paths.outputs / model / sample["domain"] / sample["subdomain"] / f"question_{sample['sample_id']}"


def replies(folder: Path) -> dict[int, str]:
    tasks = json.loads((folder / "result.json").read_text(encoding="utf-8"))["tasks"]
    return {task["turn"]: task["model_response"] for task in tasks}


def digest(root: Path) -> str:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    parts = [f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def test_every_sample_is_a_valid_dialogue_of_four_to_six_turns(demo: DemoPaths) -> None:
    found = samples(demo)
    assert len(found) == DIALOGUES
    assert len({(s["domain"], s["subdomain"], s["sample_id"]) for s in found}) == DIALOGUES
    for sample in found:
        assert [task["turn"] for task in sample["tasks"]] == list(range(1, len(sample["tasks"]) + 1))
        assert 4 <= len(sample["tasks"]) <= 6
        assert Counter(task["modality"] for task in sample["tasks"]).keys() == {"image", "text"}
        assert sample["tasks"][0]["modality"] == "image", "there must be an image to ask about"


def test_each_task_holds_what_its_modality_needs(demo: DemoPaths) -> None:
    for task in (task for sample in samples(demo) for task in sample["tasks"]):
        (text,) = (part["text"] for part in task["input"])
        if task["modality"] == "image":
            assert len(task["output"]["evaluation_points"]) == 3
            assert set(text.split()) <= set(caption_words()), "the encoder must know every word of a prompt"
        else:
            options = [line[0] for line in text.splitlines()[1:]]
            assert options == list("ABCDEFG"[: len(options)])
            assert len(options) >= 4
            assert task["output"]["answer"] in options


def test_every_domain_has_a_class_and_every_class_is_used(demo: DemoPaths) -> None:
    classes = json.loads((demo.benchmark / "config" / "domain_classes.json").read_text(encoding="utf-8"))
    assert {s["domain"] for s in samples(demo)} == {domain for domains in classes.values() for domain in domains}
    assert set(classes) == {"Static Spatial", "Temporal Causal", "Hybrid"}


def test_references_point_to_earlier_image_turns(demo: DemoPaths) -> None:
    modality = {
        (sample["domain"], sample["subdomain"], sample["sample_id"]): [task["modality"] for task in sample["tasks"]]
        for sample in samples(demo)
    }
    lines = (demo.benchmark / "data" / "image_references.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == DIALOGUES
    for row in map(json.loads, lines):
        kinds = modality[row["domain"], row["subdomain"], row["sample_id"]]
        assert row["reference_links"]
        for link in row["reference_links"]:
            assert kinds[link["turn_idx"] - 1] == "image"
            for ref in link["refs"]:
                assert ref["ref_turn"] < link["turn_idx"]
                assert kinds[ref["ref_turn"] - 1] == "image"
    assert (demo.benchmark / "data" / "dynamic_references.jsonl").read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("model", [model.name for model in MODELS])
def test_images_are_there_but_for_those_marked_as_failed(demo: DemoPaths, model: str) -> None:
    failed = Counter()
    for sample in samples(demo):
        folder = folder_of(demo, model, sample)
        reply = replies(folder)
        assert sorted(reply) == [task["turn"] for task in sample["tasks"]]
        for task in sample["tasks"]:
            path = folder / f"turn_{task['turn']}_output.png"
            failure = reply[task["turn"]].startswith("ERROR:")
            failed[task["modality"]] += failure
            assert path.exists() == (task["modality"] == "image" and not failure)
            if path.exists():
                with Image.open(path) as image:
                    assert image.size == (128, 128)
    assert failed["image"] >= 1
    assert failed["text"] >= 1


def test_equal_seeds_give_equal_files_and_other_seeds_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_demo_benchmark(tmp_path / name, dialogues=3, seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_a_second_demo_replaces_the_first(tmp_path: Path) -> None:
    write_demo_benchmark(tmp_path / "again", dialogues=5, seed=1)
    write_demo_benchmark(tmp_path / "again", dialogues=2, seed=1)
    write_demo_benchmark(tmp_path / "fresh", dialogues=2, seed=1)
    assert digest(tmp_path / "again") == digest(tmp_path / "fresh")


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "outputs" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not written by the demo"):
        write_demo_benchmark(tmp_path, dialogues=2)
    assert kept.read_text(encoding="utf-8") == "precious"


def test_fewer_than_one_dialogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`dialogues` to be >= 1, got 0"):
        write_demo_benchmark(tmp_path, dialogues=0)


def test_kinds_of_change_do_not_depend_on_the_turn() -> None:
    first, later = Counter(), Counter()
    for dialogue in make_dialogues(900, seed=11):
        first[dialogue.draws[0].change] += 1
        later[dialogue.draws[-1].change] += 1
    # Uniform over six kinds: 150 expected each, standard deviation 11.
    assert len(first) == len(later) == 6
    assert all(abs(count - 150) < 45 for count in (*first.values(), *later.values()))


def test_the_subject_is_kept_over_a_dialogue() -> None:
    for dialogue in make_dialogues(50, seed=2):
        assert len({draw.scene.subject for draw in dialogue.draws}) == 1
        assert len({draw.change for draw in dialogue.draws}) == len(dialogue.draws)


def test_the_key_is_the_option_that_is_true_of_the_last_image_asked_for() -> None:
    seen = Counter()
    for dialogue in make_dialogues(80, seed=5):
        scene = None
        for turn in dialogue.turns:
            if isinstance(turn, Draw):
                scene = turn.scene
                continue
            chosen = turn.options["ABCDEFG".index(turn.key)]
            assert len(set(turn.options)) == len(turn.options)
            if turn.question.startswith("What color is the background"):
                assert chosen == scene.background
            elif turn.question.startswith("What color"):
                assert chosen == scene.subject.colour
            elif turn.question.startswith("How many"):
                assert ["one", "two", "three", "four", "five"].index(chosen) + 1 == (scene.count or 1)
            elif turn.question.startswith("Which shape"):
                assert chosen == scene.subject.shape
            elif scene.relation:
                assert chosen.startswith(scene.relation)
                assert chosen.endswith(scene.other.shape)
            else:
                assert scene.position in chosen
            seen[turn.question.split()[0]] += 1
    assert set(seen) == {"What", "How", "Which", "Where"}


def test_a_wrong_answer_names_another_option_and_a_right_one_the_key() -> None:
    import random

    question = Ask(2, "How many?", ("one", "two", "three", "four"), "B")
    rng = random.Random(0)
    for wrong in (False, True):
        for _ in range(60):
            letters = [c for c in answer(question, wrong, rng).replace("Answer", "") if c in "ABCD"]
            assert (letters == ["B"]) != wrong
            assert len(letters) == 1


def test_replies_come_bare_and_wrapped(demo: DemoPaths) -> None:
    texts = {
        replies(folder_of(demo, "steady", sample))[task["turn"]]
        for sample in samples(demo)
        for task in sample["tasks"]
        if task["modality"] == "text"
    }
    assert any(len(text) == 1 for text in texts)
    assert any(len(text) > 1 and not text.startswith("ERROR") for text in texts)


def test_shares_of_errors_are_level_for_steady_and_rise_for_fading() -> None:
    dialogues = make_dialogues(200, seed=4)
    sizes = Counter((type(turn), turn.turn) for dialogue in dialogues for turn in dialogue.turns)
    kinds = {(dialogue.name, turn.turn): type(turn) for dialogue in dialogues for turn in dialogue.turns}
    for model in MODELS:
        wrong = Counter((kinds[slot], slot[1]) for slot in plan_faults(model, dialogues, seed=4).wrong)
        for place, size in sizes.items():
            assert abs(wrong[place] - model.error_at(place[1]) * size) <= 0.5
    steady, fading, _ = MODELS
    assert steady.error_at(6) == steady.error_at(1) == fading.error_at(1) < fading.error_at(6) <= 0.95


def test_copying_returns_its_first_image_and_steady_never_does(demo: DemoPaths) -> None:
    for sample in samples(demo):
        copied, drawn = (
            [np.asarray(Image.open(path)) for path in sorted(folder_of(demo, model, sample).glob("*.png"))]
            for model in ("copying", "steady")
        )
        assert all(np.array_equal(image, copied[0]) for image in copied)
        assert not any(np.array_equal(image, drawn[0]) for image in drawn[1:])

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The same turns at several lengths of context, by hand and from models whose limit is known."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from imug_metrics import context_decay
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate_contexts
from imug_metrics.evaluation.context_rows import ContextRow, context_scores
from imug_metrics.inference import infer
from imug_metrics.inference.contexts import ContextPadding
from imug_metrics.inference.fillers import filler_pool
from imug_metrics.inference.model import Message
from imug_metrics.inference.questions import read_questions
from imug_metrics.inference.tokens import token_counter
from imug_metrics.protocols.imug import Problems
from imug_metrics.protocols.imug.usage import TurnUsage, usage_content, usage_file
from tests.inference.worlds import LETTERS, World, place, png

LENGTHS = (256, 512, 1024, 2048)
COUNTER = token_counter(image_tokens=16)


def row(dialogue: str, turn: int, score: float, tokens: float, depth: float = 0.5) -> ContextRow:
    return ContextRow(dialogue, turn, score, tokens, 0, depth, ("bytes/4", 256.0))


@dataclass
class Forgetful:
    """Answers right while the context has no more than `limit` tokens, and guesses beyond it.

    Where `only_at_the_ends`, it also guesses when the dialogue's own first turn is neither the first nor the last one.
    """

    world: World
    limit: float = math.inf
    error: float = 0.1
    only_at_the_ends: bool = False
    name: str = "forgetful"

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> str | bytes:
        dialogue, turn = place(history[-1])
        draw = random.Random(hashlib.sha256(repr((seed, dialogue, turn, len(history))).encode()).digest())
        asked = [place(message)[0] == dialogue for message in history[:-1] if message.role == "user"]
        lost = self.only_at_the_ends and not (asked[:1] == [True] or asked[-1:] == [True])
        if want == "image":
            return png(self.world.key(dialogue, turn) if COUNTER(history) <= self.limit else "red")
        if COUNTER(history) > self.limit or lost:
            return draw.choice(LETTERS)
        return self.world.wrong(dialogue, turn) if draw.random() < self.error else self.world.key(dialogue, turn)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """Dialogues of text turns, whose turns together have more tokens than the longest context."""
    world = World(60, 3)
    return world, world.write(tmp_path_factory.mktemp("contexts") / "benchmark")


# ---- numbers


def test_the_slope_is_within_turns_and_not_between_them() -> None:
    easy = [row("d", 1, 0.9, tokens) for tokens in (100, 200)]
    hard = [row("d", 2, 0.1, tokens) for tokens in (800, 1600)]
    found = context_scores([*easy, *hard], [256, 2048], (0, 1))
    assert found["context_decay"] == 0
    assert found["context_decay_pooled"] < -0.1
    assert (found["context_decay_length_256"], found["context_decay_length_2048"]) == pytest.approx((0.9, 0.1))


def test_the_slope_is_that_of_turns_as_dialogues() -> None:
    draw = random.Random(3)
    rows = [
        row(f"d{d}", turn, draw.random(), draw.uniform(100, 5000))
        for d in range(8)
        for turn in (1, 2, 3)
        for _ in range(draw.choice((1, 2, 4)))
    ]
    rows[0] = rows[0]._replace(score=math.nan, tokens=math.nan)
    found = context_scores(rows, [8192], (0, 1))
    turns = {key: number for number, key in enumerate(dict.fromkeys((r.dialogue, r.turn) for r in rows))}
    expected = context_decay(
        [r.score for r in rows],
        [r.tokens for r in rows],
        dialogue=[turns[r.dialogue, r.turn] for r in rows],
        turn=list(range(1, len(rows) + 1)),
    )
    assert found["context_decay"] == pytest.approx(float(expected), abs=1e-12)
    assert found["context_decay_within"] == found["context_decay"]


def test_intervals_are_by_dialogue_so_that_equal_turns_add_nothing() -> None:
    draw = random.Random(4)
    first = [row(f"d{d}", 1, draw.random() / n, 100.0 * n) for d in range(12) for n in (1, 2, 4)]
    found = context_scores(first, [128, 256, 512], (0, 1))
    twice = context_scores([*first, *(r._replace(turn=2) for r in first)], [128, 256, 512], (0, 1))
    assert found["context_decay_lower"] < found["context_decay"] < found["context_decay_upper"]
    for key in ("context_decay", "context_decay_lower", "context_decay_upper"):
        assert twice[key] == pytest.approx(found[key], abs=1e-9)


def test_turns_at_one_length_alone_have_no_slope() -> None:
    found = context_scores([row("d", turn, 0.5, 100 * turn) for turn in (1, 2)], [256], (0, 1))
    assert math.isnan(found["context_decay"])
    assert found["context_decay_length_256"] == 0.5


# ---- files


def written(root: Path, answers: Iterable[tuple[int, int, int, str, dict[str, object] | None]]) -> Path:
    """Outputs `(length, dialogue, turn, answer, context)` of a model in the layout of a run."""
    found: dict[tuple[int, int], list[tuple[int, str, dict[str, object] | None]]] = {}
    for length, dialogue, turn, answer, context in answers:
        found.setdefault((length, dialogue), []).append((turn, answer, context))
    for (length, dialogue), turns in found.items():
        model = root / f"context_{length}" / "mine"
        folder = model / "World" / "all" / f"question_{dialogue}"
        folder.mkdir(parents=True)
        tasks = [{"turn": turn, "model_response": answer} for turn, answer, _ in turns]
        (folder / "result.json").write_text(json.dumps({"tasks": tasks}))
        path = usage_file(model, ("World", "all", str(dialogue)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(usage_content({turn: TurnUsage(context=context or {}) for turn, _, context in turns}))
    return root


def test_depths_lengths_and_what_is_not_known_are_read(tmp_path: Path) -> None:
    world = World(2, 2)
    benchmark = world.write(tmp_path / "benchmark")
    context = {"tokenizer": "bytes/4", "image_tokens": 256}
    rows = [
        (64, 0, 1, world.key(0, 1), {**context, "tokens": 60, "depth": None}),
        (64, 0, 2, world.key(0, 2), {**context, "tokens": 60, "depth": 0.5}),
        (64, 1, 1, world.wrong(1, 1), {**context, "tokens": 60, "depth": True}),
        (64, 1, 2, world.key(1, 2), None),
        (128, 0, 1, world.wrong(0, 1), {**context, "tokens": 128, "depth": None}),
        (128, 0, 2, world.wrong(0, 2), {**context, "tokens": 140, "depth": 0.5}),
        (128, 1, 1, world.wrong(1, 1), {**context, "tokens": 120, "depth": 7}),
        (128, 1, 2, world.wrong(1, 2), {**context, "tokens": "many", "depth": 0.5}),
    ]
    found = evaluate_contexts(benchmark, written(tmp_path / "outputs", rows))
    overall = found.answers["mine"]["overall"]["all turns"]
    assert found.lengths == (64, 128)
    assert overall["context_decay_n"] == 6
    assert overall["context_decay_length_64"] == pytest.approx(2 / 3)
    assert overall["context_decay_length_128"] == 0
    assert overall["context_decay_beyond"] == pytest.approx(1 / 6)
    assert list(found.answers["mine"]["by_depth"]) == ["0.5"]
    assert found.answers["mine"]["by_depth"]["0.5"]["context_decay_n"] == 2
    told = [(Path(problem.file).name, problem.level, problem.message) for problem in found.problems]
    assert sorted(told) == [
        ("mine", "warning", "turns with a history of their own of more than 128 tokens: 1"),
        ("question_1.json", "error", "expected the tokens of the context of turns 2: they are left out"),
        ("question_1.json", "error", "expected the tokens of the context of turns 2: they are left out"),
    ]


def test_lengths_that_were_counted_in_two_ways_are_refused(tmp_path: Path) -> None:
    world = World(1, 1)
    benchmark = world.write(tmp_path / "benchmark")
    rows = [
        (length, 0, 1, "A", {"tokens": length, "tokenizer": name, "image_tokens": 256})
        for length, name in ((64, "bytes/4"), (128, "hf:mine"))
    ]
    with pytest.raises(ArgumentError, match="`outputs`: expected lengths of mine that are counted in one way"):
        evaluate_contexts(benchmark, written(tmp_path / "outputs", rows))


def test_folders_without_lengths_and_models_that_are_not_there_are_refused(tmp_path: Path) -> None:
    benchmark = World(1, 1).write(tmp_path / "benchmark")
    (tmp_path / "outputs" / "mine").mkdir(parents=True)
    with pytest.raises(ArgumentError, match="`outputs`: expected a folder that holds context_4096"):
        evaluate_contexts(benchmark, tmp_path / "outputs")
    outputs = written(tmp_path / "lengths", [(64, 0, 1, "A", {"tokens": 60})])
    with pytest.raises(ArgumentError, match="did you mean `mine`"):
        evaluate_contexts(benchmark, outputs, models=["mind"])


# ---- models whose limit is known


def direct(world: World, benchmark: Path, model: Forgetful) -> dict[str, float]:
    """The model asked with filled histories of right answers, without a runner."""
    questions = read_questions(benchmark, Problems())
    pool = filler_pool(questions)
    rows = []
    for length in LENGTHS:
        padding = ContextPadding(length, COUNTER, pool)
        for number, question in enumerate(questions):
            history: tuple[Message, ...] = ()
            for task in question.tasks():
                history = (*history, task.message())
                padded = padding.pad(question.dialogue, task.turn, history)
                right = model(padded.history, want="text", seed=0) == world.key(number, task.turn)
                rows.append(row(question.dialogue, task.turn, float(right), padded.tokens))
                history = (*history, Message("assistant", (world.key(number, task.turn),)))
    return context_scores(rows, LENGTHS, (0, 1))


@pytest.mark.parametrize("limit", LENGTHS[:-1])
def test_the_effective_length_is_the_limit_of_a_model_that_guesses_beyond_it(
    limit: int, world: tuple[World, Path]
) -> None:
    found = direct(*world, Forgetful(world[0], limit))
    assert found["context_decay_effective_length"] == limit
    assert found["context_decay_upper"] < 0


def test_a_model_that_does_not_forget_has_no_slope(world: tuple[World, Path]) -> None:
    found = direct(*world, Forgetful(world[0]))
    assert found["context_decay_lower"] < 0 < found["context_decay_upper"]
    assert found["context_decay_effective_length"] == LENGTHS[-1]


@pytest.mark.parametrize("limit", [512, math.inf])
def test_a_run_at_several_lengths_finds_the_limit(limit: float, world: tuple[World, Path], tmp_path: Path) -> None:
    infer(Forgetful(world[0], limit), world[1], tmp_path, contexts=LENGTHS, counter=COUNTER)
    evaluation = evaluate_contexts(world[1], tmp_path)
    found = evaluation.answers["forgetful"]["overall"]["all turns"]
    assert found["context_decay_n"] == 60 * 3 * len(LENGTHS)
    assert found["context_decay_coverage"] == 1
    assert evaluation.problems == []
    assert evaluation.manifest["tokenizers"] == {"forgetful": {"name": "bytes/4", "image_tokens": 16}}
    if limit == math.inf:
        assert found["context_decay_lower"] < 0 < found["context_decay_upper"]
        assert "≥ 2k" in evaluation.table()
    else:
        assert found["context_decay_effective_length"] == limit
        assert found["context_decay_upper"] < 0
        assert "▼" in evaluation.table()


def test_a_run_does_not_go_on_where_tokens_were_counted_otherwise(tmp_path: Path) -> None:
    world = World(12, 1)
    benchmark = world.write(tmp_path / "benchmark")
    infer(Forgetful(world), benchmark, tmp_path / "out", contexts=(64,), counter=COUNTER)
    with pytest.raises(ArgumentError, match=r"`out`.*image_tokens 16, now 256"):
        infer(Forgetful(world), benchmark, tmp_path / "out", contexts=(64,))


def test_turns_that_are_lost_in_the_middle_are_seen_by_depth(world: tuple[World, Path], tmp_path: Path) -> None:
    infer(Forgetful(world[0], only_at_the_ends=True), world[1], tmp_path, contexts=(1024,), counter=COUNTER)
    found = evaluate_contexts(world[1], tmp_path).answers["forgetful"]["by_depth"]
    means = {depth: scores["context_decay_length_1024"] for depth, scores in found.items()}
    assert list(means) == ["0", "0.25", "0.5", "0.75", "1"]
    assert min(means["0"], means["1"]) > 0.75
    assert max(means["0.25"], means["0.5"], means["0.75"]) < 0.55


def test_images_are_scored_by_their_alignment_with_an_encoder(tmp_path: Path) -> None:
    world = World(12, 2, images=(2,))
    benchmark = world.write(tmp_path / "benchmark")
    infer(Forgetful(world, 100), benchmark, tmp_path / "out", contexts=(64, 128), counter=COUNTER)
    colours = ("red", "green", "blue")
    encoder = CallableEncoder(
        lambda images: torch.stack([image.float().mean((1, 2)) / 255 for image in images]),
        lambda texts: torch.tensor([[float(colour in text) + 0.1 for colour in colours] for text in texts]),
        name="colours",
        fingerprint="colours",
        dim=3,
    )
    found = evaluate_contexts(benchmark, tmp_path / "out", encoder=encoder)
    drawn = found.images["forgetful"]["overall"]["all turns"]
    assert drawn["context_decay_n"] == 24
    assert drawn["context_decay_length_64"] > drawn["context_decay_length_128"]
    assert len(found.tables()) == 2
    report = json.loads(found.report(tmp_path / "report").read_text())
    assert report["images"]["forgetful"]["overall"]["all turns"]["context_decay"] < 0
    assert report["lengths"] == [64, 128]

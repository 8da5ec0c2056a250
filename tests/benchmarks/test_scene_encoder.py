# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Training of the embedded scene encoder, and the table of its figures."""

from __future__ import annotations

import doctest
import random
from pathlib import Path

import pytest
import torch

from benchmarks.scene_encoder import evaluate, train
from benchmarks.scene_encoder.train import Trainer, draw_batch, make_pairs
from imug_metrics.encoders.scene.scenes import HELD_OUT_THINGS, TRAINED_THINGS
from imug_metrics.encoders.scene.tokenizer import VOCABULARY, Tokenizer
from imug_metrics.encoders.scene.vocabulary import SHAPES


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_held_out_pairs_are_never_drawn_nor_named() -> None:
    pairs, _ = make_pairs(300, seed=0)
    seen = set().union(*(pair.scene.things | pair.variant.things for pair in pairs))
    assert seen <= set(TRAINED_THINGS)
    batch = draw_batch(pairs, Tokenizer(), 256, random.Random(0))
    sentences = [" ".join(VOCABULARY[i] for i in row if i > 2) for row in batch.ids.tolist()]
    named = [f"{thing.colour} {shape}" for thing in HELD_OUT_THINGS for shape in (thing.shape, SHAPES[thing.shape])]
    assert not [s for s in sentences for name in named if f" {name} " in f" {s} "]


def test_own_contradictions_are_never_masked_and_the_images_of_a_pair_differ() -> None:
    pairs, images = make_pairs(60, seed=1)
    batch = draw_batch(pairs, Tokenizer(), 64, random.Random(0))
    own = torch.arange(64)
    for columns in (own, own ^ 1, 64 + 2 * own, 64 + 2 * own + 1):
        assert not batch.also_true[own, columns].any()
    assert all((images[2 * k] != images[2 * k + 1]).any() for k in range(60))


def test_two_steps_give_the_same_weights_again() -> None:
    first, second = (_train(steps=2) for _ in range(2))
    assert all(torch.equal(a, second[0][name]) for name, a in first[0].items())
    assert first[1] == second[1]


def test_loss_falls_on_a_tiny_set() -> None:
    _, losses = _train(steps=11, batch_size=8)
    assert sum(losses[-3:]) < 0.85 * sum(losses[:3])


def test_resumed_training_equals_uninterrupted_training(tmp_path: Path) -> None:
    pairs, images = make_pairs(4, seed=2)
    whole, first, second = (Trainer(pairs, images, steps=3, batch_size=4) for _ in range(3))
    losses = [whole.step() for _ in range(3)]
    assert [first.step() for _ in range(2)] == losses[:2]
    first.save(tmp_path / "checkpoint.pt")
    second.load(tmp_path / "checkpoint.pt")
    assert second.step() == losses[2]


def test_training_for_rounded_weights_goes_down_their_loss_and_moves_the_exact_ones() -> None:
    pairs, images = make_pairs(4, seed=2)
    trainer = Trainer(pairs, images, steps=20, batch_size=8, levels=3)
    weight = trainer.model.text.head.weight
    before = weight.detach().clone()
    losses = [trainer.step() for _ in range(11)]
    assert sum(losses[-3:]) < 0.85 * sum(losses[:3])
    assert (weight != before).double().mean() > 0.9, "changes smaller than a level add up"


def _train(steps: int, batch_size: int = 4) -> tuple[dict[str, torch.Tensor], list[float]]:
    pairs, images = make_pairs(4, seed=2)
    trainer = Trainer(pairs, images, steps=20, batch_size=batch_size)
    losses = [trainer.step() for _ in range(steps)]
    return trainer.model.state_dict(), losses


@pytest.mark.parametrize("module", [train, evaluate])
def test_examples(module) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_commands_write_weights_and_figures(tmp_path: Path, capsys) -> None:
    weights, figures = tmp_path / "weights.safetensors", tmp_path / "figures.json"
    try:
        train.main(["--out", str(weights), "--steps", "2", "--batch", "8", "--scenes", "5"])
    finally:
        torch.set_flush_denormal(False)  # the command sets it for its whole process
    evaluate.main(["--weights", str(weights), "--seeds", "1", "--scenes", "12", "--json", str(figures)])
    assert "| colour |" in capsys.readouterr().out
    assert weights.exists()
    assert figures.exists()

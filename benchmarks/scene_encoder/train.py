# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Train the scene encoder: ``python -m benchmarks.scene_encoder.train --out weights.safetensors``.

The shipped weights come from three such commands, each starting from the one before; the model card names them.

The number of steps is fixed and every step draws from its own seed, so the same command on the same machine gives the
same weights, interrupted and resumed or not.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from imug_metrics.encoders.scene.captions import mention, phrase, unsaid
from imug_metrics.encoders.scene.model import SceneModel
from imug_metrics.encoders.scene.render import render
from imug_metrics.encoders.scene.rounding import rounded_weights
from imug_metrics.encoders.scene.scenes import PROPERTIES, TRAINED_THINGS, Scene, contradictions, sample_scene
from imug_metrics.encoders.scene.tokenizer import UNKNOWN, Tokenizer
from imug_metrics.encoders.scene.weights import load_weights, save_weights

_WEIGHTS_OF_CHANGE = {
    "colour": 1.0,
    "shape": 1.0,
    "count": 4.0,
    "size": 2.0,
    "position": 2.0,
    "relation": 3.0,
    "binding": 6.0,
    "background": 0.5,
}
_HARDEST_OF_ONE_KIND = ("count", "position", "size")
_UNKNOWN_WORD_RATE = 0.08
_PEAK_RATE = 2e-3
_WARM_UP_STEPS = 100


@dataclass(frozen=True)
class ContrastPair:
    """A scene and a variant with one property changed; both are rendered, so each is the other's hard negative."""

    scene: Scene
    variant: Scene
    changed: str


@dataclass(frozen=True)
class Batch:
    """One step's data: ``B`` images, ``B`` captions that fit, ``2 B`` that contradict them.

    Args:
        rows: Which images, int64 ``[B]``; a scene and its variant are neighbours (2 k, 2 k + 1).
        ids: Tokens, int64 ``[3 B, length]``; rows ``B + 2 i`` and ``B + 2 i + 1`` contradict image ``i``.
        also_true: bool ``[B, 3 B]``: the caption is true of the image, but is not its own.
    """

    rows: Tensor
    ids: Tensor
    also_true: Tensor


def make_pairs(count: int, seed: int, alike: float = 0.0) -> tuple[list[ContrastPair], Tensor]:
    """Draw and render scenes and their variants.

    Args:
        count: Number of scenes.
        seed: Seed of the whole set.
        alike: Share of the two-object scenes whose objects have their colour or their shape in common.

    Returns:
        The pairs, and their images, uint8 ``[2 * count, 3, 64, 64]``, each variant after its scene.

    Example:
        >>> pairs, images = make_pairs(2, seed=0)
        >>> images.shape
        torch.Size([4, 3, 64, 64])
    """
    pairs: list[ContrastPair] = []
    images = torch.empty(2 * count, 3, 64, 64, dtype=torch.uint8)
    for k in range(count):
        rng = random.Random(f"scene {seed} {k}")
        scene = sample_scene(rng, alike=alike)
        variant, changed = change(scene, rng, tuple(_WEIGHTS_OF_CHANGE))
        pairs.append(ContrastPair(scene, variant, changed))
        # Half of the pairs share their layout, so that the changed property is all that tells them apart.
        layouts = [rng.random()] * 2 if rng.random() < 0.5 else [rng.random(), rng.random()]
        for j, (what, where) in enumerate(zip((scene, variant), layouts, strict=True)):
            pixels = render(what, random.Random(where), noise=rng.uniform(0, 5))
            images[2 * k + j] = torch.from_numpy(pixels).permute(2, 0, 1)
    return pairs, images


def change(scene: Scene, rng: random.Random, among: tuple[str, ...]) -> tuple[Scene, str]:
    """Change one property of a scene without leaving the trained objects.

    Args:
        scene: The scene, or what a caption says of it.
        rng: Source of randomness.
        among: Properties to choose from, by weight.

    Returns:
        The changed scene and the property; the shape changes where none of ``among`` can.

    Example:
        >>> from imug_metrics.encoders.scene.scenes import Thing
        >>> change(Scene(Thing("red", "circle"), count=2), random.Random(0), ("count",))[1]
        'count'
    """
    remaining = list(among)
    while remaining:
        changed = rng.choices(remaining, [_WEIGHTS_OF_CHANGE[name] for name in remaining])[0]
        options = contradictions(scene, changed, TRAINED_THINGS)
        if options:
            return rng.choice(options), changed
        remaining.remove(changed)
    return rng.choice(contradictions(scene, "shape", TRAINED_THINGS)), "shape"


def draw_batch(pairs: list[ContrastPair], tokenizer: Tokenizer, size: int, rng: random.Random) -> Batch:
    """Choose images and word their captions and contradictions.

    Args:
        pairs: The training set.
        tokenizer: Turns captions into numbers.
        size: Number of images, even.
        rng: Source of randomness.

    Returns:
        The batch.

    Example:
        >>> pairs, _ = make_pairs(4, seed=0)
        >>> draw_batch(pairs, Tokenizer(), 4, random.Random(0)).also_true.shape
        torch.Size([4, 12])
    """
    chosen = rng.sample(range(len(pairs)), size // 2)
    scenes: list[Scene] = []
    said: list[Scene] = []
    for k in chosen:
        # Both captions of a pair name the changed property, else one caption would be true of both images.
        fields = unsaid(pairs[k].scene, rng) - {pairs[k].changed}
        for scene in (pairs[k].scene, pairs[k].variant):
            scenes.append(scene)
            said.append(mention(scene, fields))
    wrong = [change(s, rng, names)[0] for s in said for names in (PROPERTIES, _hardest(s, rng))]
    texts = [_with_unknown_word(phrase(s, rng), rng) for s in (*said, *wrong)]
    tokens = tokenizer(texts)
    length = int((tokens.ids != 0).sum(1).max())
    rows = torch.tensor([2 * k + j for k in chosen for j in (0, 1)])
    return Batch(rows, tokens.ids[:, :length], _also_true(scenes, [*said, *wrong]))


def _hardest(said: Scene, rng: random.Random) -> tuple[str, ...]:
    if said.kind == "relation":
        return (rng.choice(("binding", "relation")),)
    return ("binding",) if said.kind == "pair" else _HARDEST_OF_ONE_KIND


def _with_unknown_word(text: str, rng: random.Random) -> str:
    if rng.random() >= _UNKNOWN_WORD_RATE:
        return text
    words = text.split()
    words.insert(rng.randrange(len(words) + 1), UNKNOWN.strip("<>"))
    return " ".join(words)


def _also_true(scenes: list[Scene], said: list[Scene]) -> Tensor:
    mask = torch.zeros(len(scenes), len(said), dtype=torch.bool)
    columns: dict[frozenset[object], list[int]] = {}
    for j, statement in enumerate(said):
        columns.setdefault(frozenset(statement.things), []).append(j)
    for i, scene in enumerate(scenes):
        for j in columns.get(frozenset(scene.things), ()):
            mask[i, j] = i != j and said[j].is_true_of(scene)
    return mask


def contrastive_loss(model: SceneModel, images: Tensor, batch: Batch) -> Tensor:
    """Symmetric cross-entropy over the batch, plus the same over each sample's own hard negatives.

    Args:
        model: The model.
        images: The batch's images, float ``[B, 3, 64, 64]`` in [0, 1].
        batch: The batch.

    Returns:
        A scalar.
    """
    image, text = model.encode_image(images), model.encode_text(batch.ids)
    size = len(image)
    logits = (model.scale * image @ text.T).masked_fill(batch.also_true, -1e4)
    own = torch.arange(size)
    both_ways = F.cross_entropy(logits, own) + F.cross_entropy(logits[:, :size].T, own)
    counterpart = own ^ 1  # the scene of a variant, the variant of a scene
    first = torch.zeros(size, dtype=torch.int64)
    wrong_texts = torch.stack([own, counterpart, size + 2 * own, size + 2 * own + 1], dim=1)
    own_texts = F.cross_entropy(logits.gather(1, wrong_texts), first)
    own_images = F.cross_entropy(torch.stack([logits[own, own], logits[counterpart, own]], dim=1), first)
    return both_ways / 2 + own_texts + own_images / 2


class Trainer:
    """The state of training; ``step`` advances it by one batch.

    Args:
        pairs: Scenes and their variants.
        images: Their images, as ``make_pairs`` returns them.
        steps: Length of training, which shapes the learning rate.
        batch_size: Images a step, even.
        seed: Seed of the initial weights and of the batches.
        levels: Train for weights that are rounded to so many levels, see ``round_weight``; None: for exact ones.
        half: Compute in bfloat16, which is slow on processors that do not multiply it.

    Example:
        >>> Trainer(*make_pairs(4, seed=0), steps=1, batch_size=4).step() > 0
        True
    """

    def __init__(
        self,
        pairs: list[ContrastPair],
        images: Tensor,
        steps: int,
        batch_size: int = 256,
        seed: int = 0,
        levels: int | None = None,
        half: bool = True,
    ) -> None:
        self.pairs, self.images, self.half = pairs, images, half
        self.steps, self.batch_size, self.seed, self.levels = steps, batch_size, seed, levels
        self.done = 0
        self.tokenizer = Tokenizer()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = SceneModel(len(self.tokenizer.vocabulary))
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=_PEAK_RATE, weight_decay=1e-3)

    def step(self) -> float:
        """Train on one batch and return its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.done, self.steps)
        batch = draw_batch(self.pairs, self.tokenizer, self.batch_size, random.Random(f"step {self.seed} {self.done}"))
        images = self.images[batch.rows].float() / 255
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        with nullcontext() if self.levels is None else rounded_weights(self.model, self.levels):
            with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
                loss = contrastive_loss(self.model, images, batch)
            loss.backward()
        self.optimizer.step()
        self.done += 1
        return loss.item()

    def save(self, path: Path) -> None:
        """Write everything that resuming needs; the file appears whole or not at all."""
        state = {"done": self.done, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint that ``save`` wrote."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to zero.

    Args:
        step: Steps done, from 0.
        steps: Length of training.

    Example:
        >>> learning_rate(99, 1000) > learning_rate(900, 1000)
        True
    """
    return _PEAK_RATE * min(1.0, (step + 1) / _WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * step / steps))


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the embedded scene encoder.")
    parser.add_argument("--out", type=Path, default=Path("weights.safetensors"), help="file of the weights")
    parser.add_argument("--steps", type=int, default=2000, help="batches")
    parser.add_argument("--batch", type=int, default=256, help="images of a batch")
    parser.add_argument("--scenes", type=int, default=40_000, help="scenes to render; each gets a variant")
    parser.add_argument("--alike", type=float, default=0.0, help="share of two-object scenes of one colour or shape")
    parser.add_argument("--start", type=Path, help="weights to start from instead of random ones")
    parser.add_argument("--levels", type=int, help="round to so many levels, see `round_weight`")
    parser.add_argument("--float32", action="store_true", help="for processors that do not multiply bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="with a busy second core one thread is the fastest")
    parser.add_argument("--checkpoint", type=Path, help="resume from this file where it exists, and update it")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    start = time.monotonic()
    pairs, images = make_pairs(options.scenes, 1000 + options.seed, options.alike)
    print(f"rendered {len(images)} images in {time.monotonic() - start:.0f} s", flush=True)
    trainer = Trainer(pairs, images, options.steps, options.batch, options.seed, options.levels, not options.float32)
    if options.start is not None:
        trainer.model.load_state_dict(load_weights(options.start)[0].state_dict())
    if options.checkpoint is not None and options.checkpoint.exists():
        trainer.load(options.checkpoint)
    while trainer.done < options.steps:
        loss = trainer.step()
        if trainer.done % 50 == 0 or trainer.done == options.steps:
            scale = trainer.model.scale.item()
            elapsed = time.monotonic() - start
            print(f"{elapsed:6.0f} s  step {trainer.done:5d}  loss {loss:.3f}  scale {scale:.1f}", flush=True)
        if options.checkpoint is not None and trainer.done % 200 == 0:
            trainer.save(options.checkpoint)
    save_weights(trainer.model, options.out, trainer.tokenizer.vocabulary, options.levels)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every figure of the model card: ``python -m benchmarks.scene_encoder.evaluate``.

Scenes are drawn with seeds that training never used. "trained" holds scenes of colour-shape pairs seen in training,
"held out" scenes whose subject is a pair that was never rendered or named.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

from imug_metrics.encoders.scene.captions import mention, phrase
from imug_metrics.encoders.scene.encoder import SceneEncoder
from imug_metrics.encoders.scene.render import render
from imug_metrics.encoders.scene.scenes import (
    ALL_THINGS,
    HELD_OUT_THINGS,
    PROPERTIES,
    TRAINED_THINGS,
    Scene,
    Thing,
    contradictions,
    sample_scene,
)
from imug_metrics.encoders.scene.weights import SHIPPED

POOL = 100
Figures = dict[str, float]


def measure(encoder: SceneEncoder, held_out: bool, seed: int, scenes: int = 2000) -> Figures:
    """Measure retrieval and two-alternative accuracy on fresh scenes.

    Args:
        encoder: The encoder.
        held_out: Whether the subjects are the never-trained colour-shape pairs.
        seed: Seed of the scenes.
        scenes: How many to draw; retrieval needs several hundred to fill a pool.

    Returns:
        Accuracies in [0, 1], higher is better: R@1 both ways among ``POOL`` images and captions that are true of
        their own image alone (where a pool can be filled), and per property the share of images that are closer to
        their caption than to the caption with that property changed (0.5 is chance); "relation, alike" is "relation" on
        scenes whose two objects have their colour or their shape in common.

    Example:
        >>> figures = measure(SceneEncoder(), held_out=False, seed=0, scenes=50)
        >>> figures["colour"] > 0.9
        True
    """
    rng = random.Random(f"evaluate {seed} {held_out}")
    subjects, allowed = (HELD_OUT_THINGS, ALL_THINGS) if held_out else (TRAINED_THINGS, TRAINED_THINGS)
    drawn = [sample_scene(rng, subjects) for _ in range(scenes)]
    images = _embed(encoder, drawn, rng)
    figures = _retrieval(encoder, drawn, images, rng)
    for changed in PROPERTIES:
        figures |= _two_alternatives(encoder, drawn, images, changed, allowed, rng)
    alike = [sample_scene(rng, subjects, alike=1.0) for _ in range(scenes)]
    alike = [scene for scene in alike if scene.relation is not None]
    relation = _two_alternatives(encoder, alike, _embed(encoder, alike, rng), "relation", allowed, rng)
    return figures | {f"{name}, alike": value for name, value in relation.items()}


def _embed(encoder: SceneEncoder, scenes: list[Scene], rng: random.Random) -> torch.Tensor:
    images = [render(scene, rng, noise=rng.uniform(0, 5)) for scene in scenes]
    return encoder.encode_images(torch.from_numpy(np.stack(images)))


def _retrieval(encoder: SceneEncoder, scenes: list[Scene], images: torch.Tensor, rng: random.Random) -> Figures:
    said = [mention(scene, frozenset({"background"})) for scene in scenes]
    texts = encoder.encode_texts([phrase(statement, rng) for statement in said])
    hits_text = hits_image = total = 0
    for pool in _pools(said):
        similarity = images[pool] @ texts[pool].T
        own = torch.arange(POOL, device=similarity.device)
        hits_text += int((similarity.argmax(1) == own).sum())
        hits_image += int((similarity.argmax(0) == own).sum())
        total += POOL
    return {"image to text R@1": hits_text / total, "text to image R@1": hits_image / total} if total else {}


def _pools(said: list[Scene]) -> list[list[int]]:
    pools: list[list[int]] = []
    left = list(range(len(said)))
    while len(left) >= POOL:
        pool: list[int] = []
        for i in left:
            unambiguous = not any(said[i].is_true_of(said[j]) or said[j].is_true_of(said[i]) for j in pool)
            if unambiguous and len(pool) < POOL:
                pool.append(i)
        if len(pool) < POOL:
            break
        pools.append(pool)
        left = sorted(set(left) - set(pool))
    return pools


def _two_alternatives(
    encoder: SceneEncoder,
    scenes: list[Scene],
    images: torch.Tensor,
    changed: str,
    allowed: Collection[Thing],
    rng: random.Random,
) -> Figures:
    rows: list[int] = []
    right: list[str] = []
    wrong: list[str] = []
    for row, scene in enumerate(scenes):
        said = scene if changed == "background" else mention(scene, frozenset({"background"}))
        options = contradictions(said, changed, allowed)
        if options:
            wording = rng.random()  # both captions get the same synonyms and word order
            rows.append(row)
            right.append(phrase(said, random.Random(wording)))
            wrong.append(phrase(rng.choice(options), random.Random(wording)))
    if not rows:
        return {}
    closer = images[rows] * (encoder.encode_texts(right) - encoder.encode_texts(wrong))
    return {changed: float((closer.sum(1) > 0).double().mean())}


def table(splits: dict[str, list[Figures]]) -> str:
    """Lay figures of several seeds out as Markdown: mean ± standard deviation (lowest).

    Args:
        splits: Per split the figures of each seed.

    Example:
        >>> print(table({"trained": [{"colour": 1.0}, {"colour": 0.5}]}))
        | figure | trained |
        |---|---|
        | colour | .7500 ± .3536 (.5000) |
    """
    lines = [f"| figure | {' | '.join(splits)} |", "|---|" + "---|" * len(splits)]
    for figure in next(iter(splits.values()))[0]:
        cells = [_spread([figures[figure] for figures in seeds]) for seeds in splits.values()]
        lines.append(f"| {figure} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    shown = (f"{value:.4f}".removeprefix("0") for value in (statistics.mean(values), deviation, min(values)))
    return "{} ± {} ({})".format(*shown)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure the embedded scene encoder on scenes it never saw.")
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=2000, help="scenes a seed and split")
    parser.add_argument("--json", type=Path, help="also write every seed's figures to this file")
    options = parser.parse_args(arguments)
    encoder = SceneEncoder(options.weights)
    splits = {
        split: [measure(encoder, split == "held out", seed, options.scenes) for seed in range(options.seeds)]
        for split in ("trained", "held out")
    }
    print(table(splits))
    if options.json is not None:
        report = {"fingerprint": encoder.fingerprint, "scenes": options.scenes, "figures": splits}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

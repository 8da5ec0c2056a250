# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How often the intervals of `IdentityVerification` hold the value of very many dialogues, and what pairs cost.

`python docs/identity_coverage.py` prints the tables of metrics/identity_verification.md, in some minutes.
"""

from __future__ import annotations

import time

import torch
from imug_kernels import cross_stats
from torch import Tensor

from imug_metrics import IdentityVerification

WIDTH, TURNS, SETS = 16, 4, 200
ESTIMATES = ("", "_eer", "_tpr", "_dprime", f"_turn_{TURNS}", "_dprime_slope")


def dialogues(count: int, noise: float, seed: int) -> Tensor:
    """Embeddings `[count, TURNS, WIDTH]` of subjects that fade over turns, some harder than others."""
    draw = torch.Generator().manual_seed(seed)
    subject = torch.randn(count, 1, WIDTH, generator=draw)
    hardness = 0.4 + 1.2 * torch.rand(count, 1, 1, generator=draw)
    fading = noise * torch.linspace(0.6, 1.2, TURNS)[:, None] * hardness
    return subject + fading * torch.randn(count, TURNS, WIDTH, generator=draw)


def scores(images: Tensor, sample: int = 512) -> dict[str, float]:
    """All estimates of a set of dialogues, without the metric's name."""
    metric = IdentityVerification(WIDTH, detail=True, max_turns=TURNS, far=0.1, sample=sample)
    metric.update(images, dialogue=torch.arange(len(images)))
    return {key.removeprefix(metric.name): float(value) for key, value in metric.compute().items()}


def coverage(noise: float, count: int, truth: dict[str, float]) -> list[float]:
    """The share of sets whose intervals hold the truth, by estimate; one without interval does not count."""
    held: dict[str, list[bool]] = {name: [] for name in ESTIMATES}
    for number in range(SETS):
        found = scores(dialogues(count, noise, 7919 * number + count))
        for name in ESTIMATES:
            lower, upper = found[f"{name}_lower"], found[f"{name}_upper"]
            held[name] += [lower <= truth[name] <= upper] if lower == lower else []
    return [sum(found) / max(len(found), 1) for found in held.values()]


def cost(rows: int = 20_000, width: int = 768) -> float:
    """Seconds of one core for the histograms of all ordered pairs of so many embeddings."""
    torch.set_num_threads(1)
    images, dialogue = torch.randn(rows, width), torch.arange(rows) // TURNS
    start = time.process_time()
    cross_stats(images, images, groups_x=dialogue, groups_y=dialogue, exclude_self=True, bins=512)
    return time.process_time() - start


if __name__ == "__main__":
    for noise in (0.8, 1.5):
        truth = scores(dialogues(4000, noise, 10**6), sample=6000)
        print(f"AUC {truth['']:.3f}", *ESTIMATES)
        for count in (5, 10, 30, 100, 400):
            print(count, *(f"{share:.1%}" for share in coverage(noise, count, truth)))
    print(f"{cost():.0f} s")

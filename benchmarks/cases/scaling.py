# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Best of k for every k in one pass, against loops over records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb

import numpy as np
import torch
from torch import Tensor

from imug_metrics import BestOfN
from imug_metrics.functional import best_of_n_curve

from ..machine import DEVICE
from ..registry import Answer, Case, Job, Provider, Setup
from ..runner import races

CANDIDATES = 64


def scaling(setup: Setup) -> Iterator[Job]:
    return races(setup, _cases(setup.quick))


def _cases(quick: bool) -> Iterator[Case]:
    """Mean oracle curve, then mean selected curve, over a million turns with 64 candidates each."""
    few = 100 if quick else 20_000  # what a loop gets: its rate does not depend on the number of records
    times = 5 if quick else 50  # the same records again, so that every provider has the same answer
    generator = torch.Generator().manual_seed(0)
    pool = torch.rand(few, CANDIDATES, generator=generator)
    judged = pool.double() + 0.5 * torch.rand(few, CANDIDATES, generator=generator)
    judged = judged.argsort(1).argsort(1).float()  # ranks have no ties, which the loops would break by chance
    loops = [side.numpy().astype(np.float64) for side in (pool, judged)]
    scores, selector = (side.repeat(times, 1).to(DEVICE) for side in (pool, judged))
    records = len(scores)
    weights = _weights()
    sizes: dict[str, int | str] = {"candidates": CANDIDATES, "k": f"1-{CANDIDATES}", "dtype": "float32"}

    def ours(*columns: Tensor) -> Callable[[], Answer]:
        return lambda: Answer(best_of_n_curve(*columns))

    def metric(*columns: Tensor) -> Callable[[], Answer]:
        return lambda: _metric(tuple(side[: records // 5] for side in columns))

    def loop(way: Callable[..., np.ndarray], *columns: np.ndarray) -> Callable[[], Answer]:
        return lambda: Answer(torch.from_numpy(way(weights, *columns)))

    for name, columns, arrays in (
        ("best of k: oracle", (scores,), loops[:1]),
        ("best of k: selected", (scores, selector), loops),
    ):
        yield Case(
            name,
            sizes,
            (
                Provider("NumPy loop over records and k", loop(_by_record_and_k, *arrays), few),
                Provider("NumPy loop over records, all k in one product", loop(_by_record, *arrays), few),
                Provider("imug_metrics best_of_n_curve", ours(*columns), records),
                Provider("imug_metrics BestOfN, with curves over turns and intervals", metric(*columns), records // 5),
            ),
            bytes_per_row=len(columns) * CANDIDATES * 4,
            truth=_truth(weights, *arrays),
            repeats=1 if quick else 3,
        )


def _weights() -> np.ndarray:
    """Exact weights `[k, i]`, made beforehand so that no loop pays for them."""
    ks, places = range(1, CANDIDATES + 1), range(1, CANDIDATES + 1)
    return np.array([[comb(i - 1, k - 1) / comb(CANDIDATES, k) for i in places] for k in ks])


def _by_record_and_k(weights: np.ndarray, scores: np.ndarray, selector: np.ndarray | None = None) -> np.ndarray:
    """Compute it as an evaluation script would: record by record, k by k."""
    total = np.zeros(CANDIDATES)
    for row, y in enumerate(scores):
        ordered = np.sort(y) if selector is None else y[np.argsort(selector[row])]
        for k in range(CANDIDATES):
            total[k] += weights[k, k:] @ ordered[k:]
    return total / len(scores)


def _by_record(weights: np.ndarray, scores: np.ndarray, selector: np.ndarray | None = None) -> np.ndarray:
    total = np.zeros(CANDIDATES)
    for row, y in enumerate(scores):
        total += weights @ (np.sort(y) if selector is None else y[np.argsort(selector[row])])
    return total / len(scores)


def _metric(columns: tuple[Tensor, ...]) -> Answer:
    """The whole metric, fed with batches of 8,192 turns of four-turn dialogues."""
    metric = BestOfN(CANDIDATES, ks=range(2, CANDIDATES + 1), detail=True)
    place = torch.arange(len(columns[0]), device=DEVICE)
    for start in range(0, len(place), 8192):
        rows = slice(start, start + 8192)
        metric.update(*(side[rows] for side in columns), dialogue=place[rows] // 4, turn=place[rows] % 4 + 1)
    found = metric.compute()
    assert isinstance(found, dict)
    curve = [found["best_of_n_single"], *(found[f"best_of_n_selected_{k}"] for k in metric.ks[:-1]), found["best_of_n"]]
    state = [part for part in metric.metric_state.values() if isinstance(part, Tensor)]
    return Answer(torch.stack(curve), sum(part.nbytes for part in state))


def _truth(weights: np.ndarray, scores: np.ndarray, selector: np.ndarray | None = None) -> Tensor:
    order = np.argsort(scores if selector is None else selector, axis=1)
    return torch.from_numpy(weights @ np.take_along_axis(scores, order, 1).mean(0)).to(DEVICE)

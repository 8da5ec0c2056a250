# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How good a model can be, and how far it strays, over repeated runs of the same record."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Candidates
from imug_metrics.dialogues.columns import as_numbers
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values

Measure = Literal["reliability", "aptitude", "unreliability", "average"]
Method = Literal["linear", "lower", "higher", "nearest", "midpoint"]
METHODS: tuple[Method, ...] = get_args(Method)


def reliability(
    scores: Candidates,
    *,
    measure: Measure = "reliability",
    method: Method = "linear",
    scale: float = 1.0,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Aptitude and unreliability over repeated runs of one record (Laban et al., arXiv 2505.06120).

    - `aptitude`: A90 = 90th percentile of the runs, what the model does in its better runs. Higher is better.
    - `unreliability`: U = 90th - 10th percentile, in [0, scale]. Lower is better.
    - `reliability`: R = scale - U. Higher is better. A model that always fails is reliable: read it with aptitude.
    - `average`: mean of the runs.

    Each is taken per record and then averaged over records.

    Args:
        scores: `[..., R]`, the R >= 2 runs of a record in the last dimension; NaN for a run that failed, which is left
            out.
        measure: see above.
        method: how a percentile that falls between two runs is read; `"linear"` (numpy's default) interpolates. With
            few runs the choice matters.
        scale: the top of the scores' scale: 1, or 100 for percentages.
        reduction: `"mean"`, or `"none"` for the values of the records.

    Returns:
        float64 scalar, or values `[...]`; NaN for records with fewer than two runs that did not fail. Differentiable.

    Raises:
        ValueError: if there are fewer than two runs or an option is unknown.

    Example:
        >>> runs = torch.tensor([[90.0, 80.0, 100.0, 70.0, 60.0], [50.0, 50.0, 50.0, 50.0, 50.0]])
        >>> reliability(runs, measure="aptitude", reduction="none")
        tensor([96., 50.], dtype=torch.float64)
        >>> reliability(runs, scale=100.0, reduction="none")
        tensor([ 68., 100.], dtype=torch.float64)
    """
    found = run_values(scores, method, scale)
    if measure not in found:
        raise ValueError(f"Expected argument `measure` to be one of {tuple(found)}, got {measure!r}.")
    return reduce_values(found[measure], reduction)


def run_values(scores: Candidates, method: Method, scale: float, *, average: bool = True) -> dict[str, Tensor]:
    """Every measure of records `[..., R]`, each `[...]`, the `average` if wanted; NaN with fewer than two finite runs.

    Raises:
        ValueError: if there are fewer than two runs or the method is unknown.
    """
    runs = as_numbers("scores", scores)
    if runs.ndim < 2 or runs.shape[-1] < 2:
        raise InputError("scores", "to have shape [N, R] with R >= 2 runs of a record in a row", list(runs.shape))
    if method not in METHODS:
        raise ValueError(f"Expected argument `method` to be one of {METHODS}, got {method!r}.")
    runs = runs.double()
    runs = runs.nan_to_num(torch.nan, torch.nan, torch.nan)
    runs = runs.masked_fill((runs == runs).sum(-1, keepdim=True) < 2, torch.nan)
    tails = constant(_tails, like=runs)
    if not runs.numel():  # which nanquantile refuses
        return dict.fromkeys(get_args(Measure), runs.sum(-1))
    low, high = torch.nanquantile(runs, tails, dim=-1, interpolation=method)
    spread = high - low
    found = {"reliability": scale - spread, "aptitude": high, "unreliability": spread}
    return found | ({"average": runs.nanmean(-1)} if average else {})


def _tails(device: torch.device) -> Tensor:
    return torch.tensor([0.1, 0.9], dtype=torch.float64, device=device)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How often models are told apart that are equal, and that are not, on dialogues whose difficulty they share."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from scipy import stats
from torch import Tensor

from imug_metrics.stats.comparison import paired_differences
from imug_metrics.stats.intervals import Weights, interval

MODELS = (2, 3, 10)
DIALOGUES = (15, 30, 60, 120)
AHEAD = 0.5
"""By how much the better model's skill is higher where power is counted, in units of a record's own luck."""
_REPLICATES = 500
_EASE = 0.6


@dataclass
class Told:
    """In how many runs some model was found ahead.

    Attributes:
        scores: "right or wrong" or "graded".
        models, dialogues, runs: numbers.
        ahead: by how much one model is better.
        paired: runs in which bounds that hold for all pairs set two models apart.
        apart: runs in which the intervals of two models by themselves do not overlap; not looked at with more.
    """

    scores: str
    models: int
    dialogues: int
    runs: int
    ahead: float
    paired: int = 0
    apart: int = 0

    @property
    def share(self) -> float:
        """Of the runs, in which a model was found ahead by its differences."""
        return self.paired / self.runs

    @property
    def certain(self) -> tuple[float, float]:
        """Clopper and Pearson's bounds of 95 % about `share`."""
        return stats.binomtest(self.paired, self.runs).proportion_ci(0.95, "exact")

    def as_dict(self) -> dict[str, object]:
        """What is written down."""
        return asdict(self)


def tell_apart(scores: str, models: int, dialogues: int, runs: int, ahead: float = 0.0, seed: int = 0) -> Told:
    """Compare models of which the first is better by so much, or none is."""
    generator = torch.Generator().manual_seed(seed)
    found = Told(scores, models, dialogues, runs, ahead)
    for run in range(runs):
        values, dialogue = _scores(scores, models, dialogues, ahead, generator)
        pairs = paired_differences(values, dialogue + run * dialogues, replicates=_REPLICATES)
        found.paired += any(pair.leader is not None for pair in pairs)
        if models == 2:
            lower, upper = zip(*(_mean_bounds(row, dialogue) for row in values))
            found.apart += max(lower) > min(upper)
    return found


def _scores(kind: str, models: int, dialogues: int, ahead: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Scores `[models, N]` of 2 to 6 turns a dialogue, and the dialogue of each.

    A latent score is the ease of dialogue and turn, which all models meet, a model's own luck with the dialogue, and
    that with the record.
    """
    count = torch.randint(2, 7, (dialogues,), generator=generator)
    dialogue = torch.arange(dialogues).repeat_interleave(count)
    rows = len(dialogue)
    ease = 0.8 * torch.randn(dialogues, generator=generator)[dialogue] + 0.6 * torch.randn(rows, generator=generator)
    own = 0.4 * torch.randn(models, dialogues, generator=generator)[:, dialogue]
    latent = ease + own + torch.randn(models, rows, generator=generator) + _EASE
    latent[0] += ahead
    return ((latent > 0).double() if kind == "right or wrong" else latent.sigmoid().double()), dialogue


def _mean_bounds(scores: Tensor, dialogue: Tensor) -> tuple[float, float]:
    """The interval of one model's mean, as its metric would give it."""
    count = dialogue.bincount().double()
    sums = torch.zeros_like(count).index_add_(0, dialogue, scores)
    weights = Weights(count.sum(), (count * count).sum())
    value = sums.sum() / weights.total
    spread = ((sums - value * count) ** 2).sum() / weights.total**2
    found = interval(value, spread, weights, low=0.0, high=1.0)
    return float(found.lower), float(found.upper)

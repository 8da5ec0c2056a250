# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where scores of several judges vary, and what more judges or repeats are worth (generalizability theory)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Source: TypeAlias = Literal["dialogue", "record", "judge", "taste", "repeat"]
SOURCES: tuple[Source, ...] = ("dialogue", "record", "judge", "taste", "repeat")
COUNTS = (1, 2, 3, 5)
"""Numbers of judges, and of repeats, that `judges_worth` compares."""


def judge_variance(scores: Tensor, dialogue: Tensor) -> dict[Source, float]:
    """The variance that dialogues, their records, judges, the judges' taste and the repeats add to a single score.

    The crossed analysis of variance of records and judges (Brennan, Generalizability Theory, 2001, chapter 3): with the
    mean squares of N records, J judges and R repeats each,

        repeat = MS_repeat,  taste = (MS_taste - repeat) / R,  judge = (MS_judge - MS_taste) / (N R)

    and what records vary by, `(MS_record - MS_taste) / (J R)`, is split into that between dialogues and that within
    them by the one-way analysis of the records' means. Taste is the interaction: a judge likes an output that others do
    not.

    Args:
        scores: `[N, J, R]`; NaN where there is none. Records of which an answer is missing do not count.
        dialogue: int64 `[N]`, ids.

    Returns:
        By source, 0 where the estimate is below 0; NaN where nothing tells it: `repeat` with one repeat, which is then
        part of `taste`; `record` and `dialogue` apart where each dialogue has one record, whose variance is then that
        of the dialogue; everything with fewer than two records or judges.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> records, judges = torch.randn(500, 1, 1, generator=generator), torch.tensor([0.0, 1.0])[None, :, None]
        >>> scores = records + judges + 0.5 * torch.randn(500, 2, 2, generator=generator)
        >>> found = judge_variance(scores, torch.arange(500))
        >>> {name: round(value, 1) for name, value in found.items()}
        {'dialogue': 1.0, 'record': nan, 'judge': 0.5, 'taste': 0.0, 'repeat': 0.3}
    """
    whole = ~scores.isnan().flatten(1).any(1)
    y, ids = scores[whole].double(), dialogue[whole]
    records, judges, repeats = y.shape
    if records < 2 or judges < 2:
        return dict.fromkeys(SOURCES, math.nan)
    cells, of_record, of_judge = y.mean(2), y.mean((1, 2)), y.mean((0, 2))
    grand = y.mean()
    taste = cells - of_record[:, None] - of_judge + grand
    ms_taste = repeats * float(taste.square().sum()) / ((records - 1) * (judges - 1))
    ms_judge = records * repeats * float((of_judge - grand).square().sum()) / (judges - 1)
    ms_record = judges * repeats * float((of_record - grand).square().sum()) / (records - 1)
    noise = float((y - cells[:, :, None]).square().sum()) / (records * judges * (repeats - 1)) if repeats > 1 else 0.0
    between = (ms_record - ms_taste) / (judges * repeats)
    of_dialogue = _between_dialogues(of_record, ids)
    found: dict[Source, float] = {
        "dialogue": between if math.isnan(of_dialogue) else of_dialogue,
        "record": between - of_dialogue,
        "judge": (ms_judge - ms_taste) / (records * repeats),
        "taste": (ms_taste - noise) / repeats,
        "repeat": noise if repeats > 1 else math.nan,
    }
    return {name: value if math.isnan(value) else max(value, 0.0) for name, value in found.items()}


def mean_variance(
    components: Mapping[Source, float], *, judges: float, repeats: float, dialogues: float, records: float
) -> float:
    """Variance of the difference-free part of a model's mean, by so many judges that answer so often.

    The judges' own level is left out: it is the same for all models, and leaves their order as it is.

    Args:
        components: see `judge_variance`; what is not known counts as 0.
        judges, repeats: how many.
        dialogues: how many.
        records: of each dialogue.
    """
    known = {name: 0.0 if math.isnan(value) else value for name, value in components.items()}
    rows = dialogues * records
    noise = known["taste"] / (rows * judges) + known["repeat"] / (rows * judges * repeats)
    return known["dialogue"] / dialogues + known["record"] / rows + noise


def judges_worth(
    components: Mapping[Source, float], *, dialogues: float, records: float
) -> dict[tuple[int, int], float]:
    """Width of a model's interval by numbers of judges and repeats (`COUNTS`), as a share of that with one of each.

    Args:
        components, dialogues, records: see `mean_variance`.

    Returns:
        NaN of several repeats where nobody knows what they vary by.

    Example:
        >>> parts = {"dialogue": 0.1, "record": 0.0, "judge": 0.2, "taste": 0.2, "repeat": 0.1}
        >>> found = judges_worth(parts, dialogues=100, records=1.0)
        >>> round(found[3, 1], 2), round(found[1, 3], 2)
        (0.71, 0.91)
    """
    size = {"dialogues": dialogues, "records": records}
    alone = mean_variance(components, judges=1, repeats=1, **size)
    unknown = math.isnan(components["repeat"])
    return {
        (judges, repeats): math.sqrt(mean_variance(components, judges=judges, repeats=repeats, **size) / alone)
        if alone > 0 and not (unknown and repeats > 1)
        else math.nan
        for judges in COUNTS
        for repeats in COUNTS
    }


def _between_dialogues(means: Tensor, ids: Tensor) -> float:
    """Variance between dialogues of their records' means, by moments; NaN where none has two records."""
    _, owner, counts = torch.unique(ids, return_inverse=True, return_counts=True)
    groups, records = len(counts), len(means)
    if groups < 2 or records == groups:
        return math.nan
    totals = means.new_zeros(groups).index_add_(0, owner, means)
    own = totals / counts
    within = float((means - own[owner]).square().sum()) / (records - groups)
    between = float((counts * (own - means.mean()).square()).sum()) / (groups - 1)
    size = (records - float(counts.square().sum()) / records) / (groups - 1)
    return (between - within) / size

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Runs under several strategies to a policy that chooses among them, learned on one half and tried on the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.encoders import Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.inputs import cached_encoder
from imug_metrics.evaluation.layouts import check_layouts
from imug_metrics.evaluation.scaling import Scored, score_answers, score_images
from imug_metrics.evaluation.settings import readable_benchmark
from imug_metrics.functional.scaling.adaptive_policy import learn_rule, split_dialogues
from imug_metrics.functional.scaling.hull_climb import climb
from imug_metrics.inference.model import Want
from imug_metrics.inference.strategies.policy import Policy, TurnRule
from imug_metrics.metrics.scaling.adaptive_policy import AdaptivePolicy
from imug_metrics.protocols.imug.candidates import Candidates, read_candidates
from imug_metrics.protocols.imug.usage import COUNTED
from imug_metrics.reading.files import Problems
from imug_metrics.suite import metric_scores, with_key

_UNSEEN = 0  # turns count from 1


class Outcomes(NamedTuple):
    """What strategies scored and cost at the turns that all of them have.

    Attributes:
        dialogue: ids of dialogues.
        turn: numbers of turns.
        scores: `[N, S]`, one column a strategy, higher is better.
        costs: `[N, S]`, of one kind.
    """

    dialogue: Sequence[str]
    turn: Sequence[int]
    scores: Tensor
    costs: Tensor


def learn_policy(
    outcomes: Mapping[Want, Outcomes], strategies: Sequence[str], budget: Mapping[Want, float], *, seed: int = 0
) -> Policy:
    """Learn which strategy answers which turn, for each modality by itself.

    Half of the dialogues is learned from by `learn_rule`, which gives every turn the strategy that is best for the
    budget; a turn that was not seen gets the cheapest. The other half tells what the rule is worth: the evidence of a
    rule has, on that half, its mean `score` and `cost`, the `best` score that any choice within the budget could have,
    and of `AdaptivePolicy` the `regret` at the budget's price with its bounds, and that of each strategy used
    everywhere.

    Args:
        outcomes: by "text", "image", see `read_outcomes`.
        strategies: names of the columns, as `parse_strategy` takes them.
        budget: mean cost of a turn, by modality.
        seed: of the split.

    Raises:
        ArgumentError: if a modality has no budget, or one below what the cheapest choices cost, or too few turns.

    Example:
        >>> scores = torch.tensor([[0.5, 0.5], [0.5, 0.9]] * 8).double()
        >>> costs = torch.tensor([[1.0, 3.0]]).expand(16, 2)
        >>> seen = Outcomes([str(row // 2) for row in range(16)], [1, 2] * 8, scores, costs)
        >>> rule = learn_policy({"text": seen}, ["direct", "cot"], {"text": 2.0}).rules["text"]
        >>> rule.turns, round(rule.evidence["tested"]["score"], 2)
        ({1: 'direct', 2: 'cot'}, 0.7)
    """
    lacking = [want for want in outcomes if want not in budget]
    if lacking:
        raise ArgumentError("budget", f"expected one for {lacking[0]} turns")
    if not outcomes:
        raise ArgumentError("runs", "expected turns that all strategies have, with a score and a cost")
    return Policy({want: _learn(found, strategies, budget[want], seed) for want, found in outcomes.items()})


def read_outcomes(
    benchmark: Path | str,
    runs: Mapping[str, Path | str],
    cost: str,
    problems: Problems,
    *,
    encoder: Encoder | str | None = None,
    device: str | None = None,
) -> dict[Want, Outcomes]:
    """Scores and costs of one model's runs, as `evaluate_scaling` reads them.

    Args:
        benchmark: folder in the layout of IMUG-Bench.
        runs: folders of outputs, by the strategy that made them.
        cost: kind of cost: "outputs", which is counted, or what the runs have written down, such as "requests".
        problems: collects what is wrong in the data.
        encoder: compares images and prompts; None: images are left out.
        device: where an encoder given by name runs.

    Returns:
        By modality, the turns at which every run has a score and a cost; none where there is no such turn.

    Raises:
        ArgumentError: if there are fewer than two runs, or a folder or the encoder cannot be read.
    """
    folders = {name: Path(folder) for name, folder in runs.items()}
    if len(folders) < 2:
        raise ArgumentError("runs", f"expected two runs or more, got {len(folders)}")
    for folder in folders.values():
        check_layouts({"runs": (folder, "model"), "benchmark": (Path(benchmark), "benchmark")})
    cached = cached_encoder(encoder, device, None)
    samples = readable_benchmark(Path(benchmark), problems)
    read = [list(read_candidates(samples, folder, problems)) for folder in folders.values()]
    records = [entry.record for entry in read[0]]
    keyed = {(record.dialogue, record.turn) for record in with_key(records, "strict")}
    texts = [row for row, record in enumerate(records) if (record.dialogue, record.turn) in keyed]
    found: dict[Want, Outcomes] = {}
    _add(found, "text", [[run[row] for row in texts] for run in read], cost, score_answers)
    if cached is not None:
        images = [row for row, record in enumerate(records) if record.modality == "image"]
        _add(
            found,
            "image",
            [[run[row] for row in images] for run in read],
            cost,
            lambda entries: score_images(entries, cached, problems),
        )
    return found


def _add(
    found: dict[Want, Outcomes],
    want: Want,
    runs: list[list[Candidates]],
    cost: str,
    score: Callable[[list[Candidates]], Scored],
) -> None:
    """Add the turns of a modality, if all runs have any."""
    scores = torch.stack([score(entries).final for entries in runs], 1)
    costs = torch.tensor([[_cost(entry, cost) for entry in entries] for entries in runs], dtype=torch.float64).mT
    whole = (scores + costs).isfinite().all(1)
    rows = whole.nonzero()[:, 0].tolist()
    if rows:
        places = [runs[0][row].record for row in rows]
        dialogues, turns = [record.dialogue for record in places], [record.turn for record in places]
        found[want] = Outcomes(dialogues, turns, scores[whole], costs[whole])


def _cost(entry: Candidates, kind: str) -> float:
    return float(entry.made) if kind == COUNTED else entry.costs.get(kind, math.nan)


def _learn(found: Outcomes, strategies: Sequence[str], budget: float, seed: int) -> TurnRule:
    columns = found.scores.shape[1]
    if columns != len(strategies):
        raise ArgumentError("strategies", f"expected {columns} names, one a column, got {len(strategies)}")
    turn = torch.tensor(found.turn)
    try:
        rule = learn_rule(turn, found.scores, found.costs, budget, list(found.dialogue), seed=seed)
    except ValueError as error:
        raise ArgumentError("budget", str(error)) from error
    seen = [*sorted(set(found.turn)), _UNSEEN]
    names = [strategies[column] for column in rule.choose(torch.tensor(seen)).tolist()]
    held_out = ~split_dialogues(list(found.dialogue), seed)
    tested = {**rule.tested, **_regret(found, held_out, rule.choose(turn), budget)}
    evidence = {"strategies": [*strategies], "budget": budget, "learned": rule.learned, "tested": tested}
    return TurnRule(dict(zip(seen[:-1], names[:-1], strict=True)), names[-1], evidence)


def _regret(found: Outcomes, rows: Tensor, choice: Tensor, budget: float) -> dict[str, Any]:
    """Regret on some rows, at the price at which the best choices cost as much as the budget."""
    places = rows.nonzero()[:, 0].tolist()
    scores, costs = found.scores[rows], found.costs[rows]
    affordable = float(costs.amin(1).mean()) <= budget
    price = climb(scores, costs, budget * len(places))[2] if affordable else math.nan
    if not math.isfinite(price):
        return {"regret": math.nan}
    metric = AdaptivePolicy(scores.shape[1], price=price, detail=True, max_turns=max(found.turn))
    dialogue, turn = [found.dialogue[row] for row in places], [found.turn[row] for row in places]
    metric.update(scores, costs, choice[rows], dialogue=dialogue, turn=turn)
    values = metric_scores(metric, "regret")
    fixed = [values[f"regret_fixed_{column}"] for column in range(scores.shape[1])]
    bounds = {name: values[name] for name in ("regret", "regret_lower", "regret_upper")}
    return {"price": price, **bounds, "regret_fixed": fixed}

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which strategy to use for which record under a budget, and rules that decide it without knowing the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Candidates, Ids, Numbers
from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.columns import score_column
from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.errors import InputError
from imug_metrics.functional.scaling.candidates import as_candidates, cost_check
from imug_metrics.functional.scaling.choice_knapsack import solve
from imug_metrics.functional.scaling.hull_climb import climb
from imug_metrics.stats.running_sums import running_sums


class Policy(NamedTuple):
    """A strategy for every record.

    Attributes:
        choice: int64 `[N]`, the column of the strategy; -1 where no strategy has the record.
        score: mean score of a record under it.
        cost: mean cost of a record under it.
        bound: no policy within the budget has a higher mean score.
    """

    choice: Tensor
    score: Tensor
    cost: Tensor
    bound: Tensor


class Rule(NamedTuple):
    """A rule that was learned on one half of the dialogues and tried on the other.

    Attributes:
        choose: function from features `[M]` to strategies `[M]`.
        learned: mean score and cost on the half it was learned on, and the best there within the budget.
        tested: the same on the other half.
    """

    choose: Callable[[Tensor], Tensor]
    learned: dict[str, float]
    tested: dict[str, float]


def best_policy(
    scores: Candidates, costs: Candidates, budget: float, *, method: Literal["exact", "hull"] = "exact"
) -> Policy:
    """The strategy of every record that gives the highest mean score for a mean cost of at most the budget.

    A multiple-choice knapsack (Sinha and Zoltners, Operations Research 27, 1979): one strategy a record, total cost at
    most `N * budget`. It knows every score beforehand, so it is what an adaptive policy could reach at best, and no
    policy itself.

    Args:
        scores: `[N, S]`, one column a strategy, higher is better; NaN where a strategy lacks the record.
        costs: `[N, S]`, at least 0; NaN likewise.
        budget: mean cost of a record.
        method: `"exact"` searches among the choices that may differ from those of the linear relaxation (Pisinger,
            European Journal of Operational Research 83, 1995), `"hull"` takes the steps up each record's upper convex
            hull in the order of gain per cost until one does not fit: `S N log N` steps, and short of the optimum by
            less than that one step, `bound - score` at most.

    Returns:
        The policy. For `"exact"` the bound is its score, to 1e-12 of the total, unless the proof takes more than some
        seconds, as it may where costs are proportional to scores: then it is the best policy found so far, and
        `bound - score` says how far from the optimum it may be.

    Raises:
        ValueError: if shapes differ, a cost is below 0, no policy fits the budget, the budget is NaN or the method is
            unknown.

    Example:
        >>> scores, costs = [[0.2, 0.9], [0.5, 0.6], [0.1, 0.6]], [[1.0, 4.0], [1.0, 4.0], [1.0, 4.0]]
        >>> best_policy(scores, costs, budget=2.0).choice
        tensor([1, 0, 0])
    """
    if method not in ("exact", "hull"):
        raise ValueError(f"Expected argument `method` to be 'exact' or 'hull', got {method!r}.")
    y, c = _flat_columns(scores, costs)
    y, c, kept = y.cpu(), c.cpu(), (~y.isnan()).any(1).cpu()
    y, c = y[kept], c[kept]
    least = c.nan_to_num(nan=torch.inf).amin(1).sum() if len(c) else c.sum()
    allowed = budget * len(y)
    if not float(least) <= allowed * (1 + 1e-12):
        raise ValueError(f"Expected argument `budget` to be at least {float(least) / max(len(y), 1):g}, got {budget}.")
    picked, bound = solve(y, c, allowed) if method == "exact" else climb(y, c, allowed)[:2]
    choice = torch.full(kept.shape, -1).masked_scatter(kept, picked)
    score, cost = (side.gather(1, picked[:, None]).sum() / max(len(y), 1) for side in (y, c))
    if not len(y):
        return Policy(choice, *[score.new_tensor(torch.nan)] * 3)
    return Policy(choice, score, cost, bound / len(y))


def adaptive_policy(
    scores: Candidates,
    costs: Candidates,
    preds: Numbers,
    *,
    budget: float | None = None,
    method: Literal["exact", "hull"] = "exact",
) -> Tensor:
    """How much a policy scores below the best one for the same money. Lower is better, 0 is the optimum.

    Args:
        scores, costs: `[N, S]`, as in `best_policy`.
        preds: int64 `[N]`, the column of the strategy that the policy chose.
        budget: mean cost of a record; None: what the policy spends.
        method: as in `best_policy`; with `"hull"` the regret is taken to the bound, so it is rather too high.

    Returns:
        float64 scalar: the best mean score - the policy's. Below 0 only if the policy spends more than the budget.

    Raises:
        ValueError: if no policy fits the budget.
        InputError: if shapes differ or a choice is no strategy that has the record.

    Example:
        >>> scores, costs = [[0.2, 0.9], [0.5, 0.6]], [[1.0, 4.0], [1.0, 4.0]]
        >>> round(float(adaptive_policy(scores, costs, [0, 1])), 3)
        0.3
    """
    y, c = _flat_columns(scores, costs)
    used = (~y.isnan()).any(1)
    places = _chosen(preds, y, used)
    mine, spent = (side[used].gather(1, places[used, None])[:, 0] for side in (y, c))
    if budget is None:  # the sum below may round to a hair less than the policy itself spends
        budget = float(spent.mean()) * (1 + 1e-12)
    return best_policy(y, c, budget, method=method).bound.to(y.device) - mine.mean()


def learn_rule(
    feature: Tensor | Sequence[float],
    scores: Candidates,
    costs: Candidates,
    budget: float,
    dialogue: Ids,
    *,
    kind: Literal["group", "threshold"] = "group",
    seed: int = 0,
) -> Rule:
    """Learn on half of the dialogues which strategy to use by a feature, and try it on the other half.

    - `group`: the feature names a group (turn, modality, class); each group gets one strategy, the best for the budget.
      Groups that were not seen get the strategy that is cheapest on average.
    - `threshold`: the feature is a number known before the costly strategy is run, such as a cheap selector's score;
      one strategy up to a threshold and another above it.

    Args:
        feature: `[N]`, integers for groups, numbers for a threshold.
        scores, costs: `[N, S]`, without NaN.
        budget: mean cost of a record, kept on the half that is learned on; the cost on the other half is in `tested`.
        dialogue: `[N]` ids; dialogues are split whole.
        kind: see above.
        seed: of the split.

    Returns:
        The rule with its mean `score` and `cost` and the `best` mean score within the budget, on both halves.

    Raises:
        ValueError: if shapes differ, a feature or score is NaN, there are fewer than two dialogues, or no rule fits the
            budget.

    Example:
        >>> late = torch.tensor([1, 2] * 4)
        >>> scores = torch.stack([torch.full((8,), 0.5), torch.where(late == 2, 0.9, 0.5)], 1)
        >>> costs = torch.tensor([[1.0, 3.0]]).expand(8, 2)
        >>> rule = learn_rule(late, scores, costs, budget=2.0, dialogue=[0, 0, 1, 1, 2, 2, 3, 3])
        >>> rule.choose(torch.tensor([1, 2])), round(rule.tested["score"], 2)
        (tensor([0, 1]), 0.7)
    """
    if kind not in ("group", "threshold"):
        raise ValueError(f"Expected argument `kind` to be 'group' or 'threshold', got {kind!r}.")
    y, c = _flat_columns(scores, costs)
    if bool(y.isnan().any()):
        row = int(y.isnan().any(1).nonzero()[0])
        raise InputError("scores", "to have every strategy in every record, with a score and a cost", "NaN", row)
    x = read_array("feature", feature, REALS).values.to(y.device)
    if x.shape != y.shape[:1] or bool(x.isnan().any()):
        raise InputError("feature", f"to have one number for each record of `scores`, {[len(y)]}, no NaN", [*x.shape])
    learned = split_dialogues(dialogue, seed).to(y.device)
    halves = [(x[half], y[half], c[half]) for half in (learned, ~learned)]
    choose = _by_group(*halves[0], budget) if kind == "group" else _by_threshold(*halves[0], budget)
    return Rule(choose, *(_outcome(choose, *half, budget) for half in halves))


def _chosen(preds: Any, y: Tensor, used: Tensor) -> Tensor:
    """Columns that were chosen, int64 `[N]`, of which those of used records are strategies that have the record."""
    column = score_column("preds", preds)
    if column.shape != tuple(used.shape):
        raise InputError("preds", f"to have one entry for each record of `scores`, {[*used.shape]}", [*column.shape])
    values = column.values.to(y.device)
    places = values.nan_to_num(-1, -1, -1).clamp(-1, y.shape[1]).long()
    known = (places == values) & (places >= 0) & (places < y.shape[1])
    has = ~y.gather(1, places.clamp(0, y.shape[1] - 1)[:, None])[:, 0].isnan()

    def error(row: int) -> InputError:
        expected = f"to hold a column of `scores` and `costs`, from 0 to {y.shape[1] - 1}, that has the record"
        return InputError("preds", expected, f"{float(values[row]):g}", row)

    look([Check(used & ~(known & has), error)], like=y)
    return places


def split_dialogues(dialogue: Ids, seed: int = 0) -> Tensor:
    """True `[N]` for the rows of a random half of the dialogues.

    Raises:
        ValueError: if there are fewer than two dialogues.

    Example:
        >>> int(split_dialogues(["a", "a", "b", "c", "d"]).sum()) in (2, 3)
        True
    """
    ids = dialogue if isinstance(dialogue, Tensor) else hash_ids(dialogue)
    names, row = torch.unique(ids.cpu(), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"Expected argument `dialogue` to hold two dialogues or more, got {len(names)}.")
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    first = torch.zeros(len(names), dtype=torch.bool).index_fill(0, order[: (len(names) + 1) // 2], True)
    return first[row]


def policy_columns(scores: Candidates, costs: Candidates) -> tuple[Tensor, Tensor, Check]:
    """Scores and costs, float64 `[..., S]`, NaN in both where a strategy lacks the record; and the check of the costs.

    Raises:
        InputError: if shapes differ.
    """
    y = as_candidates("scores", scores).double()
    c = as_candidates("costs", costs, like=y).double()

    absent = (y + c) * 0 != 0
    return y.masked_fill(absent, torch.nan), c.masked_fill(absent, torch.nan), cost_check(c)


def _flat_columns(scores: Candidates, costs: Candidates) -> tuple[Tensor, Tensor]:
    y, c, check = policy_columns(scores, costs)
    look([check], like=c)
    if y.ndim != 2:
        raise InputError("scores", "to have shape [N, S]", [*y.shape])
    return y, c


def _by_group(x: Tensor, y: Tensor, c: Tensor, budget: float) -> Callable[[Tensor], Tensor]:
    groups, row = torch.unique(x, return_inverse=True)
    empty = torch.zeros(len(groups), y.shape[1], dtype=y.dtype, device=y.device)
    gains, prices = (empty.index_add(0, row, side) for side in (y, c))
    found = best_policy(gains, prices, budget * len(y) / len(groups)).choice.to(x.device)
    cheapest = c.mean(0).argmin()

    def choose(feature: Tensor) -> Tensor:
        place = torch.searchsorted(groups, feature.to(groups)).clamp(max=len(groups) - 1)
        return torch.where(groups[place] == feature, found[place], cheapest)

    return choose


def _by_threshold(x: Tensor, y: Tensor, c: Tensor, budget: float) -> Callable[[Tensor], Tensor]:
    """The best of all pairs of strategies and all thresholds between two values of the feature."""
    order = torch.argsort(x)
    x, y, c = x[order].double(), y[order], c[order]
    zero = torch.zeros(1, y.shape[1], dtype=y.dtype, device=y.device)
    below = [torch.cat([zero, running_sums(side, 0)]) for side in (y, c)]
    cuts = torch.cat([x.new_full((1,), -torch.inf), x])  # up to and with the cut
    whole = torch.cat([x[1:] != x[:-1], x.new_ones(1, dtype=torch.bool)])  # a cut may not part equal values
    allowed = torch.cat([whole.new_ones(1), whole])
    score, cost = (part[:, :, None] + (part[-1] - part)[:, None, :] for part in below)
    fits = allowed[:, None, None] & (cost <= budget * len(x) * (1 + 1e-12))
    if not bool(fits.any()):
        raise ValueError(f"Expected argument `budget` to be at least {float(cost.min()) / len(x):g}, got {budget}.")
    cell = int(score.masked_fill(~fits, -torch.inf).argmax())
    cut, pair = cuts[cell // y.shape[1] ** 2], cell % y.shape[1] ** 2
    low, high = divmod(pair, y.shape[1])
    return lambda feature: torch.where(feature.double() <= cut, low, high)


def _outcome(choose: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, c: Tensor, budget: float) -> dict[str, float]:
    picked = choose(x)[:, None]
    score, cost = (float(side.gather(1, picked).mean()) for side in (y, c))
    least = float(c.amin(1).mean())
    best = float(best_policy(y, c, budget, method="hull").bound) if least <= budget else float("nan")
    return {"score": score, "cost": cost, "best": best}

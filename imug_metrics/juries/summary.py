# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""All that is said of a jury: scores by judge and by consensus, agreement, stability, biases, failures, costs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.juries.biases import Bias, judge_biases
from imug_metrics.juries.consensus import Consensus, consensus
from imug_metrics.juries.judgement import Judgement
from imug_metrics.juries.panel import Panel, make_panel
from imug_metrics.metrics.trust.judge_stability import JudgeStability
from imug_metrics.stats.adjusted_mean import AdjustedMean
from imug_metrics.stats.agreement import agreement
from imug_metrics.stats.clustered_mean import clustered_mean
from imug_metrics.stats.judge_variance import Source, judge_variance, judges_worth
from imug_metrics.stats.kappa import Kappa, cohen_kappa
from imug_metrics.stats.prediction_powered import prediction_powered_mean

REPLICATES = 1000
_MOST_CATEGORIES = 20


class Mean(NamedTuple):
    """A mean with its 95 % interval by dialogue, and how many outputs it is of."""

    value: float
    lower: float
    upper: float
    outputs: int


@dataclass(frozen=True)
class Answering:
    """How a judge answered.

    Attributes:
        asked: outputs it was asked about, each repeat and order by itself.
        failed: by kind, requests without a judgement.
        items: items it was asked about.
        unanswered: items without an answer, of failed requests not counted.
        not_applicable: items that it found not to apply.
        costs: sums by kind.
    """

    asked: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    items: int = 0
    unanswered: int = 0
    not_applicable: int = 0
    costs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class JurySummary:
    """What is said of a jury.

    Attributes:
        panel: the judgements side by side.
        consensus: what the jury says of each output.
        scores: by judge and model.
        together: by rule of the consensus and model.
        answering: by judge.
        agreement: of outputs, and of items, Krippendorff's alpha over the judges with its bounds; see
            `stats.agreement`. Empty with one judge.
        stability: estimates of `JudgeStability`; empty with one judge or one model.
        biases: see `judge_biases`.
        people: by judge and category of items (None: all), its agreement with people beyond chance.
        powered: by judge and model, the mean that people would give, by people and the judge.
        variance: what adds to the variance of a score; see `judge_variance`.
        worth: by numbers of judges and repeats, the width of an interval; see `judges_worth`.
    """

    panel: Panel
    consensus: Consensus
    scores: Mapping[str, Mapping[str, Mean]]
    together: Mapping[str, Mapping[str, Mean]]
    answering: Mapping[str, Answering]
    agreement: Mapping[str, Mapping[str, float]]
    stability: Mapping[str, float]
    biases: Sequence[Bias]
    people: Mapping[str, Mapping[str | None, Kappa]]
    powered: Mapping[str, Mapping[str, AdjustedMean]]
    variance: Mapping[Source, float]
    worth: Mapping[tuple[int, int], float]


def summarize_jury(
    judgements: Iterable[Judgement],
    *,
    people: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    best: float = 1.0,
    costs: Mapping[str, Mapping[str, float]] | None = None,
    seed: int = 0,
) -> JurySummary:
    """What judgements say of models, and of the judges that made them.

    Args:
        judgements: of one judge or several; see `Judgement`.
        people: judges that are people.
        families: see `judge_biases`.
        best: the highest score of an output that is judged as a whole.
        costs: by judge, what is known of the costs of all its answers beside what the judgements say.
        seed: of the bootstrap.
    """
    given = [*judgements]
    panel = make_panel(given, people=people, best=best)
    agreed = consensus(panel)
    columns = dict(zip(panel.judges, panel.scores.unbind(1), strict=True))
    variance = judge_variance(*_centred_scores(panel))
    records = len(panel.outputs) / max(len(panel.models), 1)
    dialogues = len({output.dialogue for output in panel.outputs})
    return JurySummary(
        panel,
        agreed,
        {name: _means(panel, scores) for name, scores in columns.items()},
        {rule: _means(panel, scores) for rule, scores in agreed.scores.items()},
        {name: _answering([o for o in given if o.judge == name], (costs or {}).get(name, {})) for name in panel.judges},
        _agreement(panel, seed),
        _stability(panel, seed),
        judge_biases(panel, families),
        {name: _beside_people(panel, place, seed) for place, name in enumerate(panel.judges)},
        {name: _powered(panel, scores) for name, scores in columns.items()},
        variance,
        judges_worth(variance, dialogues=max(dialogues, 1), records=max(records / max(dialogues, 1), 1.0)),
    )


def _means(panel: Panel, scores: Tensor) -> dict[str, Mean]:
    found = {}
    for model in panel.models:
        rows = panel.rows_of(model)
        mean = clustered_mean(scores[rows], panel.dialogue[rows], low=0.0, high=1.0)
        outputs = int((~scores[rows].isnan()).sum())
        found[model] = Mean(float(mean.value), float(mean.lower), float(mean.upper), outputs)
    return found


def _answering(mine: Sequence[Judgement], known: Mapping[str, float]) -> Answering:
    requests = {(o.model, o.dialogue, o.turn, o.order, o.repeat): o.error for o in mine}
    failed = Counter((error.partition(": ")[0]) for error in requests.values() if error is not None)
    items = [one for one in mine if one.item is not None]
    answered = [one for one in items if one.error is None]
    costs = dict(known)
    for one in mine:
        for kind, amount in one.costs.items():
            costs[kind] = costs.get(kind, 0.0) + amount
    unanswered = sum(one.value is None and one.applies for one in answered)
    return Answering(
        len(requests), dict(failed), len(items), unanswered, sum(not one.applies for one in answered), costs
    )


def _agreement(panel: Panel, seed: int) -> dict[str, dict[str, float]]:
    found = {}
    if len(panel.judges) > 1:
        found["outputs"] = agreement(panel.scores.T, clusters=panel.dialogue, replicates=REPLICATES, seed=seed)
        if panel.items:
            clusters = panel.dialogue[panel.item_output]
            found["items"] = agreement(panel.answers.T, level="nominal", clusters=clusters, seed=seed)
    return found


def _stability(panel: Panel, seed: int) -> dict[str, float]:
    models = panel.models
    if len(models) < 2 or len(panel.judges) < 2:
        return {}
    names = {(output.dialogue, output.turn, output.order): None for output in panel.outputs}
    rows = {name: place for place, name in enumerate(sorted(names, key=lambda name: (name[0], name[1], str(name[2]))))}
    scores = torch.full((len(rows), len(models), len(panel.judges)), math.nan, dtype=torch.float64)
    column = {model: place for place, model in enumerate(models)}
    for output, values in zip(panel.outputs, panel.scores, strict=True):
        scores[rows[output.dialogue, output.turn, output.order], column[output.model]] = values
    metric = JudgeStability(models, panel.judges, bootstrap=REPLICATES, seed=seed, detail=True)
    dialogue = [name[0] for name in rows]
    seen: Counter[str] = Counter()
    turn = [seen.update([name]) or seen[name] for name in dialogue]  # both orders of a turn are rows of their own
    metric.update(scores, dialogue=dialogue, turn=turn)
    return {key.removeprefix(f"{metric.name}").lstrip("_") or "tau": float(v) for key, v in metric.compute().items()}  # type: ignore[union-attr]


def _beside_people(panel: Panel, judge: int, seed: int) -> dict[str | None, Kappa]:
    if not panel.items or bool(panel.people_answers.isnan().all()):
        return {}
    categories = [item.category for item in panel.items]
    chosen: dict[str | None, list[bool]] = {None: [True] * len(categories)}
    for common, _ in Counter(filter(None, categories)).most_common(_MOST_CATEGORIES):
        chosen[common] = [category == common for category in categories]
    clusters = panel.dialogue[panel.item_output]
    found: dict[str | None, Kappa] = {}
    for name, rows in chosen.items():
        here = torch.tensor(rows)
        kappa = cohen_kappa(panel.answers[here, judge], panel.people_answers[here], clusters[here], seed=seed)
        if kappa.answers:
            found[name] = kappa
    return found


def _powered(panel: Panel, scores: Tensor) -> dict[str, AdjustedMean]:
    found = {}
    for model in panel.models:
        rows = panel.rows_of(model) & ~scores.isnan()
        if not bool(panel.people[rows].isnan().all()):
            mean = prediction_powered_mean(scores[rows], panel.people[rows], panel.dialogue[rows])
            ends = [_kept(part) for part in (mean.value, mean.lower, mean.upper)]
            found[model] = mean._replace(value=ends[0], lower=ends[1], upper=ends[2])
    return found


def _kept(value: float) -> float:
    """A mean or bound within 0 and 1, which what the judge adds may leave; NaN stays."""
    return value if math.isnan(value) else min(max(value, 0.0), 1.0)


def _centred_scores(panel: Panel) -> tuple[Tensor, Tensor]:
    """Scores about the mean of their model, so that models do not count among what varies."""
    scores = panel.repeats.clone()
    for model in panel.models:
        rows = panel.rows_of(model)
        whole = scores[rows][~scores[rows].isnan().flatten(1).any(1)]
        if len(whole):
            scores[rows] -= whole.mean()
    return scores, panel.dialogue

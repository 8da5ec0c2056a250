# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated models with one planted failure each: which figure finds which, and how often an honest model is accused.

`python docs/failures_example.py` prints the tables of guides/which_failure.md, in some minutes. A model is a set of
outputs for the same dialogues: embeddings of images that are sums of the prompts that they show, descriptors of style,
lists of objects, answers, costs.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import normalize

from imug_metrics import (
    ContextForgetting,
    CopyGuard,
    ModalityCompliance,
    ObjectHallucination,
    RecencyReliance,
    StyleDrift,
    SwitchCost,
    TurnCost,
    TurnDecay,
    TurnDiversity,
)
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.report.failures import FailureFigure, failure_figures
from imug_metrics.suite import ModelScores, metric_scores
from imug_metrics.suite.record_values import record_values

TURNS, WIDTH, STYLES = 6, 48, 16
COLUMN_OF = {"copy_guard": "copy", "turn_decay": "answer_strict"}
"""Columns of rows that are not called as the metric of their values."""
_OTHER_DRAWS = 10**6  # models draw other numbers than tasks
NAMES = [f"object {place}" for place in range(60)]


@dataclass(frozen=True)
class Model:
    """What a model does wrong; each is 0 for an honest one.

    Attributes:
        confuses: probability of the wrong modality right after a switch.
        stumbles: what a switch takes off the probability of a right answer.
        forgets: whether images show nothing of prompts two or more turns back.
        latest: probability that an image shows the latest prompt alone.
        invents: probability of an object that nobody asked for, for each of three in a turn.
        drifts: how far the style moves from turn to turn.
        collapses: by how much a turn images of all dialogues come closer to one and the same.
        repeats: probability that an image is the one before.
        fades: what a turn takes off the probability of a right answer.
        slows: growth of the cost per turn.
    """

    confuses: float = 0.0
    stumbles: float = 0.0
    forgets: bool = False
    latest: float = 0.0
    invents: float = 0.0
    drifts: float = 0.0
    collapses: float = 0.0
    repeats: float = 0.0
    fades: float = 0.0
    slows: float = 0.0


PLANTED: Mapping[str, tuple[Model, str]] = {
    "wrong modality after a switch": (Model(confuses=0.3), "modality_compliance"),
    "stumbles at a switch": (Model(stumbles=0.4), "switch_cost"),
    "forgets from 2 turns back on": (Model(forgets=True), "context_forgetting"),
    "follows the latest prompt": (Model(latest=0.25), "recency_reliance"),
    "invents objects": (Model(invents=0.2), "object_hallucination"),
    "drifts in style": (Model(drifts=0.15), "style_drift"),
    "collapses in diversity": (Model(collapses=0.12), "turn_diversity"),
    "repeats images": (Model(repeats=0.3), "copy_guard"),
    "answers worse and worse": (Model(fades=0.1), "turn_decay"),
    "slows down": (Model(slows=0.1), "cost_tokens_growth"),
}
"""By name, a model with one failure, and the figure that should find it."""
HONEST = "honest"

Named: TypeAlias = Counter[tuple[str, str]]
"""Counts by model and figure."""


@dataclass(frozen=True)
class Tasks:
    """What all models are asked: G dialogues of `TURNS` turns.

    Attributes:
        prompts: unit embeddings `[G, T, D]`.
        draws: bool `[G, T]`, an image is asked for.
        skill: `[G, 1]`, how much easier a dialogue is.
        objects: by dialogue and turn, the objects that are asked for.
    """

    prompts: Tensor
    draws: Tensor
    skill: Tensor
    objects: list[list[list[str]]]

    @property
    def after_switch(self) -> Tensor:
        """Bool `[G, T]`: another modality is asked for than at the turn before."""
        changed = self.draws[:, 1:] != self.draws[:, :-1]
        return torch.cat([torch.zeros_like(changed[:, :1]), changed], 1)


def made_tasks(dialogues: int, seed: int) -> Tasks:
    """Dialogues whose turns ask for words or images at random, each for things of its own."""
    draw = torch.Generator().manual_seed(seed)
    prompts = normalize(torch.randn(dialogues, TURNS, WIDTH, generator=draw), dim=2)
    draws = torch.rand(dialogues, TURNS, generator=draw) < 0.6
    skill = 0.1 * torch.randn(dialogues, 1, generator=draw)
    picked = torch.rand(dialogues, len(NAMES), generator=draw).argsort(1)[:, : 2 * TURNS].view(dialogues, TURNS, 2)
    objects = [[[NAMES[place] for place in turn] for turn in dialogue] for dialogue in picked.tolist()]
    return Tasks(prompts, draws, skill, objects)


def shown_prompts(model: Model, tasks: Tasks, draw: torch.Generator) -> Tensor:
    """Float `[G, T, T]`: which prompts the image of each turn shows."""
    back = torch.arange(TURNS)[:, None] - torch.arange(TURNS)
    shown = ((back >= 0) & ((back < 2) | (not model.forgets))).expand(len(tasks.prompts), -1, -1)
    alone = torch.rand(shown.shape[:2], generator=draw) < model.latest
    return torch.where(alone[:, :, None], back == 0, shown).float()


def images(model: Model, tasks: Tasks, draw: torch.Generator) -> Tensor:
    """Embeddings `[G, T, D]`."""
    noise = 0.4 * torch.randn(tasks.prompts.shape, generator=draw) / WIDTH**0.5
    made = normalize(shown_prompts(model, tasks, draw) @ tasks.prompts, dim=2) + noise
    common = normalize(torch.randn(WIDTH, generator=draw), dim=0)
    share = (model.collapses * torch.arange(TURNS))[None, :, None]
    made = (1 - share) * made + share * common
    copies = torch.rand(made.shape[:2], generator=draw) < model.repeats
    for turn in range(1, TURNS):
        again = copies[:, turn] & tasks.draws[:, turn] & tasks.draws[:, turn - 1]
        made[:, turn] = torch.where(again[:, None], made[:, turn - 1], made[:, turn])
    return made


def styles(model: Model, tasks: Tasks, draw: torch.Generator) -> Tensor:
    """Descriptors `[G, T, S]`."""
    shape = (len(tasks.prompts), 1, STYLES)
    own, away = (normalize(torch.randn(shape, generator=draw), dim=2) for _ in range(2))
    noise = 0.2 * torch.randn(len(tasks.prompts), TURNS, STYLES, generator=draw) / STYLES**0.5
    return own + model.drifts * torch.arange(TURNS)[:, None] * away + noise


def objects(model: Model, tasks: Tasks, draw: torch.Generator) -> list[list[list[str]]]:
    """What images show: most of what was asked for, and what was not."""
    kept = torch.rand(len(tasks.prompts), TURNS, 2, generator=draw) < 0.9
    invented = torch.rand(len(tasks.prompts), TURNS, 3, generator=draw) < 0.02 + model.invents
    return [
        [
            [name for name, there in zip(asked, shown) if there]
            + [f"thing {place}" for place, there in enumerate(more) if there]
            for asked, shown, more in zip(*dialogue)
        ]
        for dialogue in zip(tasks.objects, kept.tolist(), invented.tolist())
    ]


def scored_model(name: str, model: Model, tasks: Tasks, seed: int) -> ModelScores:
    """All figures of a model, with the rows that some of them are means of."""
    draw = torch.Generator().manual_seed(seed)
    made, there = images(model, tasks, draw), tasks.draws
    wrong = torch.rand(there.shape, generator=draw) < 0.02 + model.confuses * tasks.after_switch
    came = torch.where(wrong, ~there, there).long()  # 0 for words, 1 for an image
    absent = (~there | wrong)[:, :, None]
    made = made.masked_fill(absent, torch.nan)
    chance = 0.75 + tasks.skill - model.stumbles * tasks.after_switch - model.fades * torch.arange(TURNS)
    right = (torch.rand(there.shape, generator=draw) < chance).double().masked_fill(there, torch.nan)
    costs = 100 * (0.2 * torch.randn(there.shape, generator=draw)).exp() * (1 + 2 * tasks.skill)
    costs = costs * (1 + model.slows * torch.arange(TURNS))
    seen = objects(model, tasks, draw)
    options: dict[str, Any] = {"detail": True, "max_turns": TURNS}
    prompted = {"images": made, "texts": tasks.prompts, "modality": there}
    fed: list[tuple[DialogueMetric, dict[str, Any]]] = [
        (ModalityCompliance(**options), {"preds": came, "modality": there}),
        (SwitchCost(**options), {"scores": right, "modality": there}),
        (ContextForgetting(**options), prompted),
        (RecencyReliance(**options), prompted),
        (ObjectHallucination(**options), {"preds": seen, "target": tasks.objects}),
        (StyleDrift(**options), {"images": styles(model, tasks, draw).masked_fill(absent, torch.nan)}),
        (TurnDiversity(WIDTH, detail=True, max_turns=TURNS), {"images": made}),
        (CopyGuard(**options), {"images": made}),
        (TurnDecay(score_range=(0, 1), **options), {"scores": right}),
        (TurnCost("tokens", **options), {"costs": costs}),
    ]
    places = {"dialogue": torch.arange(len(there)), "lengths": torch.full((len(there),), TURNS)}
    scores: dict[str, float] = {}
    items = [{"dialogue": str(d), "turn": t + 1} for d in range(len(there)) for t in range(TURNS)]
    for metric, columns in fed:
        with record_values(metric) as values:
            metric.update(**columns, **places)
        key = "cost_tokens" if isinstance(metric, TurnCost) else metric.name
        scores |= metric_scores(metric, key)
        for row, value in zip(items, values[-1].tolist()):
            row[COLUMN_OF.get(metric.name, metric.name)] = value if value == value else None
    return ModelScores(name, scores, items)


def scored_models(dialogues: int, seed: int) -> list[ModelScores]:
    """The honest model and those with one failure each, on one simulated benchmark."""
    tasks = made_tasks(dialogues, seed)
    models = {HONEST: Model(), **{name: model for name, (model, _) in PLANTED.items()}}
    return [
        scored_model(name, model, tasks, _OTHER_DRAWS + 1000 * seed + k)
        for k, (name, model) in enumerate(models.items())
    ]


def named(models: Sequence[ModelScores], figures: Sequence[FailureFigure]) -> Named:
    """Which model each figure names as worse than every other one."""
    return Counter((models[figure.worst].model, figure.failure.key) for figure in figures if figure.worst is not None)


def found(dialogues: int, repetitions: int) -> tuple[Named, Named, Counter[str]]:
    """How often each figure names each model.

    Returns:
        Counts where all models are compared, and where the honest one is compared with each of the others alone; and
        by figure how often the honest model's interval excludes what is healthy.
    """
    together: Named = Counter()
    beside: Named = Counter()
    accused: Counter[str] = Counter()
    for seed in range(repetitions):
        honest, *others = scored = scored_models(dialogues, seed)
        figures = failure_figures(scored)
        together += named(scored, figures)
        for pair in ([honest, other] for other in others):
            beside += named(pair, failure_figures(pair))
        accused += Counter(figure.failure.key for figure in figures if figure.fails(0))
    return together, beside, accused


def main() -> None:
    """Print the two matrices, model by figure, and the alarms that an honest model raises."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dialogues", type=int, default=300)
    parser.add_argument("--repetitions", type=int, default=50)
    options = parser.parse_args()
    together, beside, accused = found(options.dialogues, options.repetitions)
    keys = [key for _, key in PLANTED.values()]
    for title, counts in (("all models", together), ("beside the honest one alone", beside)):
        print(title, *keys, sep=" | ")
        for name in (*PLANTED, HONEST):
            print(name, *(counts[name, key] for key in keys), sep=" | ")
    print("interval of the honest model excludes 0", *(accused[key] for key in keys), sep=" | ")


if __name__ == "__main__":
    main()

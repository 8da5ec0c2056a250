# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What moves one judge beyond what moves the others, or people: leniency, own family, length, order, yes-saying."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.juries.families import family_of
from imug_metrics.juries.panel import Panel
from imug_metrics.stats.judge_contrasts import UNKNOWN, Contrast, Effects, contrast, feature_effects, middle_judges

BiasName = Literal["leniency", "drift", "family", "length", "order", "yes_saying", "first_item"]
Reference = Literal["judges", "people"]


class Bias(NamedTuple):
    """One bias of one judge.

    Attributes:
        judge: its name.
        name: which:

            - `leniency`: it scores higher
            - `drift`: its leniency grows by so much a turn, within dialogues
            - `family`: it scores outputs of its own family higher
            - `length`: it scores higher by so much for each doubling of the output's text
            - `order`: it scores an output higher whose images it sees first
            - `yes_saying`: it answers yes more often, whether yes or no is expected
            - `first_item`: it answers yes more often to the item that it reads first
        reference: whom it is held against: the judge in the middle, or people.
        contrast: by how much, on scores from 0 to 1 or shares of answers, with its interval.
    """

    judge: str
    name: BiasName
    reference: Reference
    contrast: Contrast

    @property
    def is_found(self) -> bool:
        """Whether the interval is all on one side of 0."""
        return self.contrast.lower > 0 or self.contrast.upper < 0


class _Question(NamedTuple):
    """Scores or answers of all judges `[N, J]`, and of people `[N]`, with their features `[N, K]` by name."""

    values: Tensor
    people: Tensor
    features: Mapping[str, Tensor]
    dialogue: Tensor


def judge_biases(panel: Panel, families: Mapping[str, str] | None = None, *, level: float = 0.95) -> list[Bias]:
    """Every bias that the data can show.

    Each judge's scores are explained by features of the outputs (turn, own family, length, order of the images), each
    adjusted for the others, and its answers to items by their expected answer and their place in the list. A bias is
    the judge's effect less that of the judge in the middle (of two judges, of the other one, so that nothing tells
    which of them is biased; for its own family, of the judges from other families), or less that of people on the
    outputs that they have judged. Only outputs that all of these have judged count.

    Args:
        panel: the judgements.
        families: by name of a judge or a model, its family; `family_of` of those that are not there.
        level: probability that all intervals together cover (Bonferroni).

    Returns:
        One entry a judge, bias and reference that the data tell something about.
    """
    known = {name: family_of(name) for name in (*panel.judges, *panel.models)} | dict(families or {})
    found = [
        bias
        for reference in ("judges", "people")
        for bias in _found(panel, known, reference, level)
        if not math.isnan(bias.contrast.value)
    ]
    if not found:
        return []
    joint = 1 - (1 - level) / len(found)
    kept = {bias[:3] for bias in found}
    every = [bias for reference in ("judges", "people") for bias in _found(panel, known, reference, joint)]
    return [bias for bias in every if bias[:3] in kept]


def _found(panel: Panel, families: Mapping[str, str], reference: Reference, level: float) -> list[Bias]:
    if reference == "judges" and len(panel.judges) < 2:
        return []
    outputs = _output_question(panel)
    rows = []
    for judge, name in enumerate(panel.judges):
        own = _own_family(panel, families, name)
        of_judge = outputs._replace(features={**outputs.features, "family": own})
        found = _contrasts(of_judge, judge, reference, level, _strangers(panel, families, judge))
        items = _contrasts(_item_question(panel), judge, reference, level)
        both = len(panel.items) and bool((panel.expected == 0).any() and (panel.expected == 1).any())
        yes_saying = items.pop("leniency")
        items["yes_saying"] = yes_saying if both else UNKNOWN
        items.pop("expected")
        rows += [Bias(name, bias, reference, value) for bias, value in (found | items).items()]  # type: ignore[arg-type]
    return rows


def _contrasts(
    question: _Question, judge: int, reference: Reference, level: float, strangers: Tensor | None = None
) -> dict[str, Contrast]:
    """Contrasts of one judge by the name of the feature."""
    features = torch.stack([torch.ones_like(question.people), *question.features.values()], 1)
    names = ("leniency", *question.features)
    if reference == "people":
        values = torch.stack([question.values[:, judge], question.people], 1)
        effects = feature_effects(values, features, question.dialogue)
        return {name: contrast(effects, row, 0, torch.tensor([0.0, 1.0]), level) for row, name in enumerate(names)}
    effects = feature_effects(question.values, features, question.dialogue)
    return {
        name: contrast(
            effects, row, judge, _others(effects, row, judge, strangers if name == "family" else None), level
        )
        for row, name in enumerate(names)
    }


def _others(effects: Effects, feature: int, judge: int, strangers: Tensor | None) -> Tensor:
    """Weights of the judges that one is held against."""
    found = effects.values[feature].clone()
    if strangers is not None:
        found = found.masked_fill(~strangers, math.nan)
    elif len(found) == 2:
        found[judge] = math.nan
    return middle_judges(found)


def _output_question(panel: Panel) -> _Question:
    turns = torch.tensor([float(output.turn) for output in panel.outputs], dtype=torch.float64)
    orders = torch.tensor(
        [{"first": 0.5, "last": -0.5, None: 0.0}[output.order] for output in panel.outputs], dtype=torch.float64
    )
    features = {
        "drift": _within(turns, panel.dialogue),
        "length": _centred(panel.lengths.log2()).nan_to_num(0.0),
        "order": orders,
    }
    return _Question(panel.scores, panel.people, features, panel.dialogue)


def _item_question(panel: Panel) -> _Question:
    first = torch.tensor([float(bool(item.is_first)) for item in panel.items], dtype=torch.float64)
    features = {"expected": panel.expected - 0.5, "first_item": first}
    dialogue = panel.dialogue[panel.item_output]
    return _Question(panel.answers, panel.people_answers, features, dialogue)


def _own_family(panel: Panel, families: Mapping[str, str], judge: str) -> Tensor:
    own = [float(families[output.model] == families[judge]) for output in panel.outputs]
    return torch.tensor(own, dtype=torch.float64)


def _strangers(panel: Panel, families: Mapping[str, str], judge: int) -> Tensor:
    """Bool `[J]`, judges of another family than one's."""
    own = families[panel.judges[judge]]
    return torch.tensor([families[name] != own for name in panel.judges], dtype=torch.bool)


def _centred(values: Tensor) -> Tensor:
    return values - values.nanmean()


def _within(values: Tensor, dialogue: Tensor) -> Tensor:
    """Values about the mean of their dialogue."""
    sums = torch.zeros(int(dialogue.max()) + 1 if len(dialogue) else 0, 2, dtype=torch.float64)
    sums.index_add_(0, dialogue, torch.stack([values, torch.ones_like(values)], 1))
    return values - (sums[:, 0] / sums[:, 1])[dialogue]

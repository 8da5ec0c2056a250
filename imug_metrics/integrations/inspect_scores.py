# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of a run of Inspect, over all its epochs, to scores of dialogues and to what repeating them brings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

import torch

from imug_metrics.errors import ArgumentError
from imug_metrics.integrations.inspect_outputs import Measure, Output, unpacked, unpacked_pixels
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.images.copy_guard import CopyGuard
from imug_metrics.metrics.images.turn_consistency import TurnConsistency
from imug_metrics.metrics.scaling.best_of_n import BestOfN
from imug_metrics.metrics.trust.reliability import Reliability
from imug_metrics.suite.named_scores import NamedScore

Missing = Literal["skip", "zero"]

_SHOWN = ("", "_lower", "_upper", "_slope", "_slope_lower", "_slope_upper")
_OF_IMAGES = ("_last_vs_first", "_worst_pair")
_OF_COPIES = ("", "_lower", "_upper", "_of_previous", "_of_first", "_n")
_COUNTS = ("_coverage", "_n", "_dialogues")
_OF_EPOCHS = ("reliability", "reliability_unreliability", "reliability_aptitude", "reliability_average")


def dialogue_scores(measure: Measure, outputs: Sequence[Output], *, missing: Missing = "skip") -> dict[str, float]:
    """Estimates with intervals by dialogue. Epochs repeat a dialogue: they are averaged first, and are no new ones.

    Args:
        measure: what the values are.
        outputs: of all samples and epochs.
        missing: what an output that could not be scored counts as: `"skip"` leaves it out, `"zero"` scores 0.

    Returns:
        The score under its name, its slope over turns, both with `_lower` and `_upper`; `_coverage`, the share of the
        outputs that could be scored; `_n` records of `_dialogues`; `_turn_k`, the curve, for turns that were seen; of
        several epochs their number, `_epochs`. Beside consistency the copies, as `copy_guard`. Nothing of no outputs.

    Raises:
        ArgumentError: if two samples are of one turn of one dialogue, and so no epochs of one sample.

    Example:
        >>> outputs = [Output("a", turn, f"a{turn}", value) for turn, value in enumerate((1.0, 0.5), 1)]
        >>> found = dialogue_scores(Measure("answer_accuracy", (0.0, 1.0)), outputs)
        >>> found["answer_accuracy"], found["answer_accuracy_slope"], found["answer_accuracy_turn_2"]
        (0.75, -0.5, 0.5)
    """
    if not outputs:
        return {}
    runs = _runs(outputs)
    last = max(16, *(turn for _, turn in runs))
    options: dict[str, Any] = {"detail": True, "missing": missing, "max_turns": last}
    found = (_scored_images if measure.mode else _scored_records)(measure, outputs, runs, options)
    name, epochs = measure.name, len({output.epoch for output in outputs})
    ends = (*_SHOWN, *(_OF_IMAGES if measure.mode else ()), *_COUNTS)
    curve = {f"{name}_turn_{turn}": found[f"{name}_turn_{turn}"] for turn in range(1, last + 1)}
    return {
        **{f"{name}{end}": found[f"{name}{end}"] for end in ends},
        **{key: value for key, value in curve.items() if not math.isnan(value)},
        **({f"{name}_epochs": float(epochs)} if epochs > 1 else {}),
        **({f"{CopyGuard.name}{end}": found[f"{CopyGuard.name}{end}"] for end in _OF_COPIES} if measure.mode else {}),
    }


def epoch_scores(measure: Measure, outputs: Sequence[Output]) -> dict[str, float]:
    """How far scores stray over the epochs of a record (`Reliability`), and what the best of them bring (`BestOfN`).

    Args:
        measure: what the values are.
        outputs: of all samples and epochs.

    Returns:
        Behind the name of the score `_reliability`, its `_unreliability`, `_aptitude` and `_average`, and for each k up
        to the number of epochs `_best_of_k`, the expected best of k, which for answers that are right or wrong is
        pass@k; all with intervals by dialogue. Nothing of one epoch, or of consistency.

    Raises:
        ArgumentError: if two samples are of one turn of one dialogue, or the range of the values is not known.

    Example:
        >>> runs = [Output("a", 1, "a1", value, epoch) for epoch, value in enumerate((1.0, 0.0), 1)]
        >>> found = epoch_scores(Measure("answer_accuracy", (0.0, 1.0)), runs)
        >>> found["answer_accuracy_reliability_average"], found["answer_accuracy_best_of_2"]
        (0.5, 1.0)
    """
    runs = _runs(outputs)
    epochs = max((len(values) for values in runs.values()), default=0)
    if epochs < 2 or measure.mode:
        return {}
    if measure.score_range is None:
        raise ArgumentError("score_range", f"expected what values of {measure.name!r} lie within, such as [0, 1]")
    padded = torch.tensor(
        [[*values, *[math.nan] * (epochs - len(values))] for values in runs.values()], dtype=torch.float64
    )
    reliability = Reliability(scale=measure.score_range[1] - measure.score_range[0], detail=True)
    ks = range(2, epochs + 1)
    best = BestOfN(epochs, ks=ks, score_range=measure.score_range, detail=True)
    found: dict[str, float] = {}
    for metric in (reliability, best):
        metric.update(padded, **_places(runs))
        found |= _computed(metric)
    names = {name: name for name in _OF_EPOCHS} | {f"best_of_{k}": f"best_of_n_oracle_{k}" for k in ks}
    return {
        f"{measure.name}_{shown}{end}": found[f"{name}{end}"]
        for shown, name in names.items()
        for end in ("", "_lower", "_upper")
    }


def _runs(outputs: Iterable[Output]) -> dict[tuple[str, int], list[float]]:
    """The values of each record over its epochs, by dialogue and turn."""
    samples: dict[tuple[str, int], str] = {}
    found: dict[tuple[str, int], list[float]] = {}
    for output in outputs:
        place = output.dialogue, output.turn
        first = samples.setdefault(place, output.sample)
        if first != output.sample:
            told = f"turn {output.turn} of dialogue {output.dialogue[:80]!r} is there twice, in samples {first} and"
            raise ArgumentError("turn", f"{told} {output.sample}: let the task write other turns or dialogues")
        found.setdefault(place, []).append(output.value)
    return found


def _places(runs: Mapping[tuple[str, int], Any]) -> dict[str, Any]:
    return {"dialogue": [dialogue for dialogue, _ in runs], "turn": [turn for _, turn in runs]}


def _scored_records(
    measure: Measure, outputs: Sequence[Output], runs: Mapping[tuple[str, int], list[float]], options: dict[str, Any]
) -> dict[str, float]:
    """Scores of the mean value of each record over its epochs."""
    metric = NamedScore(measure.name, score_range=measure.score_range, **options)
    metric.update([_mean(values, options["missing"]) for values in runs.values()], **_places(runs))
    there = fmean(not math.isnan(output.value) for output in outputs)
    return {**_computed(metric), f"{measure.name}_coverage": there}


def _mean(values: Sequence[float], missing: Missing) -> float:
    defined = [value for value in values if not math.isnan(value)]
    if missing == "zero":
        return sum(defined) / len(values)
    return fmean(defined) if defined else math.nan


def _scored_images(
    measure: Measure, outputs: Sequence[Output], _: Mapping[tuple[str, int], list[float]], options: dict[str, Any]
) -> dict[str, float]:
    """Consistency of the images of each dialogue and copies among them, in each epoch alone."""
    metric = TurnConsistency(measure.mode, **options)  # type: ignore[arg-type]  # it looks itself
    guard = CopyGuard(**options)
    images = unpacked(output.image for output in outputs)
    places: dict[str, Any] = {
        "dialogue": [output.dialogue for output in outputs],
        "turn": [output.turn for output in outputs],
        "subject": [f"{output.epoch}/{output.subject}" for output in outputs],
        "valid": torch.tensor([output.image is not None for output in outputs]),
    }
    metric.update(images, **places)
    guard.update(images, pixels=unpacked_pixels(output.pixels for output in outputs), **places)
    return _computed(metric) | _computed(guard)


def _computed(metric: DialogueMetric) -> dict[str, float]:
    found = metric.compute()
    assert isinstance(found, dict)  # all of them are detailed
    return {name: value.item() for name, value in found.items()}

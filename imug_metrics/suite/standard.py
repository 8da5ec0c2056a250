# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The metrics that a suite holds unless it is told otherwise, and what each kind of metric is fed with."""

# No `from __future__ import annotations`: a metric class is in this file.

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor
from torchmetrics import Metric

from imug_metrics.errors import InputError
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.metrics.additive_metric import AdditiveMetric
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.metrics.decay.context_forgetting import ContextForgetting
from imug_metrics.metrics.decay.modality_compliance import ModalityCompliance
from imug_metrics.metrics.decay.object_hallucination import ObjectHallucination
from imug_metrics.metrics.decay.recency_reliance import RecencyReliance
from imug_metrics.metrics.decay.switch_cost import SwitchCost
from imug_metrics.metrics.decay.turn_decay import TurnDecay
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.metrics.images.copy_guard import CopyGuard
from imug_metrics.metrics.images.edit_locality import EditLocality
from imug_metrics.metrics.images.perceptual_drift import PerceptualDrift
from imug_metrics.metrics.images.style_drift import StyleDrift
from imug_metrics.metrics.images.subject_consistency import SubjectConsistency
from imug_metrics.metrics.images.turn_alignment import TurnAlignment
from imug_metrics.metrics.images.turn_consistency import TurnConsistency
from imug_metrics.metrics.images.turn_diversity import TurnDiversity
from imug_metrics.metrics.images.turn_retrieval import TurnRetrieval
from imug_metrics.metrics.prompt_metric import PromptMetric
from imug_metrics.metrics.vocabulary import ARGUMENTS
from imug_metrics.suite.named_scores import NamedCost, NamedScore
from imug_metrics.suite.reference_consistency import ReferenceConsistency
from imug_metrics.suite.thumbnail_style import ThumbnailStyle

Route: TypeAlias = str
"""What a metric is fed with: "answers", "answers_imug", a route of `imug_metrics.suite.answers.KEYED`, "scores" (of
answers), "images", "references" (of images, those that have one), "subjects" (of images, with what is around them),
"styles" (of images, with their content), "contexts" (of images, with the prompts of all turns), "modalities" (what came
and what was asked for), "switches" (scores of answers, with the modality of all turns), "objects" (lists of names that
records carry), "without_key", "function:<name>" (values of a function of the records), or the name of a score or cost
that records carry."""

Given: TypeAlias = "Mapping[str, Metric | Callable[..., Any]] | Sequence[Metric | Callable[..., Any]]"
"""Metrics as users name them; a plain function stands for its `FunctionMetric`."""

FUNCTION = "function:"

OF_FAILURES = (
    *("modality_compliance", "switch_cost", "context_forgetting", "recency_reliance", "object_hallucination"),
    *("style_drift", "turn_diversity"),
)
"""Standard metrics that reports show among the failures of long dialogues."""

OF_RECORDS = frozenset({"modality_compliance", "object_hallucination"})
"""Standard metrics that columns do not feed: their `preds` are something else than the answers of the others."""

UNLISTED = frozenset({"turn_decay", "turn_consistency_graph", *OF_FAILURES})
"""Standard metrics that reports leave to their list of all numbers, or to a section of their own."""


class StandardMetrics(dict[str, Metric]):
    """The standard metrics by name, of whose rows and words reports know more than of others."""


class TurnsWithoutKey(AdditiveMetric):
    """Number of text turns that cannot be scored because their key is absent or names no option.

    Example:
        >>> metric = TurnsWithoutKey()
        >>> metric.update(2)
        >>> metric.compute()
        tensor(2)
    """

    is_differentiable = False
    higher_is_better = False
    name = "answer_accuracy_without_key"
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("config", self._digest(), dist_reduce_fx="max")

    def update(self, without_key: int) -> None:
        """Add a number of turns."""
        self.count = self.count + without_key

    def compute(self) -> Tensor:
        """The number so far."""
        return self.count


def standard_metrics(
    *,
    missing: Literal["skip", "zero"] = "skip",
    max_turns: int = 16,
    kind: Kind = "choice",
    width: int | None = None,
) -> StandardMetrics:
    """Every metric that records can feed, with intervals: answers, alignment, retrieval, consistency, copies, failures.

    Those that need links, reference images or objects have scores where records have these.

    Args:
        missing, max_turns: as in `DialogueMetric`. Metrics of which 0 is the best value leave out what is absent.
        kind: of answers, as in `AnswerAccuracy`. All but `"choice"` give one metric of answers, `answer_accuracy_exact`
            and so on.
        width: of the embeddings, for the diversity of images; None: not known, and there is no such metric.

    Returns:
        The metrics by the names that their scores begin with.

    Example:
        >>> list(standard_metrics())[:2]
        ['answer_accuracy_without_key', 'answer_accuracy']
    """
    options: dict[str, Any] = {"detail": True, "missing": missing, "max_turns": max_turns}
    answers: dict[str, Metric] = {f"answer_accuracy_{kind}": AnswerAccuracy(kind, **options)}
    if kind == "choice":
        answers = {
            "answer_accuracy_without_key": TurnsWithoutKey(),
            "answer_accuracy": AnswerAccuracy(protocol="strict", **options),
            "answer_accuracy_imug": AnswerAccuracy(protocol="imug", **options),
            "turn_decay": TurnDecay(score_range=(0.0, 1.0), **options),
        }
    # States that grow steeply with the turns: later ones share an effect, or are left.
    of_few_turns: dict[str, Any] = {"detail": "interval", "max_turns": min(max_turns, 16)}
    of_those_there = {**options, "missing": "skip"}  # 0 would be the best, or a turn without a key an error
    return StandardMetrics(
        answers,
        turn_alignment=TurnAlignment(**options),
        turn_alignment_reference=TurnAlignment(variant="refclipscore", **options),
        turn_retrieval=TurnRetrieval(**options),
        turn_consistency=TurnConsistency(**options),
        copy_guard=CopyGuard(**of_those_there),
        turn_consistency_graph=TurnConsistency(mode="graph", **options),
        turn_consistency_reference=ReferenceConsistency(**options),
        modality_compliance=ModalityCompliance(**of_those_there),
        **({"switch_cost": SwitchCost(score_range=(0.0, 1.0), **of_few_turns)} if kind == "choice" else {}),
        context_forgetting=ContextForgetting(**of_those_there),
        recency_reliance=RecencyReliance(**of_those_there),
        object_hallucination=ObjectHallucination(**of_those_there),
        style_drift=ThumbnailStyle(**of_few_turns),
        **({} if width is None else {"turn_diversity": TurnDiversity(width, **of_few_turns)}),
    )


def named_metrics(metrics: Given) -> dict[str, Metric]:
    """Metrics by name: those of a sequence by their own. A plain function becomes a `FunctionMetric`.

    Raises:
        ValueError: if two of a sequence have one name, or a name is empty or has a dot, which names of modules lack.

    Example:
        >>> list(named_metrics([TurnAlignment(), TurnRetrieval()]))
        ['turn_alignment', 'turn_retrieval']
    """
    if isinstance(metrics, StandardMetrics):
        return metrics
    if isinstance(metrics, Mapping):
        return {_checked(name): _as_metric(found, name) for name, found in metrics.items()}
    named: dict[str, Metric] = {}
    for metric in map(_as_metric, metrics):
        name = getattr(metric, "name", type(metric).__name__)
        if name in named:
            raise ValueError(f"Expected argument `metrics` to be a mapping where two metrics are called {name!r}.")
        named[_checked(name)] = metric
    return named


def _checked(name: str) -> str:
    if not name or "." in name:
        raise InputError("metrics", "to have names without dots that are not empty", repr(name))
    return name


def _as_metric(given: Metric | Callable[..., Any], name: str | None = None) -> Metric:
    return given if isinstance(given, Metric) else FunctionMetric(given, name)


def required_columns(metric: Metric) -> set[str]:
    """Arguments without which the metric cannot be updated."""
    if isinstance(metric, FunctionMetric):
        return {*metric.arguments}
    parameters = list(inspect.signature(type(metric).update).parameters.values())[1:]
    required = {parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty}
    required |= {"images"} if isinstance(metric, CopyGuard) else set()  # an encoder is there
    required |= {"links"} if getattr(metric, "mode", None) == "graph" else set()
    return required | ({"references"} if getattr(metric, "variant", None) == "refclipscore" else set())


def check_columns(columns: Iterable[str], metrics: Iterable[Metric]) -> None:
    """Raise TypeError for a name that nobody knows: misspelled, it would be left out in silence.

    Example:
        >>> check_columns(["images", "dialog"], [TurnConsistency()])
        Traceback (most recent call last):
        TypeError: Expected columns that metrics take, got dialog.
    """
    known = set(ARGUMENTS)
    for metric in metrics:
        parameters = inspect.signature(type(metric).update).parameters.values()
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            return
        known |= {parameter.name for parameter in parameters}
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise TypeError(f"Expected columns that metrics take, got {', '.join(unknown)}.")


def uses_pixels(metric: Metric) -> bool:
    """Whether the metric compares images by their pixels, as copies are found, and the detail of consistency."""
    takes_pixels = "pixels" in inspect.signature(type(metric).update).parameters
    always = isinstance(metric, (CopyGuard, ThumbnailStyle))
    return always or (takes_pixels and bool(getattr(metric, "detail", False)))


def sees_images(metric: Metric) -> bool:
    """Whether the metric looks at images itself, for which embeddings of whole images are no substitute.

    Example:
        >>> sees_images(EditLocality()), sees_images(TurnConsistency())
        (True, False)
    """
    of_pixels = isinstance(metric, PerceptualDrift) and metric.distance == "ssim"
    of_style = isinstance(metric, StyleDrift) and not isinstance(metric, ThumbnailStyle)
    return of_pixels or of_style or isinstance(metric, (EditLocality, SubjectConsistency))


def accepted_columns(metric: Metric, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the columns that the metric's `update` knows."""
    known = inspect.signature(type(metric).update).parameters
    return {name: column for name, column in columns.items() if name in known}


def _route_of_answers(metric: AnswerAccuracy) -> Route:
    if metric.kind == "choice":
        return "answers_imug" if metric.protocol == "imug" else "answers"
    comma = metric.kind == "numeric" and metric.reading["decimal"] == ","
    return f"answers_{metric.kind}" + ("_comma" if comma else "")


_ROUTES: Mapping[type[Any], Route] = {
    ModalityCompliance: "modalities",
    SwitchCost: "switches",
    PromptMetric: "contexts",
    ObjectHallucination: "objects",
    ThumbnailStyle: "styles",
}
"""Of metrics that no other one shares its records with."""


def route(name: str, metric: Metric) -> Route:
    """What of a dialogue's records the metric is fed with.

    Raises:
        ValueError: if records have nothing that it could be fed with.

    Example:
        >>> route("turn_decay", TurnDecay()), route("turn_alignment", TurnAlignment())
        ('scores', 'images')
    """
    required = required_columns(metric)
    if isinstance(metric, TurnsWithoutKey):
        return "without_key"
    if isinstance(metric, AnswerAccuracy):
        return _route_of_answers(metric)
    if isinstance(metric, (NamedScore, NamedCost)):
        return metric.name
    if isinstance(metric, FunctionMetric):
        return f"{FUNCTION}{name}"
    for kind, way in _ROUTES.items():
        if isinstance(metric, kind):
            return way
    if required == {"scores"}:
        return "scores"
    if isinstance(metric, SubjectConsistency) and required <= {"images", "links"}:
        return "subjects"
    if sees_images(metric):
        raise ValueError(
            f"Expected argument `metrics` to hold metrics that records can feed; {name} compares pixels,"
            " and records give embeddings. Give images as columns, or update it by itself."
        )
    if "images" in required and required <= {"images", "texts", "links"}:
        return "images"
    if "images" in required and required <= {"images", "texts", "references"}:
        return "references"
    raise ValueError(
        f"Expected argument `metrics` to hold metrics that records can feed; {name} needs"
        f" {', '.join(sorted(required))}. Records feed metrics of `scores` or of `images`, and plain functions with"
        " the rest."
    )

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every argument of every metric and function with every kind of wrong value: taken as the table says, or refused.

What is refused is so by `InputError`, which names the argument, what was expected, what was found and the row where one
is at fault; nothing of the metric has changed then. Kinds of wrong values stand in `wrong_values.py`, arguments in
`arguments.py`: a new metric needs a variant there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fnmatch import fnmatch
from functools import cache, partial
from typing import Any

import pytest
import torch
from torchmetrics import Metric, MetricCollection

import imug_metrics
from imug_metrics import functional
from imug_metrics.errors import InputError
from tests.metrics.arguments import VARIANTS, divided, functions
from tests.metrics.wrong_values import ENTRY, WRONG, wrong_values

SPECIFICITY = "specificity.verdicts specificity.texts"
REPLIES = f"choices.preds choices.target answers.* numeric.* tags.preds tags.target {SPECIFICITY}"
NATURES: dict[str, str] = {  # in this order: an argument is of the first that fits
    "specifications": "checklist.target checklist.weights checklist.categories checklist.ages",
    "levels": "edits.images",
    "regions": "edits.editable",
    "place": "*.dialogue *.turn *.subject *.valid *.lengths *.links *.masks *.available *.options *.modality *.counts "
    "*.noop",
    "pixels": "*.pixels *.shown_pixels drift-ssim.images",
    "group": "*.group",
    "replies": REPLIES,
    "embeddings": "copies.shown copies.references *.images *.texts *.background *.whole "
    "*.swapped subjects.references alignment.references consistency.references graph.references drift.references "
    "style.references",
    "boards": "grid.*",
    "points": "*.items",
    "steps": "traces.preds",
    "ranked": "faults.preds",
    "tags": "structure.preds structure.target",
    "objects": "objects.preds objects.target",
    "columns": "policy.preds",
    "outputs": "compliance.preds",
    "named": "named-strategies.*",
    "candidates": "best-of-n.* reliability.* selection.* strategies.* policy.* verifier.*",
    "shares": "*.support quality.quality verification.* exposure-bias.*",
    "grades": "quality.correctness coherence.*",
    "labels": "*.preds *.target *.before *.suggested",
    "lengths": "*.context_lengths",
    "scores": "*",
}
INSTANCES = "agreement quality coherence structure tags"  # whose flat records need neither dialogue nor turn
OPTIONAL = (
    "specifications "
    "copies.images copies.references copies.shown copies.shown_pixels "
    "*.editable *.noop "
    "*.subject *.valid *.lengths *.masks *.options *.available *.support *.pixels agreement.group identity.group "
    "best-of-n.selector "
    "*.background *.swapped traces.items subjects.references consistency.references drift.references "
    "style.whole style.references "
    "specificity.texts specificity.preds specificity.target flip.target self-correction.target "
    "forgetting.links forgetting.modality recency.links recency.modality "
    "*.dialogue@padded *.turn@padded "
) + " ".join(f"{name}.dialogue {name}.turn" for name in INSTANCES.split())
ANY_NUMBER = "candidates named scores labels embeddings"
NUMERIC = "numeric.preds numeric.target"
TEXTS = f"choices.preds numeric.preds answers.preds answers.target tags.preds tags.target {SPECIFICITY}"
SELECTORS = "selection.selector verifier.scores"  # which have a range where they have bins
# What a wrong value is right for: natures, or variant.argument; @flat and @padded where one form alone takes it; what !
# stands before is refused all the same.
TAKEN: dict[str, str] = {
    "none": OPTIONAL,
    "whole number": "*.counts",
    "tensor without dimensions": "*.counts",
    "dimension missing": "*.subject@padded *.counts@flat",  # one id a line, or one number for all
    "list in the middle": "answers.target@flat numeric.target@flat",  # several references
    "table": "numeric.target@flat reliability.scores@flat *.background@flat style.whole@flat traces.items@flat "
    "faults.preds@flat",  # two numbers a record
    **dict.fromkeys(("empty list", "empty tensor", "one short", "one too many", "twice", "first alone"), "*.links"),
    "texts in an array": f"{TEXTS} objects@flat choices.target group *.subject traces.preds@flat",
    "mappings in an array": "*.available",  # the names are its keys
    "mixed": "numeric.preds@flat numeric.target@flat breakdown.group",
    "entry None": f"{ANY_NUMBER} outputs replies boards points tags objects columns shares grades pixels "
    "levels regions group *.available *.options !breakdown.group !choices.target !numeric.target "
    "!answers.target steps ranked",
    "entry mapping": "*.available",
    "entry text": f"{TEXTS} breakdown.group traces.preds",
    "entry number": f"{NUMERIC} named scores lengths grades labels !faults.target !jury.scores",
    "entry huge": "numeric.preds labels breakdown.group !faults.target",
    "entry boolean": "*.valid *.modality *.noop columns outputs scores lengths shares grades group labels named "
    "!breakdown.group !sycophancy.target !jury.scores",
    "entry empty list": "jury.scores candidates boards points tags objects tags.preds tags.target *.available "
    "embeddings pixels levels regions steps ranked",
    "infinite": f"{ANY_NUMBER} numeric.preds identity.group !verifier.target !faults.target",
    "minus infinity": f"{ANY_NUMBER} numeric.preds identity.group !verifier.target !*.costs !faults.target",
    "not a number": "specifications !checklist.weights "
    f"{TEXTS} {ANY_NUMBER} columns outputs shares grades group points tags pixels levels regions "
    "*.options !breakdown.group !answers.target ranked",
    "negative": "checklist.categories checklist.items "
    f"{ANY_NUMBER} {NUMERIC} columns group *.dialogue *.subject !*.costs !verifier.target "
    "!selection.selector !verifier.scores !faults.target",
    "zero": "specifications "
    f"{ANY_NUMBER} {NUMERIC} columns outputs group boards shares points tags pixels levels regions *.counts "
    "*.links *.modality *.noop *.lengths *.dialogue *.subject !sycophancy.suggested ranked",
    "a half": "checklist.weights "
    f"{ANY_NUMBER} {NUMERIC} shares pixels levels regions !verification.preds !verification.target "
    "!verifier.target *.items !points.items !checklist.items !faults.target",
    "large": "checklist.weights checklist.ages "
    f"{ANY_NUMBER} {NUMERIC} lengths tags *.turn *.counts *.links *.subject *.dialogue@padded breakdown.group "
    "identity.group "
    "!verifier.target !selection.selector !verifier.scores ranked",
    "64 bits": "checklist.weights checklist.ages "
    f"{ANY_NUMBER} {NUMERIC} lengths tags breakdown.group identity.group !verifier.target "
    "!selection.selector !verifier.scores ranked",
    "ones": "specifications "
    f"{ANY_NUMBER} {NUMERIC} columns outputs lengths boards shares grades group points tags pixels levels "
    "regions *.noop *.valid *.subject *.counts *.masks *.links *.modality *.lengths !breakdown.group "
    "!sycophancy.suggested !sycophancy.target faults.preds@flat !traces.items@padded",
    "all true": "specifications "
    f"{ANY_NUMBER} columns outputs lengths shares grades group points tags pixels regions *.noop "
    "*.valid *.masks *.modality !breakdown.group !sycophancy.suggested !sycophancy.target faults.preds@flat "
    "!traces.items@padded",
    "all halves": "checklist.weights "
    f"{ANY_NUMBER} {NUMERIC} shares pixels levels regions !verification.preds !verification.target "
    "!verifier.target support.items traces.items@flat !faults.target",
}
OF_FUNCTIONS: dict[str, str] = {  # where they take more than metrics, or less
    # Records of one argument alone may be as many, and lie in as many dimensions, as they like.
    **dict.fromkeys(("one short", "one too many", "twice", "first alone"), "reliability.scores jury.scores"),
    "in one list": "reliability.scores jury.scores@flat",
    **dict.fromkeys(("dimensions before", "too deep"), "reliability.scores"),
    "nested tensor": "reliability.scores jury.scores@flat",
    "table": "reliability.scores strategies.scores@flat graph.images@flat shift.images@flat diversity.images@flat "
    "identity.images@flat subjects-graph.images@flat",
    **dict.fromkeys(("large", "64 bits"), SELECTORS),
    "negative": f"{SELECTORS} !policy.preds",
    # A policy may choose no strategy that lacks the record.
    **dict.fromkeys(("not a number", "infinite", "minus infinity"), "!policy.*"),
    **dict.fromkeys(("entry None", "ones", "all true"), "!policy.preds"),
    # Masks of candidates are lists within a list.
    "entry boolean": "!selection.valid !verifier.valid",
    "entry empty list": "selection.valid verifier.valid",
}
OF_ONE_ROW = [kind for kind in WRONG if kind.startswith("entry")] + [*WRONG][-11:-3]
ROWS_ELSEWHERE = {"entry text": "agreement.group", "large": "*.dialogue"}  # another row is at fault, or two are
ROWS_ELSEWHERE |= {kind: f"{ROWS_ELSEWHERE.get(kind, '')} *.links" for kind in OF_ONE_ROW}  # whose rows are links


@cache
def matches(patterns: str, variant: str, argument: str, padded: bool) -> bool:
    """Whether patterns take an argument; the last that fits decides."""
    taken = False
    for pattern in patterns.split():
        wanted, _, form = pattern.removeprefix("!").partition("@")
        fits = nature(variant, argument) == wanted or fnmatch(f"{variant}.{argument}", wanted)
        if fits and form != ("flat" if padded else "padded"):
            taken = not pattern.startswith("!")
    return taken


@cache
def nature(variant: str, argument: str) -> str:
    return next(
        name for name, known in NATURES.items() if any(fnmatch(f"{variant}.{argument}", one) for one in known.split())
    )


def told(error: InputError, argument: str, padded: bool, kind: str, row_known: bool) -> str | None:
    """What an error leaves out; None: nothing."""
    if f"`{argument}" not in str(error):
        return f"the argument: {error}"
    if not error.expected or error.got is None:
        return f"what was expected or found: {error}"
    row = error.row if isinstance(error.row, list) else [error.row]
    if row_known and kind in OF_ONE_ROW and ENTRY not in row[: 1 + padded]:
        return f"the row: {error}"
    return None


def state_of(metric: Metric) -> list[Any]:
    """A copy of the whole state, and how many batches there were."""
    states = [[*value] if isinstance(value, list) else value.clone() for value in metric.metric_state.values()]
    return [*states, metric.update_count]


def is_same(first: Any, second: Any) -> bool:
    if isinstance(first, list):
        return len(first) == len(second) and all(map(is_same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


class Trial:
    """A call that is tried with wrong values, and the metric that it belongs to.

    Args:
        name: of the variant.
        padded: the form of its records.
        batch: right values.
        call: what takes them.
        metric: None for functions.
    """

    def __init__(
        self, name: str, padded: bool, batch: dict[str, Any], call: Callable[..., Any], metric: Metric | None = None
    ) -> None:
        self.name, self.padded, self.batch, self.call, self.metric = name, padded, batch, call, metric

    def faults(self) -> list[str]:
        """What is not as the tables say, of every argument with every kind of wrong value."""
        found = []
        for argument, right in self.batch.items():
            for kind, wrong in wrong_values(right, self.padded).items():
                problem = self.problem(argument, kind, wrong)
                found += [f"{self.name}.{argument}, padded={self.padded}, {kind}: {problem}"] if problem else []
        return found

    def problem(self, argument: str, kind: str, wrong: Any) -> str | None:
        table = TAKEN.get(kind, "") + ("" if self.metric else f" {OF_FUNCTIONS.get(kind, '')}")
        taken = matches(table, self.name, argument, self.padded)
        before = state_of(self.metric) if self.metric else []
        try:
            self.call(**{**self.batch, argument: wrong})
        except InputError as error:
            if taken:
                return f"refused: {error}"
            if self.metric and not is_same(before, state_of(self.metric)):
                return "the state has changed"
            row_known = not matches(ROWS_ELSEWHERE.get(kind, ""), self.name, argument, self.padded)
            return told(error, argument, self.padded, kind, row_known)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        if self.metric:
            self.metric.reset()
            self.call(**self.batch)
        return None if taken else "taken"


FORMS = [(name, padded) for name, variant in VARIANTS.items() for padded in (False, True)[: 2 - variant.flat_only]]
OWN_GROUPS = (
    "graph",
    "subjects-graph",
    "forgetting",
    "recency",
    "agreement",
    "identity",
    "breakdown",
)  # links, and groups of their own
FLAT_FUNCTIONS = (
    "adaptive_policy",
    "answer_accuracy",
    "checklist_score",
    "grid_accuracy",
    "point_score",
    "trace_compliance",
    "trace_support",
)
OF_METRICS_ALONE = ("named-strategies",)
OF_CANDIDATES = ("selection", "verifier")  # whose function takes a mask of candidates
OPTIONS: dict[str, dict[str, Any]] = {
    "choices": {"kind": "choice"},
    "numeric": {"kind": "numeric"},
    "answers": {"kind": "f1"},
    "alignment": {"variant": "refclipscore"},
    "consistency": {"mode": "anchor"},
    "graph": {"mode": "graph"},
    "subjects": {"mode": "anchor"},
    "subjects-graph": {"mode": "graph"},
    "drift-ssim": {"distance": "ssim"},
    "quality": {"scale": "grade"},
    "coherence": {"scale": "grade"},
    "traces": {"steps": ("plan", "look", "tell")},
}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(("name", "padded"), FORMS)
def test_update_takes_or_refuses_every_kind_of_value(name: str, padded: bool) -> None:
    metric, batch = VARIANTS[name].make(), VARIANTS[name].batch(padded)
    metric.update(**batch)
    assert Trial(name, padded, batch, metric.update, metric).faults() == []


@pytest.mark.parametrize("name", VARIANTS)
def test_forward_takes_or_refuses_every_kind_of_value(name: str) -> None:
    metric, batch = VARIANTS[name].make(), VARIANTS[name].batch()
    metric.update(**batch)
    assert Trial(name, False, batch, metric.forward, metric).faults() == []


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in OWN_GROUPS])
def test_a_breakdown_takes_or_refuses_every_kind_of_value(name: str) -> None:
    metric, batch = divided(VARIANTS[name]), VARIANTS[name].batch()
    update = partial(metric.update, group=[*"abc"] * 4)
    update(**batch)
    assert Trial(name, False, batch, update, metric).faults() == []


@pytest.mark.parametrize("name", VARIANTS)
def test_in_a_collection_a_metric_that_refuses_a_batch_is_as_before(name: str) -> None:
    batch = VARIANTS[name].batch()
    collection = MetricCollection({"only": VARIANTS[name].make()})
    collection.update(**batch)
    argument, right = next(iter(batch.items()))
    wrong = wrong_values(right, False)
    for kind in ("mapping", "generator", "one short", "too deep", "complex", "entry object", "entry set"):
        before = state_of(collection["only"])
        with pytest.raises(InputError, match=f"`{argument}"):
            collection.update(**{**batch, argument: wrong[kind]})
        assert is_same(before, state_of(collection["only"])), kind


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("name", "function"), functions())
def test_functions_take_or_refuse_every_kind_of_value(name: str, function: str, padded: bool) -> None:
    if name in OF_METRICS_ALONE or (padded and function in FLAT_FUNCTIONS):
        pytest.skip("the function has no such form")
    compute = getattr(functional, function)
    parameters = inspect.signature(compute).parameters
    batch = {key: value for key, value in VARIANTS[name].batch(padded).items() if key in parameters}
    if name in OF_CANDIDATES:
        batch["valid"] = torch.ones(batch["scores"].shape, dtype=torch.bool)
    compute = partial(compute, **OPTIONS.get(name, {}))
    compute(**batch)
    assert Trial(name, padded, batch, compute).faults() == []


def test_every_argument_of_every_metric_is_tried() -> None:
    tried = {(type(VARIANTS[name].make()).__name__, key) for name, form in FORMS for key in VARIANTS[name].batch(form)}
    for name in imug_metrics.__all__:
        found = getattr(imug_metrics, name)
        if isinstance(found, type) and issubclass(found, Metric) and name not in ("DialogueMetric", "Breakdown"):
            for argument in [*inspect.signature(found.update).parameters][1:]:
                assert (name, argument) in tried


def test_at_least_forty_kinds_are_tried() -> None:
    assert len(WRONG) >= 40
    assert TAKEN.keys() | OF_FUNCTIONS.keys() <= WRONG.keys()

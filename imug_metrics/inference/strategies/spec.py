# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies by how they are written on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imug_metrics.encoders import Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.inputs import cached_encoder
from imug_metrics.evaluation.settings import as_argument
from imug_metrics.inference.strategies.adaptive import Adaptive
from imug_metrics.inference.strategies.best_of import BestOf
from imug_metrics.inference.strategies.chain_of_thought import ChainOfThought
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.evidence_chain import EvidenceChain
from imug_metrics.inference.strategies.policy import read_policy
from imug_metrics.inference.strategies.selectors.judge import JudgeSelector
from imug_metrics.inference.strategies.selectors.majority import MajoritySelector
from imug_metrics.inference.strategies.selectors.metric import MetricSelector
from imug_metrics.inference.strategies.selectors.own import OwnSelector
from imug_metrics.inference.strategies.selectors.protocol import Selector
from imug_metrics.inference.strategies.selectors.python_function import PythonSelector
from imug_metrics.inference.strategies.self_verification import SelfVerificationLoop
from imug_metrics.inference.turn import Strategy
from imug_metrics.judges.journal import Journal
from imug_metrics.judges.protocol import Judge
from imug_metrics.reading.fields import nearest

FORMS = (
    "direct",
    "cot",
    "evidence[:ROUNDS]",
    "verify[:ROUNDS]",
    "best-of:N:SELECTOR[,SELECTOR]",
    "adaptive:POLICY.json",
)
"""How strategies are written."""
SELECTORS = ("own", "judge", "alignment", "majority", "python:FILE.py:FUNCTION")
"""How selectors are written."""


@dataclass(frozen=True)
class SelectorNeeds:
    """What selectors work with.

    Attributes:
        judge: of `judge`.
        encoder: of `alignment`, or its name.
        device: where an encoder given by name runs.
        journal: keeps the judge's replies; None: they are not kept.
    """

    judge: Judge | None = None
    encoder: Encoder | str | None = None
    device: str | None = None
    journal: Journal | None = None


def parse_strategy(
    spec: str,
    *,
    judge: Judge | None = None,
    encoder: Encoder | str | None = None,
    device: str | None = None,
    journal: Journal | None = None,
) -> Strategy:
    """The strategy that a text names: parts joined by `+`, from the inside out.

    `cot+best-of:4:majority` makes four candidates, each after thoughts of its own; `best-of:4:majority+cot` thinks once
    and makes four candidates after that. Files with a `+` in their path cannot be named.

    Args:
        spec: such as `cot+verify:2+best-of:4:alignment`.
        judge: whom the selector `judge` asks.
        encoder: of the selector `alignment`.
        device: where an encoder given by name runs.
        journal: keeps the judge's replies; None: they are not kept.

    Raises:
        ArgumentError: if it names no strategy, or one that lacks what it needs.

    Example:
        >>> parse_strategy("direct+cot+verify+best-of:4:majority").name
        'cot+verify:1+best-of:4:majority'
        >>> parse_strategy("verfy:2")
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `strategy`: expected direct, cot,
        evidence[:ROUNDS], verify[:ROUNDS], best-of:N:SELECTOR[,SELECTOR] or adaptive:POLICY.json, joined by +, got
        'verfy:2'; did you mean verify?
    """
    return _parse(spec, SelectorNeeds(judge, encoder, device, journal))


def _parse(spec: str, needs: SelectorNeeds) -> Strategy:
    first, *others = spec.split("+")
    kind, _, rest = first.partition(":")
    strategy: Strategy = Direct()
    if kind == "adaptive":
        strategy = _adaptive(rest, needs)
    elif first != "direct":
        strategy = _around(strategy, first, needs)
    for part in others:
        strategy = _around(strategy, part, needs)
    return strategy


def _around(inner: Strategy, part: str, needs: SelectorNeeds) -> Strategy:
    kind, colon, rest = part.partition(":")
    if kind in ("direct", "adaptive"):
        raise ArgumentError("strategy", f"expected {kind} before all other parts, as the innermost")
    if kind not in _AROUND or (kind == "cot" and colon):
        known = [form.partition("[")[0].partition(":")[0] for form in FORMS]
        meant = nearest(kind, known)
        hint = f"; did you mean {meant}?" if meant and meant != kind else ""
        forms = f"{', '.join(FORMS[:-1])} or {FORMS[-1]}, joined by +"
        raise ArgumentError("strategy", f"expected {forms}, got {part!r}{hint}")
    return _AROUND[kind](inner, rest if colon else None, needs)


def _cot(inner: Strategy, rest: str | None, needs: SelectorNeeds) -> Strategy:
    return ChainOfThought(inner)


def _evidence(inner: Strategy, rest: str | None, needs: SelectorNeeds) -> Strategy:
    rounds = 1 if rest is None else _count(rest, "rounds", "evidence:2")
    with as_argument("strategy"):
        return EvidenceChain(rounds, inner)


def _verify(inner: Strategy, rest: str | None, needs: SelectorNeeds) -> Strategy:
    rounds = 1 if rest is None else _count(rest, "rounds", "verify:2")
    with as_argument("strategy"):
        return SelfVerificationLoop(rounds, inner)


def _best_of(inner: Strategy, rest: str | None, needs: SelectorNeeds) -> Strategy:
    count, colon, names = (rest or "").partition(":")
    if not colon or not names:
        raise ArgumentError("strategy", f"expected best-of:N:SELECTOR, a selector being one of {', '.join(SELECTORS)}")
    n = _count(count, "candidates", f"best-of:4:{names}")
    selectors = [_selector(name, needs) for name in names.split(",")]
    with as_argument("strategy"):
        return BestOf(n, selectors, inner)


_AROUND: dict[str, Callable[[Strategy, str | None, SelectorNeeds], Strategy]] = {
    "cot": _cot,
    "evidence": _evidence,
    "verify": _verify,
    "best-of": _best_of,
}


def _count(text: str, what: str, example: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise ArgumentError("strategy", f"expected a number of {what}, as in {example}, got {text!r}")
    return int(text)


def _selector(name: str, needs: SelectorNeeds) -> Selector:
    kind, _, rest = name.partition(":")
    if kind == "python":
        return PythonSelector(rest)
    if name == "own":
        return OwnSelector()
    if name == "majority":
        return MajoritySelector()
    if name == "judge":
        if needs.judge is None:
            raise ArgumentError(("strategy", "judge"), "the selector judge needs a judge")
        return JudgeSelector(needs.judge, needs.journal)
    if name == "alignment":
        encoder = cached_encoder(needs.encoder, needs.device, None)
        if encoder is None:
            raise ArgumentError(("strategy", "encoder"), "the selector alignment needs an encoder")
        return MetricSelector(encoder)
    meant = nearest(name, [known.partition(":")[0] for known in SELECTORS])
    hint = f"; did you mean {meant}?" if meant else ""
    raise ArgumentError("strategy", f"expected a selector, one of {', '.join(SELECTORS)}, got {name!r}{hint}")


def _adaptive(place: str, needs: SelectorNeeds) -> Strategy:
    if not place:
        raise ArgumentError("strategy", "expected adaptive:POLICY.json, the file of a policy")
    policy = read_policy(place)
    nested = [name for name in policy.strategies if name.startswith("adaptive")]
    if nested:
        raise ArgumentError("strategy", f"{place}: a policy cannot choose {nested[0]!r}, another policy")
    return Adaptive(policy, {name: _parse(name, needs) for name in policy.strategies}, place)

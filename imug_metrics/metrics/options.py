# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The options that all metrics share: said once, shown in the signature of each."""

import inspect
from collections.abc import Callable
from typing import Any, Literal

from typing_extensions import TypedDict

Detail = bool | Literal["interval"]

INTERVAL = ("", "_lower", "_upper", "_n")
"""Endings of what `detail="interval"` gives, behind the metric's name."""

LEAST_COVERAGE = 0.95
"""Below this share of scored outputs a model is marked: what it left out may be what it would have got wrong."""


class MetricOptions(TypedDict, total=False):
    """Options of every metric; the last seven are those of `torchmetrics.Metric`.

    Attributes:
        detail: False for the primary estimate alone, `"interval"` for a dict of it, its interval and its number of
            records, True for a dict of all estimates with their intervals.
        missing: what an absent output counts as: `"skip"` leaves it out (and lowers the coverage), `"zero"` scores 0.
        average: `"record"` weighs every scored record alike, `"dialogue"` every dialogue.
        level: probability that the intervals cover.
        bootstrap: number of replicates of a Poisson bootstrap over dialogues, for comparisons and for the estimates
            that have no formula for an interval; 0: none. The draws depend on dialogue ids alone, so batches, shards
            and processes do not change the result, and two models' replicates are paired.
        seed: of the bootstrap.
        max_turns: turns that get a point of their own on the curve; later ones count in everything else.
        validate: check values, turns and duplicates on every update; on a CUDA device that waits for it once, and once
            more for flat records that are not in order. Without it nothing is looked at and nothing waits.
        in_order: the records of every update come by dialogue, subject and turn, ids rising, so that nothing is sorted;
            checked with `validate`, taken for granted without.
        check_repeats: keep the id of every dialogue and the turns that were seen, and refuse a dialogue that comes back
            in a later update, by its name; across processes and merged states `compute` refuses it. Every update then
            waits for the device, and memory grows by 16 bytes a record. Without it `compute` warns where many came
            back, at no such cost.
    """

    detail: Detail
    missing: Literal["skip", "zero"]
    average: Literal["record", "dialogue"]
    level: float
    bootstrap: int
    seed: int
    max_turns: int
    validate: bool
    in_order: bool
    check_repeats: bool
    compute_on_cpu: bool
    dist_sync_on_step: bool
    process_group: Any
    dist_sync_fn: Callable[..., Any] | None
    distributed_available_fn: Callable[[], bool] | None
    sync_on_compute: bool
    compute_with_cache: bool


def spell_out(metric: type) -> None:
    """Give a class's constructor the signature that its `**options` stand for, as help pages and notebooks show it."""
    parameters = dict(inspect.signature(metric.__init__).parameters)  # type: ignore[misc]
    rest = [parameters.pop(name) for name in list(parameters) if parameters[name].kind is inspect.Parameter.VAR_KEYWORD]
    if not rest:
        return
    inherited = inspect.signature(metric.__mro__[1].__init__).parameters  # type: ignore[misc]
    parameters |= {
        name: parameter
        for name, parameter in inherited.items()
        if name not in parameters and parameter.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    }
    metric.__init__.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[misc]


def within(ends: tuple[float, float], *names: str) -> dict[str, tuple[float, float]]:
    """The same range for several estimates of a metric, see `DialogueMetric.ranges`.

    Example:
        >>> within((0.0, 1.0), "mean", "turn_")
        {'mean': (0.0, 1.0), 'turn_': (0.0, 1.0)}
    """
    return dict.fromkeys(names, ends)


def check_choice(argument: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise ValueError unless the argument is one of the choices.

    Example:
        >>> check_choice("missing", "one", ("skip", "zero"))
        Traceback (most recent call last):
        ValueError: Expected argument `missing` to be one of ('skip', 'zero'), got 'one'.
    """
    if value not in choices:
        raise ValueError(f"Expected argument `{argument}` to be one of {choices}, got {value!r}.")


def check_detail(detail: Any) -> None:
    """Raise ValueError unless it is one of the forms of a result.

    Example:
        >>> check_detail("all")
        Traceback (most recent call last):
        ValueError: Expected argument `detail` to be False, "interval" or True, got 'all'.
    """
    if not isinstance(detail, bool) and not (isinstance(detail, str) and detail == "interval"):
        raise ValueError(f'Expected argument `detail` to be False, "interval" or True, got {detail!r}.')


def check_count(argument: str, value: Any, least: int) -> None:
    """Raise ValueError unless the argument is an integer from `least` on.

    Example:
        >>> check_count("max_turns", 0, 1)
        Traceback (most recent call last):
        ValueError: Expected argument `max_turns` to be an integer >= 1, got 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"Expected argument `{argument}` to be an integer >= {least}, got {value!r}.")


def check_range(argument: str, ends: tuple[float, float] | None) -> tuple[float, float] | None:
    """The ends of a range as numbers, None where it is not known.

    Example:
        >>> check_range("score_range", (1, 0))
        Traceback (most recent call last):
        ValueError: Expected argument `score_range` to be two numbers, the first below the second, got (1, 0).
    """
    if ends is None:
        return None
    if isinstance(ends, str) or len(ends) != 2 or not ends[0] < ends[1]:
        raise ValueError(f"Expected argument `{argument}` to be two numbers, the first below the second, got {ends!r}.")
    return float(ends[0]), float(ends[1])

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Run cases and turn what was seen into rows of one schema."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from statistics import median

from torch import Tensor

from .machine import Ceilings, peak_growth, percentiles
from .registry import Answer, Case, Job, Provider, Record, Setup

RATES = ("throughput", "bandwidth", "arithmetic")  # all from the same times


@dataclass(frozen=True)
class Row:
    """One quantity of one provider.

    Attributes:
        name: the case.
        provider: who computed it.
        baseline: whether this is the provider that ratios refer to.
        sizes: of the case, with the rows this provider was given.
        quantity: `"throughput"` and what it means in `"bandwidth"` and `"arithmetic"` (higher is better),
            `"peak memory"`, `"state"` or `"error"` (lower is better).
        unit: of the three numbers that follow.
        median: over the repeats.
        p20: 20th percentile.
        p80: 80th percentile.
        ratio: to the baseline: of rates the median over the repeats, each beside the baseline's in the same repeat;
            else of the medians. None where the baseline's is 0 or absent.
        roofline: share of the throughput that the machine's ceilings, or the case's limit, allow; None for other
            quantities, and where the ceilings are not known.
        axis: what the case's sweep varies; None: the case is in none.
    """

    name: str
    provider: str
    baseline: bool
    sizes: dict[str, int | str]
    quantity: str
    unit: str
    median: float
    p20: float
    p80: float
    ratio: float | None
    roofline: float | None
    axis: str | None


def race(setup: Setup, name: str, make: Callable[[], Case]) -> Job:
    """A job that makes a case and times its providers."""

    def run() -> list[Record]:
        case = replace(make(), repeats=1) if setup.quick else make()
        rows, problems = run_case(case, setup.ceilings)
        return [{"kind": "timing", **asdict(row)} for row in rows] + problems

    return Job(name, run)


def races(setup: Setup, cases: Iterable[Case]) -> Iterator[Job]:
    """Jobs of cases that share what they are made of; each is made when the one before it is done."""
    return (race(setup, case.name, lambda case=case: case) for case in cases)


def run_case(case: Case, ceilings: Ceilings | None) -> tuple[list[Row], list[Record]]:
    """Time all providers in turn, repeat by repeat, so that a slow minute of the machine hits all of them.

    A provider that fails, for want of memory for example, becomes a problem and does not stop the others.
    """
    providers, answers, problems = [], [], []
    for provider in case.providers:
        try:
            answers.append(provider.run())  # also the warm-up
            providers.append(provider)
        except Exception as error:  # a device that can go on says so at the next call; one that cannot ends the job
            problems.append(_problem(case, provider, error))
    measured: list[list[float]] = [[] for _ in providers]
    for _ in range(case.repeats):
        for provider, times in zip(providers, measured):
            times.append(case.timer(provider.run))
    truth = case.truth
    if truth is None and providers and providers[0] is case.providers[0] and answers[0] is not None:
        truth = answers[0].values
    rows: list[Row] = []
    for provider, answer, times in zip(providers, answers, measured):
        rows += _rows_of(case, provider, answer, truth, times, ceilings)
    references = {row.quantity: row.median for row in rows if row.baseline}
    rates = {provider.name: [provider.rows / time for time in times] for provider, times in zip(providers, measured)}
    return [replace(row, ratio=_ratio(row, references, rates, case.providers[0].name)) for row in rows], problems


def _problem(case: Case, provider: Provider, error: Exception) -> Record:
    last = traceback.format_exception_only(error)[-1].strip()
    return {"kind": "problem", "name": case.name, "provider": provider.name, "sizes": case.sizes, "error": last}


def _times(rates: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    middle, low, high = rates
    return middle * factor, low * factor, high * factor


def _ratio(row: Row, references: dict[str, float], rates: dict[str, list[float]], baseline: str) -> float | None:
    """Of rates repeat by repeat, since the clock of a machine does not stay what it is."""
    reference = references.get(row.quantity)
    if not reference:
        return None
    if row.quantity not in RATES:
        return row.median / reference
    return median(own / other for own, other in zip(rates[row.provider], rates[baseline], strict=True))


def _rows_of(
    case: Case,
    provider: Provider,
    answer: Answer | None,
    truth: Tensor | None,
    times: list[float],
    ceilings: Ceilings | None,
) -> list[Row]:
    rates = percentiles([provider.rows / time for time in times])
    found: dict[tuple[str, str], tuple[float, float, float]] = {("throughput", "rows/s"): rates}
    if case.bytes_per_row:
        found["bandwidth", "GB/s"] = _times(rates, case.bytes_per_row / 1e9)
    if case.flops_per_row:
        found["arithmetic", "TFLOP/s"] = _times(rates, case.flops_per_row / 1e12)
    growth = peak_growth(provider.run)
    if growth is not None:
        found["peak memory", "bytes"] = (float(growth),) * 3
    if answer is not None and answer.state_bytes is not None:
        found["state", "bytes"] = (float(answer.state_bytes),) * 3
    if answer is not None and truth is not None:
        found["error", "absolute"] = (float((answer.values.double() - truth.double()).abs().max()),) * 3
    limit = _limit(case, ceilings)
    shared = (case.name, provider.name, provider is case.providers[0], {"rows": provider.rows, **case.sizes})
    shares = {"throughput": rates[0] / limit} if limit else {}
    return [
        Row(*shared, quantity, unit, *numbers, ratio=None, roofline=shares.get(quantity), axis=case.axis)
        for (quantity, unit), numbers in found.items()
    ]


def _limit(case: Case, ceilings: Ceilings | None) -> float | None:
    """Rows a second that the case's limit allows, or the machine; None: nobody knows."""
    if case.limit is not None or ceilings is None:
        return case.limit
    flops = ceilings.flops(str(case.sizes.get("dtype")))
    slowest = max(case.bytes_per_row / ceilings.bytes_per_second, case.flops_per_row / flops)
    return 1 / slowest if slowest else None

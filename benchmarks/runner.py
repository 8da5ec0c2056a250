# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Run cases and turn what was seen into rows of one schema."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from benchmarks.machine import Ceilings, clock_seconds, peak_growth, percentiles, seconds
from benchmarks.registry import Answer, Case, Provider


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
        ratio: median over the baseline's median; None where that is 0 or absent.
        roofline: share of the throughput that the machine's ceilings, or the case's limit, allow; None for other
            quantities.
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


def run_case(case: Case, ceilings: Ceilings) -> list[Row]:
    """Time all providers in turn, repeat by repeat, so that a slow minute of the machine hits all of them."""
    answers = [provider.run() for provider in case.providers]  # also the warm-up
    measured: list[list[float]] = [[] for _ in case.providers]
    for _ in range(case.repeats):
        for provider, times in zip(case.providers, measured):
            times.append(seconds(provider.run) if case.limit is None else clock_seconds(provider.run))
    rows: list[Row] = []
    truth = answers[0].values if case.truth is None else case.truth
    for provider, answer, times in zip(case.providers, answers, measured):
        rows += _rows_of(case, provider, answer, truth, times, ceilings)
    references = {row.quantity: row.median for row in rows if row.baseline}
    return [replace(row, ratio=_ratio(row.median, references.get(row.quantity))) for row in rows]


def _times(rates: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    median, low, high = rates
    return median * factor, low * factor, high * factor


def _ratio(value: float, reference: float | None) -> float | None:
    return value / reference if reference else None


def _rows_of(
    case: Case, provider: Provider, answer: Answer, truth: Tensor, times: list[float], ceilings: Ceilings
) -> list[Row]:
    rates = percentiles([provider.rows / time for time in times])
    slowest = max(case.bytes_per_row / ceilings.bytes_per_second, case.flops_per_row / ceilings.flops_per_second)
    limit = case.limit or 1 / slowest
    found: dict[tuple[str, str], tuple[float, float, float]] = {("throughput", "rows/s"): rates}
    found["bandwidth", "GB/s"] = _times(rates, case.bytes_per_row / 1e9)
    if case.flops_per_row:
        found["arithmetic", "TFLOP/s"] = _times(rates, case.flops_per_row / 1e12)
    growth = peak_growth(provider.run)
    if growth is not None:
        found["peak memory", "bytes"] = (float(growth),) * 3
    if answer.state_bytes is not None:
        found["state", "bytes"] = (float(answer.state_bytes),) * 3
    found["error", "absolute"] = (float((answer.values.double() - truth.double()).abs().max()),) * 3
    shared = (case.name, provider.name, provider is case.providers[0], {"rows": provider.rows, **case.sizes})
    shares = {"throughput": rates[0] / limit}
    return [
        Row(*shared, quantity, unit, *numbers, ratio=None, roofline=shares.get(quantity), axis=case.axis)
        for (quantity, unit), numbers in found.items()
    ]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A run as Markdown: what is wrong first, then median, spread, ratio and share of the ceiling of every case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from .journal import Document

Row = dict[str, Any]
TIMED = (
    "provider",
    "rows",
    "median",
    "p20 - p80",
    "times as fast",
    "of its time",
    "ceiling",
    "GB/s",
    "TFLOP/s",
    "peak MiB",
    "error",
)


def summary(document: Document) -> str:
    """The whole run; parts of which it has nothing are left out."""
    parts = [f"# Benchmarks: {_where(document)}", *_facts(document), *_troubles(document)]
    parts += [*_checks(document["checks"]), *_timings(document["rows"])]
    parts += [*_counts(document["counts"]), *_counters(document["counters"])]
    return "\n\n".join(parts) + "\n"


def _where(document: Document) -> str:
    machine = document["machine"]
    return str(machine.get("gpu") or f"{machine.get('cpu', 'unknown machine')}, no GPU")


def _facts(document: Document) -> list[str]:
    machine, ceilings = document["machine"], document["ceilings"]
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    ended = f"{document['seconds']:.0f} s" if document["finished"] else "**not finished**"
    shown = [f"{document.get('date', 'no date')}, {ended}; {versions}, Python {machine.get('python', '?')}."]
    if document.get("quick"):
        shown.append("Tiny sizes: nothing here is a measurement.")
    if machine.get("driver"):
        shown.append(f"Driver, clocks of the multiprocessors and of the memory, power: {machine['driver']}.")
    if ceilings is not None:
        rates = ceilings["by_dtype"] or {"float64": ceilings["flops_per_second"]}
        products = ", ".join(f"{name} {rate / 1e12:,.2f}" for name, rate in rates.items())
        shown.append(
            f"Ceilings of this run: a copy moves {ceilings['bytes_per_second'] / 1e9:,.0f} GB/s; products in TFLOP/s: "
            f"{products}; the smallest call takes {ceilings['launch_seconds'] * 1e6:.1f} microseconds."
        )
    if document["phases"]:
        shown.append("Seconds: " + ", ".join(f"{name} {took:.0f}" for name, took in document["phases"].items()) + ".")
    return shown


def _troubles(document: Document) -> list[str]:
    """What failed, was skipped or cut, and providers that gave nothing."""
    lines = []
    for kind, found in _groups(document["troubles"], lambda event: event["event"]):
        if kind == "cut":
            groups = _groups(found, lambda event: f"{event.get('phase')}: {event['group']}")
            lines += [f"- cut for want of time: {len(cut)} of {name}" for name, cut in groups]
            continue
        for event in found:
            said = str(event.get("reason") or event.get("error") or "").strip().splitlines()
            place = " / ".join(str(event[key]) for key in ("phase", "group", "job") if key in event)
            lines.append(f"- {kind}: {place}: {said[-1] if said else 'said nothing'}")
    for problem in document["problems"]:
        lines.append(f"- no result: {problem['name']}, {problem['provider']}: {problem['error'].splitlines()[0]}")
    return ["## Troubles", "\n".join(lines)] if lines else []


def _checks(checks: Sequence[Row]) -> list[str]:
    if not checks:
        return []
    head = ("operation", "dtype", "checks", "failed", "bits differ again", "largest error", "of")
    lines, failed = [], []
    for (operation, dtype), found in _groups(checks, lambda row: (row["operation"], row["dtype"])):
        known = [row for row in found if row["error"] is not None]
        worst = max(known, key=lambda row: row["error"], default=None)
        bad = [row for row in found if not row["passed"]]
        failed += bad
        differ = sum(row["same_bits"] is False for row in found)
        error, of = (f"{worst['error']:.1e}", worst["worst"]) if worst else ("", "")
        lines.append((operation, dtype, str(len(found)), str(len(bad)), str(differ), error, of))
    parts = ["## Correctness against float64", _table(head, lines, numbers=(2, 3, 4, 5))]
    names = ("operation", "dtype", "width", "lengths", "layout", "rows", "masked", "error", "worst")
    if failed:
        parts.append(_table(names, [[_plain(row[name]) for name in names] for row in failed], numbers=(2, 7)))
    return parts


def _timings(rows: Sequence[Row]) -> list[str]:
    cases = by_case(rows)
    return ["## Timings", *(f"**{title}**\n\n{_providers(found)}" for title, found in cases.items())] if cases else []


def by_case(rows: Iterable[Row]) -> dict[str, dict[str, dict[str, Row]]]:
    """Rows by title of the case, provider and quantity; sweeps over rows have a title for each number of them."""
    found: dict[str, dict[str, dict[str, Row]]] = {}
    for row in rows:
        sizes = {name: size for name, size in row["sizes"].items() if name != "rows" or row["axis"] == "rows"}
        title = f"{row['name']} ({', '.join(f'{name} {_plain(size)}' for name, size in sizes.items())})"
        found.setdefault(title, {}).setdefault(row["provider"], {})[row["quantity"]] = row
    return found


def _providers(found: dict[str, dict[str, Row]]) -> str:
    return _table(TIMED, [(name, *_cells(quantities)) for name, quantities in found.items()], range(1, len(TIMED)))


def _cells(found: dict[str, Row]) -> list[str]:
    rate = found["throughput"]
    slow, middle, fast = (rate["sizes"]["rows"] / max(rate[name], 1e-300) for name in ("p20", "median", "p80"))
    ratio = rate["ratio"]
    memory, error = found.get("peak memory"), found.get("error")
    return [
        f"{rate['sizes']['rows']:,}",
        time_of(middle),
        f"{time_of(fast)} - {time_of(slow)}",
        "baseline" if rate["baseline"] else "" if ratio is None else f"{ratio:.2f}",
        "" if rate["baseline"] or not ratio else f"{1 / ratio:.1%}",
        "" if rate["roofline"] is None else f"{rate['roofline']:.0%}",
        _number(found.get("bandwidth")),
        _number(found.get("arithmetic")),
        "" if memory is None else f"{memory['median'] / 2**20:,.1f}",
        "" if error is None else f"{error['median']:.1e}",
    ]


def time_of(seconds: float) -> str:
    """Seconds in the unit in which they are read.

    Example:
        >>> time_of(0.00123), time_of(12.3e-6), time_of(2.5)
        ('1.23 ms', '12.3 us', '2.5 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def _number(row: Row | None) -> str:
    return "" if row is None else f"{row['median']:,.3g}" if row["median"] < 1000 else f"{row['median']:,.0f}"


def _counts(counts: Sequence[Row]) -> list[str]:
    """One table for each set of columns: what is counted depends on where it runs."""
    parts = []
    for columns, found in _groups(counts, lambda row: tuple(row["counts"])):
        lines = [[row["name"], row["input"], *(_plain(row["counts"][column]) for column in columns)] for row in found]
        parts.append(_table(("update of", "input", *columns), lines, range(2, 2 + len(columns))))
    return ["## Counts of one update", *parts] if parts else []


def _counters(counters: Sequence[Row]) -> list[str]:
    lines = [[row["program"], row["name"], str(row["said"]).replace("\n", "<br>")] for row in counters]
    return ["## Counters", _table(("program", "of", "said"), lines)] if lines else []


def _table(head: Sequence[str], lines: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    right = set(numbers)
    rule = "".join("---:|" if place in right else "---|" for place in range(len(head)))
    return "\n".join((f"| {' | '.join(head)} |", f"|{rule}", *(f"| {' | '.join(line)} |" for line in lines)))


def _groups(rows: Iterable[Row], key: Callable[[Row], Any]) -> list[tuple[Any, list[Row]]]:
    return [(name, list(found)) for name, found in groupby(sorted(rows, key=key), key)]


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2e}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

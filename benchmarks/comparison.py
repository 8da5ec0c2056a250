# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two runs on one machine: what became faster, and what is counted less often."""

from __future__ import annotations

from typing import Any

from .journal import Document

SAME = ("gpu", "cpu", "cores", "threads", "system")


class OtherMachineError(ValueError):
    """The runs are of two machines, and no ratio of theirs means anything."""


def compare(before: Document, after: Document) -> str:
    """Ratios of throughput, and counts that changed, of what both runs have, as Markdown.

    Raises:
        OtherMachineError: If there are timings to compare and the machines differ.
    """
    rates = [(key, old, new) for key, old, new in _both(before["rows"], after["rows"], _timing) if old and new]
    counts = _both(before.get("counts", ()), after.get("counts", ()), _count)
    if rates:
        _check_machines(before["machine"], after["machine"])
    parts = []
    if rates:
        lines = [f"| {' | '.join(key)} | {old:,.3g} | {new:,.3g} | {new / old:.2f} |" for key, old, new in rates]
        head = "| case | sizes | provider | rows/s before | after | times as fast |\n|---|---|---|---:|---:|---:|"
        parts.append("\n".join((head, *lines)))
    if changed := [count for count in counts if count[1] != count[2]]:
        lines = [f"| {' | '.join(key)} | {old} | {new} |" for key, old, new in changed]
        parts.append("\n".join(("| update of | input | counted | before | after |\n|---|---|---|---:|---:|", *lines)))
    if counts:
        parts.append(f"{len(counts) - len(changed)} of {len(counts)} counts are as before.")
    return "\n\n".join(parts) if parts else "The two runs have nothing in common."


def _check_machines(before: dict[str, Any], after: dict[str, Any]) -> None:
    """A GPU's name, capability and memory decide, and the processor, which launches; versions may differ."""
    differences = [
        f"{name} {before.get(name)!r} and {after.get(name)!r}" for name in SAME if before.get(name) != after.get(name)
    ]
    if differences:
        raise OtherMachineError(f"Expected two runs on one machine, got {'; '.join(differences)}.")


def _both(before: Any, after: Any, read: Any) -> list[tuple[tuple[str, ...], Any, Any]]:
    """Values of the keys that both have, in the order of the later run."""
    old = {key: value for row in before for key, value in read(row)}
    return [(key, old[key], value) for row in after for key, value in read(row) if key in old]


def _timing(row: dict[str, Any]) -> list[tuple[tuple[str, ...], float]]:
    if row["quantity"] != "throughput":
        return []
    sizes = ", ".join(f"{name} {size}" for name, size in row["sizes"].items())
    return [((row["name"], sizes, row["provider"]), row["median"])]


def _count(row: dict[str, Any]) -> list[tuple[tuple[str, ...], int]]:
    return [((row["name"], row["input"], counted), number) for counted, number in row["counts"].items()]

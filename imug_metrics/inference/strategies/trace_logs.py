# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Traces in the logs of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imug_metrics.traces import Trace
from imug_metrics.traces.trace_rows import TraceFieldError, read_trace_row


def logged_traces(log: Mapping[str, Any]) -> list[Trace]:
    """The traces in the log of an answer: of the candidate that was picked, and of the last of several attempts.

    What is no trace is left out. Traces share the `evidence` of the log unless they have their own.

    Example:
        >>> row = {"dialogue": "d", "turn": 1, "output": "B"}
        >>> log = {"selector": "own", "pick": 1, "candidates": [{}, {"traces": [row]}]}
        >>> [trace.output for trace in logged_traces(log)]
        ['B']
    """
    rows = log.get("traces")
    if isinstance(rows, list):
        return [trace for row in rows for trace in _read(row, log.get("evidence", {}))]
    inner = _inner(log)
    return logged_traces(inner) if isinstance(inner, Mapping) else []


def _inner(log: Mapping[str, Any]) -> Any:
    """The log of the answer within, which the answer came of."""
    candidates, attempts = log.get("candidates"), log.get("attempts")
    if isinstance(candidates, list):
        pick = log.get("pick")
        return candidates[pick] if isinstance(pick, int) and 0 <= pick < len(candidates) else None
    if isinstance(attempts, list):
        return attempts[-1] if attempts else None
    return log.get("answer")


def _read(row: Any, evidence: Any) -> list[Trace]:
    try:
        return [read_trace_row({"evidence": evidence, **row})] if isinstance(row, Mapping) else []
    except TraceFieldError:
        return []

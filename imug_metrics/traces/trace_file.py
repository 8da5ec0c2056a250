# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of traces: JSON lines, one trace a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from imug_metrics._files import write_pieces_whole
from imug_metrics.reading.fields import UnknownFields
from imug_metrics.reading.files import Problems, read_jsonl
from imug_metrics.traces.trace import Trace
from imug_metrics.traces.trace_rows import TRACE_FIELDS, TraceFieldError, read_trace_row, trace_row


def write_traces(path: Path, traces: Iterable[Trace], scratch: Path | None = None) -> Path:
    """Write traces in their order, whole or not at all; `read_traces` gives the same traces back.

    Args:
        path: the file.
        traces: see `Trace`.
        scratch: folder of the file while it is not whole, on the same file system; None: that of the file.

    Raises:
        OSError: if the file cannot be written.
        ValueError: if a cost is not finite, which JSON cannot hold.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "traces.jsonl"
        >>> read_traces(write_traces(path, [Trace("d", 1, output="B")]), Problems())[0].output
        'B'
    """
    return write_pieces_whole(path, map(_line, traces), scratch)


def read_traces(path: Path, problems: Problems) -> list[Trace]:
    """The traces of a file, in their order.

    Args:
        path: the file.
        problems: collects lines that hold no trace, with the field that is not as it should be; they are left out, as
            is an attempt of a turn that was there before.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "traces.jsonl"
        >>> _ = path.write_text('{"dialogue": "d", "turn": 0}')
        >>> problems = Problems()
        >>> read_traces(path, problems), str(problems[0]).rpartition("/")[2]
        ([], 'traces.jsonl:1: turn: expected a whole number from 1 to 1024')
    """
    found: dict[tuple[str, int, int], Trace] = {}
    unknown = UnknownFields(TRACE_FIELDS)
    for line, row in read_jsonl(path, problems):
        try:
            trace = read_trace_row(row)
        except TraceFieldError as error:
            problems.error(path, line, error.field[:80], error.message)
            continue
        unknown.look(path, line, row)
        if found.setdefault((trace.dialogue, trace.turn, trace.attempt), trace) is not trace:
            message = f"attempt {trace.attempt} of turn {trace.turn} was there before; the first is kept"
            problems.error(path, line, "attempt", message)
    unknown.warn(problems)
    return list(found.values())


def _line(trace: Trace) -> bytes:
    text = json.dumps(trace_row(trace), ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes its escape, which JSON reads back

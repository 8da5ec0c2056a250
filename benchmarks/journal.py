# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One JSON object a line as a run goes on, so that a killed run keeps what it found; and all of it as a whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SCHEMA = 3
Event = dict[str, Any]
Document = dict[str, Any]

# Where each kind of record goes; machine and ceilings are there once.
LISTS = {"timing": "rows", "check": "checks", "count": "counts", "counter": "counters", "problem": "problems"}
TROUBLE = ("failed", "skipped", "cut", "crashed", "lost", "late")


class Journal:
    """A file of events, each written whole and flushed; several threads may write."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, event: Event) -> None:
        """Add one line."""
        with self._lock:
            print(json.dumps(event), file=self._file, flush=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path) -> list[Event]:
    """Read the events of a file, but for a last line that was cut short."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return events


def document(events: Iterable[Event]) -> Document:
    """Gather what a run found: machine, ceilings, lists of records by kind, and every trouble with its place."""
    whole: Document = {"schema": SCHEMA, "machine": {}, "ceilings": None, **{name: [] for name in LISTS.values()}}
    whole |= {"troubles": [], "phases": {}, "finished": False}
    for event in events:
        kind = event["event"]
        if kind == "session":
            whole |= {key: value for key, value in event.items() if key != "event"}
        elif kind == "record":
            _add(whole, event)
        elif kind == "phase":
            whole["phases"][event["phase"]] = event["seconds"]
        elif kind in TROUBLE:
            whole["troubles"].append(event)
        elif kind == "end":
            whole |= {"finished": True, "seconds": event["seconds"]}
            whole["machine"]["load_average_1min_at_end"] = event.get("load_average_1min")
    return whole


def _add(whole: Document, event: Event) -> None:
    record = dict(event["record"])
    kind = record.pop("kind")
    if kind in LISTS:
        whole[LISTS[kind]].append({**record, "phase": event.get("phase")} if kind != "timing" else record)
    else:
        whole[kind] = record

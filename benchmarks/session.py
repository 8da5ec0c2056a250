# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A run from beginning to end: phases one after the other, each in processes that may fail, within a budget of time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .exit_codes import LOST
from .groups import Phase
from .journal import Event, Journal

GRACE = 30.0  # seconds after its deadline that a job may still take
START = 60.0  # seconds that a worker may need to import what it needs
PATIENCE = 120.0  # seconds that one job may take


@dataclass
class Session:
    """What all phases of a run share.

    Attributes:
        journal: gets every event.
        setup: fields of `registry.Setup`, given to every worker.
        environment: of the workers, beside this process's own.
        seconds: budget; a phase that needs less than its share leaves the rest to those behind it. None: no limit.
    """

    journal: Journal
    setup: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    patience: float | None = PATIENCE

    def __post_init__(self) -> None:
        self.start = time.time()

    def run(self, phases: Sequence[Phase]) -> None:
        """Run the phases; whatever happens in one, the next one runs."""
        for place, phase in enumerate(phases):
            begin = time.time()
            deadline = self._deadline(phase, phases[place:])
            threads = [
                threading.Thread(target=self._work, args=(phase, (number, phase.workers), deadline))
                for number in range(phase.workers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.journal.write({"event": "phase", "phase": phase.name, "seconds": round(time.time() - begin, 1)})
        load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
        seconds = round(time.time() - self.start, 1)
        self.journal.write({"event": "end", "seconds": seconds, "load_average_1min": load})

    def _deadline(self, phase: Phase, left: Sequence[Phase]) -> float | None:
        """When the last job of a phase may begin, of which as much time is its own as it has of the shares left."""
        if self.seconds is None or not phase.share:
            return None
        now = time.time()
        return now + max(0.0, self.start + self.seconds - now) * phase.share / sum(other.share for other in left)

    def _work(self, phase: Phase, shard: tuple[int, int], deadline: float | None) -> None:
        """Keep a worker going until it has taken its last step, or the phase has no time left."""
        skip, again = 0, True
        while again:
            orders = {"groups": phase.groups, "setup": self.setup, "skip": skip, "shard": shard, "deadline": deadline}
            worker = _Worker(orders, self.environment)
            last = self._listen(worker, phase, deadline)
            again = worker.process.returncode != 0 and last is not None
            if worker.process.returncode not in (0, LOST) and not worker.stopped:
                said = {"code": worker.process.returncode, "error": worker.errors()}
                self.journal.write({"event": "crashed", "phase": phase.name, **_place(last), **said})
            skip = 0 if last is None else last["step"] + 1

    def _listen(self, worker: _Worker, phase: Phase, deadline: float | None) -> Event | None:
        """Write down what a worker says, and stop it if it says nothing for too long; return what it was last at."""
        last: Event | None = None
        watch = _Watch(worker, self.patience, None if deadline is None else max(deadline, time.time()) + GRACE)
        for line in worker.process.stdout or ():
            event = json.loads(line)
            self.journal.write({"event": event.pop("event"), "phase": phase.name, **event, "at": self._now()})
            self._learn(event)
            last = event if "step" in event else last
            watch.seen()
        worker.process.wait()
        watch.end()
        if worker.stopped and last is not None:
            self.journal.write({"event": "late", "phase": phase.name, **_place(last), "at": self._now()})
        return last

    def _now(self) -> float:
        return round(time.time() - self.start, 2)

    def _learn(self, event: Event) -> None:
        """Tell later workers what this machine can do."""
        record = event.get("record", {})
        if record.get("kind") == "ceilings":
            self.setup["ceilings"] = {key: value for key, value in record.items() if key != "kind"}


def _place(event: Event | None) -> dict[str, Any]:
    return {} if event is None else {key: event[key] for key in ("group", "step", "job")}


class _Worker:
    """A process that runs jobs, started with the same packages as this one."""

    def __init__(self, orders: dict[str, Any], environment: dict[str, str]) -> None:
        self.stopped = False
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (until it is forgotten)
        path = os.pathsep.join(place for place in sys.path if place)
        package = __name__.rpartition(".")[0]
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{package}.worker", json.dumps(orders)],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # so that programs it has started end with it
            env={**os.environ, "PYTHONPATH": path, **environment},
        )

    def stop(self) -> None:
        """End the process, which may hang in a kernel."""
        self.stopped = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def errors(self) -> str:
        """The end of what it printed."""
        self._errors.seek(0)
        return "\n".join(self._errors.read().strip().splitlines()[-12:])


class _Watch:
    """Stops a worker that has said nothing for `patience` seconds, or that still runs at `latest`."""

    def __init__(self, worker: _Worker, patience: float | None, latest: float | None) -> None:
        self._worker, self._patience, self._latest = worker, patience, latest
        self._done = threading.Event()
        self._last = time.time() + START
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def seen(self) -> None:
        """The worker has said something."""
        self._last = time.time()

    def end(self) -> None:
        """The worker has ended."""
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            now = time.time()
            silent = self._patience is not None and now - self._last > self._patience
            if silent or (self._latest is not None and now > self._latest):
                self._worker.stop()
                return

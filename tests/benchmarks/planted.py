# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs that go wrong in every way a job can, between jobs that do not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial

from benchmarks.registry import Job, Record, Setup, absent


def _fine(name: str) -> Iterator[Record]:
    yield {"kind": "count", "name": name, "input": "planted", "counts": {"jobs": 1}}


def _fails(name: str) -> Iterator[Record]:
    yield from _fine(name)
    raise ValueError("planted failure")


def _crashes() -> Iterator[Record]:
    os.kill(os.getpid(), signal.SIGSEGV)
    yield {}


def _hangs() -> Iterator[Record]:
    time.sleep(600)
    yield {}


def jobs(setup: Setup) -> Iterator[Job]:
    print("stray output of a library")
    yield Job("first", partial(_fine, "first"))
    yield Job("fails", partial(_fails, "before the failure"))
    yield absent("no_such_package", "what needs it")
    yield Job("crashes", _crashes)
    yield Job("after the crash", partial(_fine, "after the crash"))
    yield Job("hangs", _hangs)
    yield Job("last", partial(_fine, "last"))
    raise RuntimeError("planted end of the group")


def good(setup: Setup) -> Iterator[Job]:
    yield Job("good", partial(_fine, "good"))
    yield Job("better", partial(_fine, "better"))

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the machine is and what it can do at best: every share of a ceiling refers to this."""

from __future__ import annotations

from collections.abc import Iterator

from ..machine import describe_machine, measure_ceilings
from ..registry import Job, Record, Setup


def ceilings(setup: Setup) -> Iterator[Job]:
    yield Job("machine", _machine)
    yield Job("ceilings", lambda: [{"kind": "ceilings", **measure_ceilings(setup.quick)._asdict()}])


def _machine() -> list[Record]:
    return [{"kind": "machine", **describe_machine()}]

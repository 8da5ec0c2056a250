# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`update` of every metric against the two of torchmetrics that do least: a mean, and a cosine of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from ..machine import call_seconds
from ..metric_inputs import DIALOGUES, METRICS, QUICK, TURNS, WIDTH, Entry, baselines
from ..registry import Case, Job, Provider, Setup
from ..runner import race

ROWS = DIALOGUES * TURNS


def updates(setup: Setup) -> Iterator[Job]:
    for name in QUICK if setup.quick else METRICS:
        yield race(setup, f"update of {name}", partial(update_case, setup, name, METRICS[name]))


def update_case(setup: Setup, name: str, entry: Entry) -> Case:
    return Case(
        name=f"update of {name}",
        sizes={"reads": entry.reads, "dialogues": DIALOGUES, "turns": TURNS, "width": WIDTH, "dtype": "float32"},
        providers=(
            *(_provider(name, update) for name, update in baselines(entry.metrics).items()),
            *_ours(entry),
        ),
        bytes_per_row=0,
        repeats=25,  # short ones, since the clock of a machine does not stay what it is
        timer=partial(call_seconds, at_least=0.0 if setup.quick else 0.002),
    )


def _ours(entry: Entry) -> Iterator[Provider]:
    for form, columns in entry.inputs().items():
        for validate in (True, False):
            update = partial(entry.metric(validate=validate).update, **columns)
            name = f"imug_metrics, {form}{'' if validate else ', unchecked'}"
            yield _provider(name, update)
            if entry.reader:
                yield _provider(f"{name}, once read", _once_read(*entry.reader, update))


def _once_read(module: str, name: str, update: Callable[[], Any]) -> Callable[[], Any]:
    """An update whose texts have been read before: what the reader found at first is found again at once."""
    place, known = import_module(module), {}
    read = getattr(place, name)

    def remember(*texts: Any, **options: Any) -> Any:
        key = tuple(map(id, texts))
        if key not in known:
            known[key] = read(*texts, **options)
        return known[key]

    def run() -> None:
        setattr(place, name, remember)
        try:
            update()
        finally:
            setattr(place, name, read)

    return run


def _provider(name: str, update: Callable[[], Any]) -> Provider:
    return Provider(name, lambda: (update(), None)[1], ROWS)

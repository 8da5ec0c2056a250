# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `gain`: two runs of the same models, compared turn by turn."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from imug_metrics._version import __version__
from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.inputs import check_folders, chosen_models
from imug_metrics.cli.messages import say_problems, write_problems
from imug_metrics.metrics.decay.paired_gain import PairedGain
from imug_metrics.protocols import imug
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.metric_specs import Estimate, as_float, estimate, number
from imug_metrics.report.sanitize import plain
from imug_metrics.suite import Record, answer_values, with_key

Gains = dict[str, dict[str, dict[str, float]]]

_GROUPS: tuple[tuple[str, str, Callable[[Record], Any]], ...] = (
    ("overall", "", lambda record: "all turns"),
    ("by_class", "class", lambda record: record.groups["class"]),
    ("by_domain", "domain", lambda record: record.groups["domain"]),
    ("by_turn", "turn", lambda record: record.turn),
)


def run(options: Namespace) -> int:
    """`imug-metrics gain`: 0 if all data were fine, 1 if some were missing or malformed."""
    check_folders(options, ("a", "b"))
    models = chosen_models(options, "a", "b")
    problems = imug.Problems()
    samples = [_answerable(sample) for sample in imug.read_benchmark(options.benchmark, problems)]
    if not any(sample.tasks for sample in samples):
        raise UsageError(f"--benchmark: found no text turn with a key in {options.benchmark / imug.SAMPLES}")
    gains = {}
    for model in models:
        arms = [list(imug.read_records(samples, folder / model, problems)) for folder in (options.a, options.b)]
        gains[model] = paired_gains(*arms, options.protocol)
        _table(model, gains[model])
    print("A - B, mean over turns that both answered; ▼ ▲ the 95 % interval by dialogue lies wholly below / above 0")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        head = {"imug_metrics": __version__, "benchmark": options.benchmark, "a": options.a, "b": options.b}
        path = options.out / "gain.json"
        write_whole(path, json_text({**head, "protocol": options.protocol, "models": gains}))
        write_problems(problems, options.out)
        print(f"Numbers: {plain(str(path))}")
    say_problems(problems, options.out)
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def paired_gains(a: Sequence[Record], b: Sequence[Record], protocol: Literal["strict", "imug"]) -> Gains:
    """The gain of run A over run B by group.

    Args:
        a: records of run A.
        b: records of run B, of the same turns in the same order.
        protocol: how answers are scored.

    Returns:
        `overall`, `by_class`, `by_domain` and `by_turn`: by the group's name, the detail of `PairedGain`.

    Example:
        >>> groups = {"class": "Hybrid", "domain": "Cooking"}
        >>> runs = [[Record("x", t, "text", "Which?", text, target="A", groups=groups) for t, text in enumerate(s, 1)]
        ...         for s in ("AA", "AB")]
        >>> paired_gains(*runs, "strict")["by_turn"]["2"]["paired_gain"]
        1.0
    """
    records = with_key(a, protocol)
    values = [answer_values(with_key(run, protocol), protocol) for run in (a, b)]
    gains: Gains = {}
    for title, _, group in _GROUPS:
        rows: dict[Any, list[int]] = {}
        for row, record in enumerate(records):
            rows.setdefault(group(record), []).append(row)
        gains[title] = {str(name): _gain(records, values, rows[name]) for name in sorted(rows)}
    return gains


def _gain(records: Sequence[Record], values: Sequence[Tensor], rows: list[int]) -> dict[str, float]:
    turns = [records[row].turn for row in rows]
    metric = PairedGain(detail=True, max_turns=max(16, *turns))
    metric.update(*(arm[rows] for arm in values), [records[row].dialogue for row in rows], turns)
    return {key: float(value) for key, value in metric.compute().items()}


def _answerable(sample: imug.Sample) -> imug.Sample:
    """The sample with its text turns whose key is the same whatever the model drew; images are not looked for."""
    tasks = (task for task in sample.tasks if task.modality == "text" and task.answer is not None and not task.dynamic)
    return replace(sample, tasks=tuple(tasks))


def _table(model: str, gains: Gains) -> None:
    title = Text(plain(model), style="bold")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("", min_width=12, overflow="fold")
    for heading in ("\nPairs", "\nA", "\nB", "\nA - B", "\n95 % interval", "A - B\na turn", "Un-\npaired"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group, noun, _ in _GROUPS:
        for name, values in gains[group].items():
            label = f"turn {name}" if noun == "turn" else name
            table.add_row(Text(plain(label), style="bold" if not noun else ""), *_cells(values))
        table.add_section()
    Console().print(table)


def _cells(values: dict[str, float]) -> list[Text | str]:
    gain, slope = estimate(values, "paired_gain"), estimate(values, "paired_gain_slope")
    arms = [number(as_float(values.get(f"paired_gain_{arm}"))) for arm in ("scores", "target")]
    counts = [f"{values[f'paired_gain_{count}']:.0f}" for count in ("n", "unpaired")]
    interval = f"{number(gain.lower, 3)}…{number(gain.upper, 3)}" if gain.bounded else "–"
    return [counts[0], *arms, _marked(gain, 3), interval, _marked(slope, 3), counts[1]]


def _marked(value: Estimate, digits: int) -> Text:
    mark, style = {-1: ("▼ ", "bold red"), 0: ("", ""), 1: ("▲ ", "bold green")}[value.direction]
    return Text(mark + number(value.value, digits, signed=True), style=style)

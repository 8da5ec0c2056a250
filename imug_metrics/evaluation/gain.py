# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two folders of outputs of the same models, compared turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from imug_metrics._version import __version__
from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import check_folders, chosen_models
from imug_metrics.metrics.decay.paired_gain import PairedGain
from imug_metrics.protocols import imug
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.metric_specs import as_float, estimate, number
from imug_metrics.report.table import marked_cell
from imug_metrics.report.text_table import Cell, TextTable
from imug_metrics.suite import answer_values, metric_scores, with_key

Gains = Mapping[str, Mapping[str, Mapping[str, float]]]

_GROUPS: tuple[tuple[str, str, Callable[[Record], Any]], ...] = (
    ("overall", "", lambda record: "all turns"),
    ("by_class", "class", lambda record: record.groups["class"]),
    ("by_domain", "domain", lambda record: record.groups["domain"]),
    ("by_turn", "turn", lambda record: record.turn),
)
_HEADER = ("", "\nPairs", "\nA", "\nB", "\nA - B", "\n95 % interval", "A - B\na turn", "Un-\npaired")
NOTE = "A - B, mean over turns that both answered; ▼ ▲ the 95 % interval by dialogue lies wholly below / above 0"


@dataclass(frozen=True)
class GainEvaluation:
    """What `evaluate_gain` found out.

    Attributes:
        gains: by model, the result of `paired_gains`.
        manifest: what was compared, and how.
        problems: what is wrong in the data.
    """

    gains: Mapping[str, Gains]
    manifest: Mapping[str, Any]
    problems: imug.Problems

    def tables(self) -> list[TextTable]:
        """One table a model."""
        return [_table(model, gains) for model, gains in self.gains.items()]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join([*map(str, self.tables()), NOTE])

    def report(self, out: Path | str) -> Path:
        """Write gain.json and problems.jsonl into a folder; returns the path of the former."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        return write_whole(out / "gain.json", json_text("gain", {**self.manifest, "models": self.gains}))


def evaluate_gain(
    benchmark: Path | str,
    a: Path | str,
    b: Path | str,
    *,
    models: Sequence[str] = (),
    protocol: Literal["strict", "imug"] = "strict",
    out: Path | None = None,
) -> GainEvaluation:
    """How much better outputs A answer the text turns of a benchmark than outputs B, on the same turns.

    Questions whose key depends on the model's own images are left out.

    Args:
        benchmark: folder in the layout of IMUG-Bench.
        a, b: folders of outputs, each of one folder a model.
        models: those to compare; none: all that both folders hold.
        protocol: how answers are scored: for what they say, or by the official rule.
        out: where the result will be written, which must not lie in what is read; None: nowhere.

    Raises:
        ArgumentError: if an argument is not as expected.
    """
    benchmark, a, b = Path(benchmark), Path(a), Path(b)
    check_folders(benchmark, {"a": a, "b": b}, out)
    names = chosen_models(models, {"a": a, "b": b})
    problems = imug.Problems()
    read = imug.read_benchmark(benchmark, problems)
    asked = read.select([_answerable(sample) for sample in read])
    if not any(sample.tasks for sample in asked):
        raise ArgumentError("benchmark", f"found no text turn with a key in {benchmark / imug.SAMPLES}")
    gains = {}
    for model in names:
        left, right = (list(imug.read_records(asked, folder / model, problems)) for folder in (a, b))
        gains[model] = paired_gains(left, right, protocol)
    manifest = {"imug_metrics": __version__, "benchmark": benchmark, "a": a, "b": b, "protocol": protocol}
    return GainEvaluation(gains, manifest, problems)


def paired_gains(a: Sequence[Record], b: Sequence[Record], protocol: Literal["strict", "imug"]) -> Gains:
    """The gain of outputs A over outputs B by group.

    Args:
        a: records of arm A.
        b: records of arm B, of the same turns in the same order.
        protocol: how answers are scored.

    Returns:
        `overall`, `by_class`, `by_domain` and `by_turn`: by the group's name, the detail of `PairedGain`.

    Example:
        >>> groups = {"class": "Hybrid", "domain": "Cooking"}
        >>> arms = [[Record("x", t, "text", "Which?", text, target="A", groups=groups) for t, text in enumerate(s, 1)]
        ...         for s in ("AA", "AB")]
        >>> paired_gains(*arms, "strict")["by_turn"]["2"]["paired_gain"]
        1.0
    """
    records = with_key(a, protocol)
    values = (answer_values(with_key(a, protocol), protocol), answer_values(with_key(b, protocol), protocol))
    gains = {}
    for title, _, group in _GROUPS:
        rows: dict[Any, list[int]] = {}
        for row, record in enumerate(records):
            rows.setdefault(group(record), []).append(row)
        gains[title] = {str(name): _gain(records, values, rows[name]) for name in sorted(rows)}
    return gains


def _gain(records: Sequence[Record], values: tuple[Tensor, Tensor], rows: list[int]) -> dict[str, float]:
    turns = [records[row].turn for row in rows]
    metric = PairedGain(detail=True, max_turns=max(16, *turns))
    a, b = values
    metric.update(a[rows], b[rows], dialogue=[records[row].dialogue for row in rows], turn=turns)
    return metric_scores(metric)


def _answerable(sample: imug.Sample) -> imug.Sample:
    """The sample with its text turns whose key is the same whatever the model drew; images are not looked for."""
    tasks = (task for task in sample.tasks if task.modality == "text" and task.answer is not None and not task.dynamic)
    return replace(sample, tasks=tuple(tasks))


def _table(model: str, gains: Gains) -> TextTable:
    sections = []
    for group, noun, _ in _GROUPS:
        label = "turn {}".format if noun == "turn" else str
        sections.append(
            [[Cell(label(name), "" if noun else "bold"), *_cells(values)] for name, values in gains[group].items()]
        )
    return TextTable(_HEADER, sections, model)


def _cells(values: Mapping[str, float]) -> list[Cell]:
    gain, slope = estimate(values, "paired_gain"), estimate(values, "paired_gain_slope")
    arms = [Cell(number(as_float(values.get(f"paired_gain_{arm}")))) for arm in ("scores", "baseline")]
    pairs, unpaired = (Cell(f"{values[f'paired_gain_{count}']:.0f}") for count in ("n", "unpaired"))
    interval = f"{number(gain.lower, 3)}…{number(gain.upper, 3)}" if gain.bounded else "–"
    signs = [marked_cell(value, 3) for value in (gain, slope)]
    return [pairs, *arms, signs[0], Cell(interval), signs[1], unpaired]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two folders of outputs of the same models, compared turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from imug_metrics._numbers import number
from imug_metrics._version import __version__
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.dialogues.record import Record
from imug_metrics.encoders import Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.compared_turns import alignment_values, comparable_turns, read_arm
from imug_metrics.evaluation.inputs import cached_encoder
from imug_metrics.evaluation.layouts import check_any_output
from imug_metrics.evaluation.settings import check_folders, check_judged, chosen_models, readable_benchmark
from imug_metrics.functional import point_score
from imug_metrics.metrics.decay.paired_gain import PairedGain
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.readings import recorded_readings
from imug_metrics.report.estimates import as_float, estimate, span
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.tables.cells import change_cell, count_cell, share_cell
from imug_metrics.report.tables.names import file_names
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.suite import answer_values, metric_scores, with_key

Gains = Mapping[str, Mapping[str, Mapping[str, float]]]
Protocol = Literal["strict", "imug"]

_GROUPS: tuple[tuple[str, Callable[[Record], Any]], ...] = (
    ("overall", lambda record: "all turns"),
    ("by_class", lambda record: record.groups["class"]),
    ("by_domain", lambda record: record.groups["domain"]),
    ("by_turn", lambda record: record.turn),
)
_MEASURES = {"alignment": "alignment of images", "points": "points of images"}
_HEADER = ("", "\nPairs", "\nA", "\nB", "\nA - B", "\n95 % interval", "A - B\nper turn", "Un-\npaired")
NOTE = (
    "A - B, mean over turns that both have; ▼ ▲ the 95 % interval by dialogue lies wholly below / above 0; "
    "! one of the two lacks many"
)


@dataclass(frozen=True)
class GainEvaluation:
    """What `evaluate_gain` found out.

    Attributes:
        gains: by model, the result of `paired_gains` for its text turns.
        manifest: what was compared, and how.
        problems: what is wrong in the data.
        images: the same of image turns, by measure, `"alignment"` and `"points"` where they were asked for, and model.
    """

    gains: Mapping[str, Gains]
    manifest: Mapping[str, Any]
    problems: imug.Problems
    images: Mapping[str, Mapping[str, Gains]] = field(default_factory=dict)

    def tables(self) -> list[Table]:
        """One table a model of its text turns, and one a measure of its image turns."""
        measured: dict[str, Gains] = {}
        for model, gains in self.gains.items():
            images = {f"{model}: {_MEASURES[name]}": of_images[model] for name, of_images in self.images.items()}
            measured |= {model: gains, **images}
        shown = {title: gains for title, gains in measured.items() if gains["overall"]}
        names = file_names(shown, "gain_")
        return [gain_table(title, gains, name) for (title, gains), name in zip(shown.items(), names, strict=True)]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join([*map(str, self.tables()), NOTE])

    def report(self, out: Path | str) -> Path:
        """Write gain.json and problems.jsonl into a folder; returns the path of the former."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        content = {**self.manifest, "models": self.gains, "images": self.images}
        return write_whole(out / "gain.json", json_text("gain", content))


def evaluate_gain(
    benchmark: Path | str,
    a: Path | str,
    b: Path | str,
    *,
    models: Sequence[str] = (),
    protocol: Protocol = "strict",
    encoder: Encoder | str | None = None,
    device: str | None = None,
    judged_a: Path | None = None,
    judged_b: Path | None = None,
    out: Path | None = None,
) -> GainEvaluation:
    """How much better outputs A answer the turns of a benchmark than outputs B, on the same turns.

    Text turns are compared by their answers; questions whose key depends on the model's own images are left out. Image
    turns are compared by their alignment with the prompt where there is an encoder, and by their points where both
    were judged.

    Args:
        benchmark: folder in the layout of IMUG-Bench.
        a, b: folders of outputs, each of one folder a model.
        models: those to compare; none: all that both folders hold.
        protocol: how answers are scored and points are read: for what they say, or by the official rule.
        encoder: compares images and prompts; None: no alignment.
        device: where an encoder given by name runs.
        judged_a, judged_b: folders of recorded judgements of A and of B in the official layout; None: no points.
        out: where the result will be written, which must not lie in what is read; None: nowhere.

    Raises:
        ArgumentError: if an argument is not as expected.
    """
    benchmark, arms = Path(benchmark), {"a": Path(a), "b": Path(b)}
    judged = _both_or_neither(judged_a=judged_a, judged_b=judged_b)
    check_folders(benchmark, {**arms, **judged}, out)
    names = chosen_models(models, arms)
    for argument, folder in judged.items():
        check_judged(folder, names, argument)
    problems = imug.Problems()
    asked = comparable_turns(
        readable_benchmark(benchmark, problems), benchmark, images=encoder is not None or bool(judged)
    )
    for argument, folder in arms.items():
        check_any_output(argument, [folder / model for model in names], asked)
    cached = cached_encoder(encoder, device, None)
    gains: dict[str, Gains] = {}
    images: dict[str, dict[str, Gains]] = {"alignment": {}} if cached is not None else {}
    images |= {"points": {}} if judged else {}
    for model in names:
        read = [read_arm(asked, folder / model, name, problems) for name, folder in arms.items()]
        texts, drawn = ([[r for r in arm if r.modality == kind] for arm in read] for kind in ("text", "image"))
        gains[model] = paired_gains(texts[0], texts[1], protocol)
        if cached is not None:
            images["alignment"][model] = _by_group(drawn[0], [alignment_values(arm, cached, problems) for arm in drawn])
        if judged:
            places = zip(drawn, arms.values(), judged.values(), strict=True)
            points = [_points(asked, arm, folder / model, said, protocol, problems) for arm, folder, said in places]
            images["points"][model] = _by_group(drawn[0], points)
    used = {} if cached is None else {"name": cached.name, "fingerprint": cached.fingerprint}
    compared = {"benchmark": benchmark, **arms, "protocol": protocol, "encoder": used, "judged": [*judged.values()]}
    return GainEvaluation(gains, {"imug_metrics": __version__, **compared}, problems, images)


def _both_or_neither(**judged: Path | str | None) -> dict[str, Path]:
    """The folders of judgements, by argument."""
    given = {name: Path(folder) for name, folder in judged.items() if folder is not None}
    if 0 < len(given) < len(judged):
        raise ArgumentError(tuple(judged), "expected judgements of both outputs or of neither")
    return given


def paired_gains(a: Sequence[Record], b: Sequence[Record], protocol: Protocol) -> Gains:
    """The gain of the answers of outputs A over those of outputs B by group.

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
    keyed = [with_key(arm, protocol) for arm in (a, b)]
    return _by_group(keyed[0], [answer_values(records, protocol) for records in keyed], SHARE)


def _by_group(records: Sequence[Record], values: Sequence[Tensor], score_range: Bounds | None = None) -> Gains:
    """Gains of the first over the second of two arms with one value a record, NaN where there is none."""
    gains = {}
    for title, group in _GROUPS:
        rows: dict[Any, list[int]] = {}
        for row, record in enumerate(records):
            rows.setdefault(group(record), []).append(row)
        gains[title] = {str(name): _gain(records, values, rows[name], score_range) for name in sorted(rows)}
    return gains


def _gain(
    records: Sequence[Record], values: Sequence[Tensor], rows: list[int], score_range: Bounds | None
) -> dict[str, float]:
    turns = [records[row].turn for row in rows]
    metric = PairedGain(score_range=score_range, detail=True, max_turns=max(16, *turns))
    a, b = values
    metric.update(a[rows], b[rows], dialogue=[records[row].dialogue for row in rows], turn=turns)
    return metric_scores(metric)


def _points(
    benchmark: imug.Benchmark,
    records: Sequence[Record],
    outputs: Path,
    judged: Path,
    protocol: Protocol,
    problems: imug.Problems,
) -> Tensor:
    """Scores `[N]` of images by the points that were recorded for them."""
    readings = recorded_readings(benchmark, records, outputs, judged, problems)
    known = readings.strict_points if protocol == "strict" else readings.points
    by_dialogue = {("/".join(key), turn): points for (key, turn), points in known.items()}
    points = [by_dialogue.get((record.dialogue, record.turn)) for record in records]
    return point_score(points, protocol=protocol, reduction="none")


def gain_table(title: str, gains: Gains, name: str) -> Table:
    """Gains by group as a table, a section a grouping."""
    sections = []
    for grouping, groups in gains.items():
        label = "turn {}".format if grouping == "by_turn" else str
        named = partial(Cell, tone="bold") if grouping == "overall" else Cell
        sections.append([[named(label(name)), *_cells(values)] for name, values in groups.items()])
    return Table(_HEADER, sections, title, name=name)


def _cells(values: Mapping[str, float]) -> list[Cell]:
    gain, slope = estimate(values, "paired_gain"), estimate(values, "paired_gain_slope")
    arms = [as_float(values.get(f"paired_gain_{arm}")) for arm in ("scores", "baseline")]
    unpaired = values["paired_gain_unpaired"]
    changes = [change_cell(value)._replace(below="") for value in (gain, slope)]
    return [
        count_cell(values["paired_gain_n"]),
        *(Cell(number(value), value=value) for value in arms),
        changes[0],
        Cell(span(gain, 3) or "–"),
        changes[1],
        share_cell(f"{unpaired:.0f}", values["paired_gain_coverage"])._replace(value=unpaired),
    ]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judged answers to SpecV: the released scores number for number, strict ones beside them, and where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imug_metrics._numbers import number
from imug_metrics._version import __version__
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import join_names
from imug_metrics.protocols import specv
from imug_metrics.reading.files import Problems
from imug_metrics.report.estimates import Estimate
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections.section import Section, Text
from imug_metrics.report.sections.source import source_parts
from imug_metrics.report.tables.cells import count_cell, coverage_cell, estimate_cell
from imug_metrics.report.tables.table import Cell, Table

_ABOUT = """The released score counts items alike, an answer that is missing or spelled otherwise as not met, and leaves
tasks without a result out. The strict one goes by the items' weights; what was not answered is missing; its intervals
are by task. Both are a judge's word."""


@dataclass(frozen=True)
class TrackResult:
    """One track.

    Attributes:
        name: of the track.
        official: released scores by model; empty where the released script stops.
        stopped: why it stops; empty where it does not.
        strict: by model, all tasks and then each dimension.
        differences: by model, what each rule touches.
    """

    name: str
    official: Mapping[str, specv.OfficialScores]
    stopped: str
    strict: Mapping[str, Sequence[specv.StrictScore]]
    differences: Mapping[str, Sequence[specv.Difference]]


@dataclass(frozen=True)
class SpecvEvaluation:
    """What `evaluate_specv` found out.

    Attributes:
        tracks: those that have results.
        manifest: what was read.
        problems: what is wrong in the data.
    """

    tracks: Sequence[TrackResult]
    manifest: Mapping[str, Any]
    problems: Problems = field(default_factory=Problems)

    def tables(self) -> list[Table]:
        """One table a track: a row a model and dimension."""
        return [_table(track) for track in self.tracks]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join(map(str, [*self.tables(), *self.notes]))

    @property
    def notes(self) -> list[str]:
        """Where the released script stops, and what the strict rules touch."""
        stops = [f"{track.name}: no released scores: {track.stopped}" for track in self.tracks if track.stopped]
        return stops + [f"{name}: {text}" for name, text in self._touched()]

    def _touched(self) -> Iterator[tuple[str, str]]:
        for track in self.tracks:
            for model, found in track.differences.items():
                told = [f"{one.rule.name} {one.touched:,} {one.rule.unit}" for one in found if one.touched]
                if told:
                    yield f"{track.name}, {model}", "rules that differ touch: " + "; ".join(told)

    def report(self, out: Path | str) -> Path:
        """Write report.html, specv.json, problems.jsonl, and the released script's files below `scores/<track>/`."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        for track in self.tracks:
            for name, content in specv.official_files([*track.official.values()]).items():
                path = out / "scores" / track.name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, json.dumps(content, indent=2, ensure_ascii=False))
        write_whole(out / "specv.json", json_text("specv", {**self.manifest, "tracks": [*map(_content, self.tracks)]}))
        sections = [
            Section("scores", "Scores", _ABOUT, [*self.tables(), *map(Text, self.notes)]),
            Section("source", "How this was made", parts=source_parts(self.manifest, self.problems)),
        ]
        models = len({model for track in self.tracks for model in track.strict})
        lead = f"{len(self.tracks)} of 6 tracks, {models} {'model' if models == 1 else 'models'}"
        files = "specv.json, problems.jsonl, scores/"
        page = render("page.html", title="SpecV", lead=lead, sections=sections, files=files, version=__version__)
        return write_whole(out / "report.html", page)


def evaluate_specv(
    checkout: Path | str,
    *,
    results: Path | str | None = None,
    tracks: Sequence[str] = (),
    models: Sequence[str] = (),
) -> SpecvEvaluation:
    """Scores of judged answers to SpecV (ECCV 2026, yuyouxixi/SpecV) under both protocols.

    Args:
        checkout: the repository, with `eval_data` and `eval_checklist`.
        results: folder that holds `<track>/results/<model>/<dimension>/<id>.json`; None: `eval` of the checkout.
        tracks: their names; none: all that have results.
        models: their names; none: all. Released rankings are of all models in any case.

    Raises:
        ArgumentError: if there is no checkout, or no result, or none of one of the models.
    """
    checkout = Path(checkout)
    root = checkout / "eval" if results is None else Path(results)
    problems = Problems()
    chosen = [specv.find_track(name).name for name in tracks] or [*specv.TRACKS]
    there = [name for name in chosen if (root / name / "results").is_dir()]
    if not there:
        raise ArgumentError("results", f"expected <track>/results/<model>/ in {root}, of {join_names(chosen)}")
    try:
        tasks = specv.read_tasks(checkout, problems, there)
    except FileNotFoundError as error:
        raise ArgumentError("checkout", str(error)) from error
    found = [_track(name, root / name / "results", tasks, models, problems) for name in there]
    scored = {model for track in found for model in track.strict}
    unknown = [name for name in models if name not in scored]
    if unknown or not scored:
        raise ArgumentError(
            "model", f"expected models that have results in {root}, got {join_names(unknown) or 'none'}"
        )
    manifest = {"imug_metrics": __version__, "checkout": str(checkout), "results": str(root), "tracks_read": there}
    return SpecvEvaluation(found, manifest, problems)


def _track(
    name: str, folder: Path, tasks: Sequence[specv.Task], models: Sequence[str], problems: Problems
) -> TrackResult:
    mine = [task for task in tasks if task.track == name]
    read = {model: specv.read_results(folder / model, name, problems) for model in specv.list_models(folder)}
    official: dict[str, specv.OfficialScores] = {}
    stopped = ""
    try:
        official = {model: specv.official_scores(results) for model, results in read.items()}
    except specv.OfficialError as error:
        stopped = str(error)
    shown = {model: results for model, results in read.items() if not models or model in models}
    strict = {model: specv.strict_scores(mine, results) for model, results in shown.items()}
    return TrackResult(
        name, official, stopped, strict, {model: specv.differences(mine, results) for model, results in shown.items()}
    )


def _table(track: TrackResult) -> Table:
    sections = []
    for model, scores in track.strict.items():
        official = track.official.get(model)
        rows = []
        for place, score in enumerate(scores):
            value = None if official is None else official.overall if place == 0 else official.means.get(score.name)
            rows.append(
                [
                    Cell(model if place == 0 else "", "bold"),
                    Cell(score.name),
                    Cell("–") if value is None else Cell(f"{value:.2f}", value=value),
                    estimate_cell(Estimate(*(100 * one for one in (score.score, score.lower, score.upper)))),
                    Cell(number(100 * score.unweighted, 2), value=100 * score.unweighted),
                    count_cell(score.scored),
                    coverage_cell(score.coverage),
                ]
            )
        sections.append(rows)
    header = ("Model", "Dimension", "Released", "Strict", "Unweighted", "Tasks", "Coverage")
    return Table(header, sections, track.name, ("scores from 0 to 100",), name=f"specv_{track.name}")


def _content(track: TrackResult) -> dict[str, Any]:
    return {
        "track": track.name,
        "released": {
            model: {"overall": scores.overall, "dimensions": dict(scores.means)}
            for model, scores in track.official.items()
        },
        "stopped": track.stopped,
        "strict": {model: [asdict(score) for score in scores] for model, scores in track.strict.items()},
        "differences": {
            model: {one.rule.name: one.touched for one in found} for model, found in track.differences.items()
        },
    }

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `scaling`: runs of one model under several strategies of test-time scaling, on the same turns."""

from __future__ import annotations

import math
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from imug_metrics._version import __version__
from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.inputs import check_folders, chosen_encoder
from imug_metrics.cli.messages import say, say_problems, write_problems
from imug_metrics.encoders import CachedEncoder
from imug_metrics.functional import turn_alignment
from imug_metrics.functional.scaling.best_of_n import picked_score
from imug_metrics.metrics.scaling.best_of_n import BestOfN
from imug_metrics.metrics.scaling.strategy_comparison import StrategyComparison, compare_strategies
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.candidates import COUNTED, Candidates, read_candidates
from imug_metrics.report.sanitize import plain
from imug_metrics.report.scaling import Part, Scaling, strategy_cells, write_scaling
from imug_metrics.suite import Record, answer_values, with_key

_STEP = 256  # turns whose images are encoded together
_KINDS = 8  # of cost that are shown: what a comparison keeps grows with the square of their number
_COLUMNS = 7  # of the table that a terminal is wide enough for


class Run(NamedTuple):
    """A strategy's name, its folder, and how many candidates of a turn are used (None: all)."""

    name: str
    folder: Path
    limit: int | None


@dataclass(frozen=True)
class Scored:
    """One run on the turns of one modality.

    Attributes:
        final: `[N]`, what the run scores at each turn; NaN where it left nothing.
        scores: `[N, n]`, its candidates; NaN where there are fewer.
        selector: `[N, n]`, the scores by which it selects; NaN where there are none.
        random: at how many turns it has candidates, but neither scores to select by nor an answer of its own.
    """

    final: Tensor
    scores: Tensor
    selector: Tensor
    random: int


def run(options: Namespace) -> int:
    """`imug-metrics scaling`: 0 if all data were fine, 1 if some were missing or malformed."""
    runs = [_parse(text) for texts in options.runs for text in texts]
    _check(options, runs)
    problems = imug.Problems()
    samples = imug.read_benchmark(options.benchmark, problems)
    if not samples:
        raise UsageError(f"--benchmark: found no sample that can be read in {options.benchmark / imug.SAMPLES}")
    _check_names(runs, samples)
    encoder = CachedEncoder(chosen_encoder(options.encoder, options.device))
    if options.encoder == "scene":
        say("note: the scene encoder knows only rendered scenes of coloured shapes; name another with --encoder")
    options.out.mkdir(parents=True, exist_ok=True)
    read = {run.name: list(read_candidates(samples, run.folder, problems, limit=run.limit)) for run in runs}
    parts = [_answers(read, options), _alignment(read, options, encoder, problems)]
    head = {
        "imug_metrics": __version__,
        "benchmark": options.benchmark,
        "encoder": {"spec": options.encoder, "fingerprint": encoder.fingerprint},
        "runs": {run.name: {"folder": run.folder, "candidates": run.limit} for run in runs},
        "baseline": options.baseline or runs[0].name,
    }
    scaling = Scaling(tuple(run.name for run in runs), options.baseline or runs[0].name, tuple(p for p in parts if p))
    page = write_scaling(scaling, options.out, head)
    write_problems(problems, options.out)
    for part in scaling.parts:
        _print(scaling, part)
    print(f"Report: {page}")
    say_problems(problems, options.out)
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def _parse(text: str) -> Run:
    """A run from NAME=DIR or NAME=DIR:n."""
    name, equals, place = text.partition("=")
    if not equals or not name or not place:
        raise UsageError(f"--runs: expected NAME=DIR or NAME=DIR:n, got {text!r}")
    folder, colon, count = place.rpartition(":")
    if not colon or not count.isdecimal() or Path(place).is_dir():
        return Run(name, Path(place), None)
    if int(count) < 1:
        raise UsageError(f"--runs: expected a number of candidates from 1, got {text!r}")
    return Run(name, Path(folder), int(count))


def _check(options: Namespace, runs: Sequence[Run]) -> None:
    names = [run.name for run in runs]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(f"--runs: expected two runs or more with different names, got {', '.join(names)}")
    if options.baseline is not None and options.baseline not in names:
        raise UsageError(f"--baseline: expected one of {', '.join(names)}, got {options.baseline!r}")
    if options.bootstrap < 0:
        raise UsageError(f"--bootstrap: expected a number from 0, got {options.bootstrap}")
    for run in runs:
        if not run.folder.is_dir():
            raise UsageError(f"--runs: expected an existing folder for {run.name}, got {run.folder}")
        if options.out.resolve().is_relative_to(run.folder.resolve()):
            raise UsageError(f"--out: expected a folder outside of {run.folder}, which is read")
    check_folders(options, ())


def _check_names(runs: Sequence[Run], samples: Sequence[imug.Sample]) -> None:
    """Names of runs become parts of keys of the report, which must not meet."""
    turns = max(16, *(task.turn for sample in samples for task in sample.tasks))
    try:
        StrategyComparison([run.name for run in runs], max_turns=turns)
    except ValueError as error:
        raise UsageError(f"--runs: {error}") from error


def _answers(read: dict[str, list[Candidates]], options: Namespace) -> Part | None:
    """Answers to text turns whose key names an option, strictly read."""
    first = [entry.record for entry in next(iter(read.values()))]
    keyed = {(record.dialogue, record.turn) for record in with_key(first, "strict")}
    rows = [row for row, record in enumerate(first) if (record.dialogue, record.turn) in keyed]
    scored = {name: _score_answers([entries[row] for row in rows]) for name, entries in read.items()}
    return _part("answers", "Answers", rows, read, scored, options)


def _score_answers(entries: Sequence[Candidates]) -> Scored:
    final = answer_values([entry.record for entry in entries], "strict")
    texts = [replace(entry.record, text=str(text)) for entry in entries for text in entry.outputs]
    return _scored(entries, final, answer_values(texts, "strict"))


def _alignment(
    read: dict[str, list[Candidates]], options: Namespace, encoder: CachedEncoder, problems: imug.Problems
) -> Part | None:
    """Alignment of images with their prompts, by the encoder."""
    first = [entry.record for entry in next(iter(read.values()))]
    rows = [row for row, record in enumerate(first) if record.modality == "image"]
    scored = {name: _score_images([e[row] for row in rows], encoder, problems) for name, e in read.items()}
    return _part("alignment", "Alignment of images", rows, read, scored, options)


def _score_images(entries: Sequence[Candidates], encoder: CachedEncoder, problems: imug.Problems) -> Scored:
    final, each = [], []
    for start in range(0, len(entries), _STEP):
        step = entries[start : start + _STEP]
        images = [entry.record.image for entry in step]
        candidates = [path for entry in step for path in entry.outputs]
        owners = [entry.record for entry in step for _ in entry.outputs]
        values = _aligned([*images, *candidates], [*(entry.record for entry in step), *owners], encoder, problems)
        final.append(values[: len(step)])
        each.append(values[len(step) :])
    nothing = torch.zeros(0, dtype=torch.float64)
    return _scored(entries, torch.cat([nothing, *final]), torch.cat([nothing, *each]))


def _aligned(
    paths: Sequence[Any], records: Sequence[Record], encoder: CachedEncoder, problems: imug.Problems
) -> Tensor:
    """Alignment `[M]` of images with the prompts of their turns; NaN where there is none or it cannot be read."""
    found = encoder.see(paths)
    for path, record, reason in zip(paths, records, found.refused, strict=True):
        if reason is not None:
            problems.error(str(path), None, f"turn {record.turn}", reason)
    valid = torch.tensor([path is not None and why is None for path, why in zip(paths, found.refused, strict=True)])
    if not bool(valid.any()):
        return torch.full((len(paths),), math.nan, dtype=torch.float64)
    prompts = encoder.encode_texts([record.prompt for record in records])
    values = turn_alignment(found.embeddings, prompts, valid=valid.to(prompts.device), reduction="none")
    return values.double().cpu()


def _scored(entries: Sequence[Candidates], final: Tensor, each: Tensor) -> Scored:
    """Candidates as rows, and what the run scores: its selector's pick, else its own answer, else a random one."""
    counts = [len(entry.outputs) for entry in entries]
    empty = torch.full((len(entries), max(counts, default=0)), math.nan, dtype=torch.float64)
    filled = torch.arange(empty.shape[1]) < torch.tensor(counts, dtype=torch.int64)[:, None]
    by_run = torch.tensor([score for entry in entries for score in entry.scores], dtype=torch.float64)
    scores, selector = empty.masked_scatter(filled, each), empty.masked_scatter(filled, by_run)
    selected = bool(filled.any()) & ~(filled & selector.isnan()).any(1) & filled.any(1)
    picked = picked_score(scores, selector.masked_fill(scores.isnan(), math.nan))
    own = torch.where(selected, picked, final)
    lost = own.isnan() & ~scores.isnan().all(1) if empty.shape[1] else torch.zeros_like(own, dtype=torch.bool)
    own = torch.where(lost, scores.nanmean(1), own) if empty.shape[1] else own
    return Scored(own, scores, selector, int(lost.sum()))


def _part(
    key: str,
    title: str,
    rows: Sequence[int],
    read: dict[str, list[Candidates]],
    scored: dict[str, Scored],
    options: Namespace,
) -> Part | None:
    """Everything about the turns of one modality, or None where no run has any."""
    if not rows or all(bool(found.final.isnan().all()) for found in scored.values()):
        return None
    records = [next(iter(read.values()))[row].record for row in rows]
    places = {"dialogue": [record.dialogue for record in records], "turn": [record.turn for record in records]}
    groups = {name: [record.groups.get(name, "") for record in records] for name in ("class", "domain")}
    costs = _costs({name: [entries[row] for row in rows] for name, entries in read.items()})
    settings: dict[str, Any] = {"baseline": options.baseline, "max_turns": max(16, *places["turn"])}
    if options.bootstrap:
        settings |= {"simultaneous": "max-t", "bootstrap": options.bootstrap}
    final = {name: found.final for name, found in scored.items()}
    groups["turn"] = [f"{turn:04}" for turn in places["turn"]]  # sorted as text
    found = compare_strategies(final, **places, costs=costs, groups=groups, **settings)
    found["turn"] = {name.lstrip("0"): values for name, values in found["turn"].items()}
    curves = {name: _curve(run, places) for name, run in scored.items() if run.scores.shape[1] > 1}
    random = {name: run.random for name, run in scored.items() if run.random}
    return Part(key, title, tuple(costs), found, curves, random)


def _costs(read: dict[str, list[Candidates]]) -> dict[str, dict[str, list[float]]]:
    """By kind and run, the cost of each turn: the outputs that were made, and what the runs have written down."""
    made = {name: [float(max(len(entry.outputs), 1)) for entry in entries] for name, entries in read.items()}
    written = {
        kind: {name: [entry.costs.get(kind, math.nan) for entry in entries] for name, entries in read.items()}
        for kind in _kinds(read)
    }
    return {COUNTED: made, **written}


def _kinds(read: dict[str, list[Candidates]]) -> list[str]:
    """The kinds of cost that most turns have, without those whose keys would meet others'."""
    found = Counter(kind for entries in read.values() for entry in entries for kind in entry.costs)
    kept: list[str] = []
    for kind, _ in found.most_common(_KINDS):
        try:
            StrategyComparison(list(read), costs=[COUNTED, *kept, kind])
        except ValueError as error:
            say(f"cost {kind} is left out: {error}")
        else:
            kept.append(kind)
    if len(found) > _KINDS:
        say(f"{len(found)} kinds of cost were found; the {_KINDS} that most turns have are used")
    return sorted(kept)


def _curve(run: Scored, places: dict[str, Any]) -> dict[str, Tensor]:
    """Detail of `BestOfN` over the candidates of a run; without scores to select by, the oracle's alone."""
    metric = BestOfN(run.scores.shape[1], detail=True)
    blind = bool(run.selector.isnan().all())
    metric.update(run.scores, None if blind else run.selector, **places)
    counts = (~(run.scores if blind else run.scores + run.selector).isnan()).sum(1)
    records = {f"{metric.name}_records_{k}": (counts >= k).sum() for k in (1, *metric.ks)}
    found = metric.compute() | records
    if not blind:
        return found
    return {
        key: value for key, value in found.items() if any(part in key for part in ("_oracle_", "_single", "_records_"))
    }


def _print(scaling: Scaling, part: Part) -> None:
    header, *lines = (cells[:_COLUMNS] for cells in strategy_cells(scaling, part))
    title = Text(part.title, style="bold")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for place, heading in enumerate(header):
        table.add_column(heading, justify="left" if not place else "right", overflow="fold")
    for line in lines:
        table.add_row(*(Text(plain(cell)) for cell in line))
    Console().print(table)
    for name, count in part.random.items():
        say(f"{name}: {count} turns have candidates, but no scores to select by and no answer: a random one counts")

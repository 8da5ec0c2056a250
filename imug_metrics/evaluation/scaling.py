# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One model under several strategies of test-time scaling, on the same turns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics._version import __version__
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.encoders import CachedEncoder, Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.inputs import cached_encoder
from imug_metrics.evaluation.layouts import check_any_output, check_layouts
from imug_metrics.evaluation.settings import as_argument, check_folders, readable_benchmark
from imug_metrics.functional import turn_alignment
from imug_metrics.functional.images.turn_alignment import RANGES
from imug_metrics.functional.scaling.best_of_n import picked_score
from imug_metrics.metrics.scaling.best_of_n import BestOfN
from imug_metrics.metrics.scaling.strategy_comparison import StrategyComparison, compare_strategies
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.candidates import Candidates, read_candidates
from imug_metrics.protocols.imug.usage import COUNTED, run_settings
from imug_metrics.report.files import write_problems
from imug_metrics.report.scaling import Part, Scaling, strategy_table, write_scaling
from imug_metrics.report.tables.names import file_names
from imug_metrics.report.tables.table import Table
from imug_metrics.suite import Record, answer_values, metric_scores, with_key

_STEP = 256  # turns whose images are encoded together
_KINDS = 8  # of cost that are shown: what a comparison keeps grows with the square of their number
_COLUMNS = 7  # of the table that a terminal is wide enough for


class Strategy(NamedTuple):
    """A strategy's name, the folder of its outputs, and how many candidates of a turn are used (None: all)."""

    name: str
    folder: Path
    limit: int | None = None


@dataclass(frozen=True)
class Scored:
    """One strategy on the turns of one modality.

    Attributes:
        final: `[N]`, what the strategy scores at each turn; NaN where it left nothing.
        scores: `[N, n]`, its candidates; NaN where there are fewer.
        selector: `[N, n]`, the scores by which it selects; NaN where there are none.
        random: at how many turns it has candidates, but neither scores to select by nor an answer of its own.
    """

    final: Tensor
    scores: Tensor
    selector: Tensor
    random: int


@dataclass(frozen=True)
class ScalingEvaluation:
    """What `evaluate_scaling` found out.

    Attributes:
        scaling: the strategies, by modality.
        manifest: what was compared, and how.
        problems: what is wrong in the data.
        notes: what a reader of the numbers should know.
    """

    scaling: Scaling
    manifest: Mapping[str, Any]
    problems: imug.Problems
    notes: tuple[str, ...] = ()

    def tables(self) -> list[Table]:
        """One table a modality."""
        names = file_names((part.title for part in self.scaling.parts), "scaling_")
        return [
            strategy_table(self.scaling, part, name, _COLUMNS)
            for part, name in zip(self.scaling.parts, names, strict=True)
        ]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join(map(str, self.tables()))

    def report(self, out: Path | str) -> Path:
        """Write scaling.json, .md, .html and problems.jsonl into a folder; returns the path of the page."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        return write_scaling(self.scaling, out, self.manifest)


def evaluate_scaling(
    benchmark: Path | str,
    strategies: Mapping[str, Path | str] | Sequence[Strategy],
    *,
    baseline: str | None = None,
    encoder: Encoder | str | None = None,
    device: str | None = None,
    bootstrap: int = 0,
    out: Path | None = None,
) -> ScalingEvaluation:
    """Compare strategies of test-time scaling on the same turns: gains, costs, and the best of k candidates.

    Args:
        benchmark: folder in the layout of IMUG-Bench.
        strategies: folders of one model's outputs by name, or `Strategy`s, which may use a part of the candidates.
        baseline: what the others are compared with; None: the first.
        encoder: compares images and prompts; None: images are left out.
        device: where an encoder given by name runs.
        bootstrap: replicates of a bootstrap over dialogues for the bounds; 0: Holm's and Bonferroni's rules.
        out: where the report will be written, which must not lie in what is read; None: nowhere.

    Raises:
        ArgumentError: if an argument is not as expected.
    """
    benchmark = Path(benchmark)
    arms = _strategies(strategies)
    _check(benchmark, arms, baseline, bootstrap, out)
    problems, notes = imug.Problems(), list[str]()
    samples = readable_benchmark(benchmark, problems)
    _check_names(arms, samples)
    for arm in arms:
        check_any_output("runs", [arm.folder], samples)
    compare = _Comparison(baseline or arms[0].name, bootstrap, notes)
    cached = cached_encoder(encoder, device, None)
    with as_argument("runs"):
        read = {arm.name: list(read_candidates(samples, arm.folder, problems, limit=arm.limit)) for arm in arms}
    parts = [_answers(read, compare), None if cached is None else _alignment(read, compare, cached, problems)]
    found = tuple(part for part in parts if part is not None)
    notes += [
        f"{name}: {count} turns have candidates, but no scores to select by and no answer: a random one counts"
        for part in found
        for name, count in part.random.items()
    ]
    used = {} if cached is None else {"spec": str(encoder), "fingerprint": cached.fingerprint}
    manifest = {
        "imug_metrics": __version__,
        "benchmark": benchmark,
        "encoder": used,
        "runs": {arm.name: _described(arm, problems) for arm in arms},
        "baseline": compare.baseline,
    }
    scaling = Scaling(tuple(arm.name for arm in arms), compare.baseline, found)
    return ScalingEvaluation(scaling, manifest, problems, tuple(notes))


def _described(arm: Strategy, problems: imug.Problems) -> dict[str, Any]:
    """What was read, and how it was made where it says so itself."""
    made = run_settings(arm.folder, problems)
    return {"folder": arm.folder, "candidates": arm.limit, **({"made": made} if made else {})}


class _Comparison(NamedTuple):
    """How strategies are compared, and what a reader should know of it."""

    baseline: str
    bootstrap: int
    notes: list[str]


def _strategies(strategies: Mapping[str, Path | str] | Sequence[Strategy]) -> list[Strategy]:
    if isinstance(strategies, Mapping):
        return [Strategy(name, Path(folder)) for name, folder in strategies.items()]
    return list(strategies)


def _check(benchmark: Path, arms: Sequence[Strategy], baseline: str | None, bootstrap: int, out: Path | None) -> None:
    names = [arm.name for arm in arms]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ArgumentError("runs", f"expected two runs or more with different names, got {', '.join(names)}")
    if baseline is not None and baseline not in names:
        raise ArgumentError("baseline", f"expected one of {', '.join(names)}, got {baseline!r}")
    if bootstrap < 0:
        raise ArgumentError("bootstrap", f"expected a number from 0, got {bootstrap}")
    for arm in arms:
        check_layouts({"runs": (arm.folder, "model"), "benchmark": (benchmark, "benchmark")})
        if out is not None and out.resolve().is_relative_to(arm.folder.resolve()):
            raise ArgumentError("out", f"expected a folder outside of {arm.folder}, which is read")
    check_folders(benchmark, {}, out)


def _check_names(arms: Sequence[Strategy], samples: Iterable[imug.Sample]) -> None:
    """Names of strategies become parts of keys of the report, which must not meet."""
    turns = max(16, *(task.turn for sample in samples for task in sample.tasks))
    try:
        StrategyComparison([arm.name for arm in arms], max_turns=turns)
    except ValueError as error:
        raise ArgumentError("runs", str(error)) from error


def _answers(read: dict[str, list[Candidates]], compare: _Comparison) -> Part | None:
    """Answers to text turns whose key names an option, strictly read."""
    first = [entry.record for entry in next(iter(read.values()))]
    keyed = {(record.dialogue, record.turn) for record in with_key(first, "strict")}
    rows = [row for row, record in enumerate(first) if (record.dialogue, record.turn) in keyed]
    scored = {name: score_answers([entries[row] for row in rows]) for name, entries in read.items()}
    return _part("answers", "Answers", rows, read, scored, compare, SHARE)


def score_answers(entries: Sequence[Candidates]) -> Scored:
    """What a run scores at text turns with a key, strictly read."""
    final = answer_values([entry.record for entry in entries], "strict")
    texts = [replace(entry.record, text=str(text)) for entry in entries for text in entry.outputs]
    return _scored(entries, final, answer_values(texts, "strict"))


def _alignment(
    read: dict[str, list[Candidates]], compare: _Comparison, encoder: CachedEncoder, problems: imug.Problems
) -> Part | None:
    """Alignment of images with their prompts, by the encoder."""
    first = [entry.record for entry in next(iter(read.values()))]
    rows = [row for row, record in enumerate(first) if record.modality == "image"]
    scored = {name: score_images([e[row] for row in rows], encoder, problems) for name, e in read.items()}
    return _part("alignment", "Alignment of images", rows, read, scored, compare, RANGES["clipscore"])


def score_images(entries: Sequence[Candidates], encoder: CachedEncoder, problems: imug.Problems) -> Scored:
    """What a run scores at image turns: alignment with their prompts, by the encoder."""
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
    found = encoder.encode_readable(paths, with_pixels=False)
    for path, record, reason in zip(paths, records, found.errors, strict=True):
        if reason is not None:
            problems.error(str(path), None, f"turn {record.turn}", reason)
    valid = torch.tensor([path is not None and why is None for path, why in zip(paths, found.errors, strict=True)])
    if not bool(valid.any()):
        return torch.full((len(paths),), math.nan, dtype=torch.float64)
    prompts = encoder.encode_texts([record.prompt for record in records])
    values = turn_alignment(found.embeddings, prompts, valid=valid.to(prompts.device), reduction="none")
    return values.double().cpu()


def _scored(entries: Sequence[Candidates], final: Tensor, each: Tensor) -> Scored:
    """Candidates as rows, and what the strategy scores: its selector's pick, else its own answer, else a random one."""
    counts = [len(entry.outputs) for entry in entries]
    empty = torch.full((len(entries), max(counts, default=0)), math.nan, dtype=torch.float64)
    filled = torch.arange(empty.shape[1]) < torch.tensor(counts, dtype=torch.int64)[:, None]
    given = torch.tensor([score for entry in entries for score in entry.scores], dtype=torch.float64)
    scores, selector = empty.masked_scatter(filled, each), empty.masked_scatter(filled, given)
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
    compare: _Comparison,
    score_range: Bounds,
) -> Part | None:
    """Everything about the turns of one modality, or None where no strategy has any."""
    if not rows or all(bool(found.final.isnan().all()) for found in scored.values()):
        return None
    records = [next(iter(read.values()))[row].record for row in rows]
    turns = [record.turn for record in records]
    places: dict[str, Any] = {"dialogue": [record.dialogue for record in records], "turn": turns}
    groups = {name: [record.groups.get(name, "") for record in records] for name in ("class", "domain")}
    costs = _costs({name: [entries[row] for row in rows] for name, entries in read.items()}, compare.notes)
    settings: dict[str, Any] = {"baseline": compare.baseline, "score_range": score_range, "max_turns": max(16, *turns)}
    if compare.bootstrap:
        settings |= {"simultaneous": "max-t", "bootstrap": compare.bootstrap}
    final = {name: found.final for name, found in scored.items()}
    groups["turn"] = [f"{turn:04}" for turn in turns]  # sorted as text
    found = compare_strategies(final, **places, costs=costs, groups=groups, **settings)
    found["turn"] = {name.lstrip("0"): values for name, values in found["turn"].items()}
    curves = {name: _curve(run, places, score_range) for name, run in scored.items() if run.scores.shape[1] > 1}
    random = {name: run.random for name, run in scored.items() if run.random}
    return Part(key, title, tuple(costs), found, curves, random)


def _costs(read: dict[str, list[Candidates]], notes: list[str]) -> dict[str, dict[str, list[float]]]:
    """By kind and strategy, the cost of each turn: outputs that were made, and what the strategies wrote down."""
    made = {name: [float(entry.made) for entry in entries] for name, entries in read.items()}
    written = {
        kind: {name: [entry.costs.get(kind, math.nan) for entry in entries] for name, entries in read.items()}
        for kind in _kinds(read, notes)
    }
    return {COUNTED: made, **written}


def _kinds(read: dict[str, list[Candidates]], notes: list[str]) -> list[str]:
    """The kinds of cost that most turns have, without those whose keys would meet others'."""
    found = Counter(kind for entries in read.values() for entry in entries for kind in entry.costs)
    kept: list[str] = []
    for kind, _ in found.most_common(_KINDS):
        try:
            StrategyComparison(list(read), costs=[COUNTED, *kept, kind])
        except ValueError as error:
            notes.append(f"cost {kind} is left out: {error}")
        else:
            kept.append(kind)
    if len(found) > _KINDS:
        notes.append(f"{len(found)} kinds of cost were found; the {_KINDS} that most turns have are used")
    return sorted(kept)


def _curve(run: Scored, places: dict[str, Any], score_range: Bounds) -> dict[str, float]:
    """Detail of `BestOfN` over the candidates of a strategy; without scores to select by, the oracle's alone."""
    metric = BestOfN(run.scores.shape[1], score_range=score_range, detail=True)
    blind = bool(run.selector.isnan().all())
    metric.update(run.scores, None if blind else run.selector, **places)
    counts = (~(run.scores if blind else run.scores + run.selector).isnan()).sum(1)
    records = {f"{metric.name}_records_{k}": float((counts >= k).sum()) for k in (1, *metric.ks)}
    found = metric_scores(metric) | records
    if not blind:
        return found
    return {
        key: value for key, value in found.items() if any(part in key for part in ("_oracle_", "_single", "_records_"))
    }

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One model asked the same turns at several lengths of context: what a doubling costs, and up to where it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._version import __version__
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.encoders import CachedEncoder, Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.compared_turns import alignment_values, comparable_turns, read_arm
from imug_metrics.evaluation.context_rows import (
    ContextRow,
    context_folders,
    context_rows,
    context_scores,
    read_contexts,
)
from imug_metrics.evaluation.inputs import cached_encoder
from imug_metrics.evaluation.layouts import check_any_output
from imug_metrics.evaluation.settings import check_folders, join_names, readable_benchmark
from imug_metrics.protocols import imug
from imug_metrics.reading.fields import meant
from imug_metrics.report.estimates import estimate, span
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.tables.cells import change_cell, count_cell, estimate_cell
from imug_metrics.report.tables.names import file_names
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.suite import answer_values, with_key

Groups = Mapping[str, Mapping[str, Mapping[str, float]]]

NOTE = (
    "Change: per doubling of the tokens, within each turn; ▼ ▲ the 95 % interval by dialogue lies wholly below / above "
    "0. Holds, without interval: the longest context at which the mean is at least 0.85 of that at the shortest"
)


@dataclass(frozen=True)
class ContextEvaluation:
    """What `evaluate_contexts` found out.

    Attributes:
        answers: by model, of its text turns: `overall` and `by_depth`, and by the group's name the detail of
            `ContextDecay`.
        images: the same of image turns by their alignment; empty without an encoder.
        lengths: the tokens that were asked for.
        manifest: what was scored, and how.
        problems: what is wrong in the data.
    """

    answers: Mapping[str, Groups]
    images: Mapping[str, Groups]
    lengths: tuple[int, ...]
    manifest: Mapping[str, Any]
    problems: imug.Problems

    def tables(self) -> list[Table]:
        """One table a model of its text turns, and one of its image turns."""
        shown: dict[str, Groups] = {}
        for model, groups in self.answers.items():
            shown[model] = groups
            if model in self.images:
                shown[f"{model}: alignment of images"] = self.images[model]
        shown = {title: groups for title, groups in shown.items() if groups["overall"]}
        names = file_names(shown, "context_")
        return [_table(*entry, self.lengths, name) for entry, name in zip(shown.items(), names, strict=True)]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join([*map(str, self.tables()), NOTE])

    def report(self, out: Path | str) -> Path:
        """Write context.json and problems.jsonl into a folder; returns the path of the former."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        content = {**self.manifest, "lengths": self.lengths, "models": self.answers, "images": self.images}
        return write_whole(out / "context.json", json_text("context", content))


def evaluate_contexts(
    benchmark: Path | str,
    outputs: Path | str,
    *,
    models: Sequence[str] = (),
    encoder: Encoder | str | None = None,
    device: str | None = None,
    out: Path | None = None,
) -> ContextEvaluation:
    """What longer contexts cost, from outputs of the same turns that were asked at several lengths.

    Every turn is compared with itself, so that neither its place in the dialogue nor its difficulty counts. Text turns
    are scored by what they say; questions whose key depends on the model's own images are left out. Image turns are
    scored by their alignment with the prompt where there is an encoder.

    Args:
        benchmark: folder in the layout of IMUG-Bench.
        outputs: holds a folder `context_<tokens>` a length, each with one folder a model, and its hidden files of
            usage, as `imug_metrics.infer` with `contexts` writes them.
        models: those to score; none: all.
        encoder: compares images and prompts; None: image turns are left out.
        device: where an encoder given by name runs.
        out: where the result will be written, which must not lie in what is read; None: nowhere.

    Raises:
        ArgumentError: if an argument is not as expected, or lengths were counted in two ways.
    """
    benchmark, outputs = Path(benchmark), Path(outputs)
    folders = context_folders(outputs)
    for folder in folders.values():
        check_folders(benchmark, {"outputs": folder}, out)
    names = _models(models, folders, outputs)
    problems = imug.Problems()
    asked = comparable_turns(readable_benchmark(benchmark, problems), benchmark, images=encoder is not None)
    cached = cached_encoder(encoder, device, None)
    answers: dict[str, Groups] = {}
    images: dict[str, Groups] = {}
    counted: dict[str, Any] = {}
    for model in names:
        arms = {budget: folder / model for budget, folder in folders.items() if (folder / model).is_dir()}
        check_any_output("outputs", [*arms.values()], asked)
        texts, drawn = _rows(asked, arms, cached, problems)
        counted[model] = _tokenizer(model, [*texts, *drawn])
        answers[model] = _by_group(texts, [*folders], SHARE)
        if cached is not None:
            images[model] = _by_group(drawn, [*folders], None)
    used = {} if cached is None else {"name": cached.name, "fingerprint": cached.fingerprint}
    read = {"benchmark": benchmark, "outputs": outputs, "encoder": used, "tokenizers": counted}
    return ContextEvaluation(answers, images, (*folders,), {"imug_metrics": __version__, **read}, problems)


def _models(chosen: Sequence[str], folders: Mapping[int, Path], outputs: Path) -> list[str]:
    """The models that were named, or all that have outputs at any length."""
    there = sorted({model for folder in folders.values() for model in imug.list_models(folder)})
    for model in chosen:
        if model not in there:
            found = f"expected a folder in one of {outputs}/context_* ({join_names(there)})"
            raise ArgumentError("models", f"{found}, got {model!r}{meant(model, there)}")
    if not there:
        raise ArgumentError("outputs", f"expected folders that hold one folder a model, {outputs}/context_* hold none")
    return [*dict.fromkeys(chosen)] or there


def _rows(
    asked: imug.Benchmark, arms: Mapping[int, Path], encoder: CachedEncoder | None, problems: imug.Problems
) -> tuple[list[ContextRow], list[ContextRow]]:
    """Text turns and image turns of one model, at all lengths."""
    texts: list[ContextRow] = []
    drawn: list[ContextRow] = []
    for budget, folder in arms.items():
        records = read_arm(asked, folder, "outputs", problems)
        contexts = read_contexts(asked, folder, budget, problems)
        answered = with_key(records, "strict")
        texts += context_rows(answered, answer_values(answered, "strict"), budget, contexts)
        if encoder is not None:
            images = [record for record in records if record.modality == "image"]
            drawn += context_rows(images, alignment_values(images, encoder, problems), budget, contexts)
    return texts, drawn


def _tokenizer(model: str, rows: Sequence[ContextRow]) -> dict[str, Any]:
    """What has counted the tokens of a model's contexts."""
    found = sorted({row.tokenizer for row in rows if not math.isnan(row.tokens)})
    if len(found) > 1:
        ways = join_names([f"{name} with {image:g} an image" for name, image in found])
        raise ArgumentError("outputs", f"expected lengths of {model} that are counted in one way, got {ways}")
    return dict(zip(("name", "image_tokens"), found[0], strict=True)) if found else {}


def _by_group(rows: Sequence[ContextRow], edges: Sequence[int], score_range: Bounds | None) -> Groups:
    depths = sorted({row.depth for row in rows if not math.isnan(row.depth)})
    at: dict[str, Sequence[ContextRow]] = {
        f"{depth:g}": [row for row in rows if row.depth == depth] for depth in depths
    }
    groups = {"overall": {"all turns": rows} if rows else {}, "by_depth": at}
    return {
        title: {name: context_scores(of, edges, score_range) for name, of in parts.items()}
        for title, parts in groups.items()
    }


def _table(title: str, groups: Groups, lengths: Sequence[int], name: str) -> Table:
    header = ("", "\nn", "\nChange", "\n95 % interval", "\nHolds", *(f"\n{_tokens(length)}" for length in lengths))
    whole = [[Cell(text, "bold"), *_cells(found, lengths)] for text, found in groups["overall"].items()]
    depths = [[Cell(f"depth {depth}"), *_cells(found, lengths)] for depth, found in groups["by_depth"].items()]
    return Table(header, [whole, depths], title, name=name, compact=True)


def _cells(found: Mapping[str, float], lengths: Sequence[int]) -> list[Cell]:
    change, holds = estimate(found, "context_decay"), found["context_decay_effective_length"]
    longest = max((n for n in lengths if not math.isnan(found[f"context_decay_length_{n}"])), default=0)
    means = [estimate(found, f"context_decay_length_{length}") for length in lengths]
    return [
        count_cell(found["context_decay_n"]),
        change_cell(change)._replace(below=""),
        Cell(span(change, 3) or "–"),
        Cell("–" if math.isnan(holds) else f"{'≥ ' if holds == longest else ''}{_tokens(int(holds))}", value=holds),
        *map(estimate_cell, means),
    ]


def _tokens(count: int) -> str:
    """Tokens as they are asked for."""
    return f"{count // 1024}k" if count and count % 1024 == 0 else f"{count:,}"

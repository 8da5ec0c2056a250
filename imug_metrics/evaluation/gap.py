# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the same items score within dialogues and alone: the gap between interleaved and isolated, from two logs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._version import __version__
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.gain import NOTE, Gains, gain_table
from imug_metrics.evaluation.settings import as_argument
from imug_metrics.formats import RecordsByModel, read_records
from imug_metrics.formats.isolated import isolated_scores
from imug_metrics.formats.isolated.item_score import ItemScore
from imug_metrics.formats.isolated.read import one_an_item
from imug_metrics.functional.answers.answer_accuracy import Kind, answer_accuracy
from imug_metrics.metrics.decay.paired_gain import PairedGain
from imug_metrics.reading.files import Problems
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.tables.names import file_names
from imug_metrics.report.tables.table import Table
from imug_metrics.suite import answer_values, metric_scores, with_key

ITEM = "item"
"""The group of a record that names its item."""
_MOST_GROUPS = 40


@dataclass(frozen=True)
class GapEvaluation:
    """What `evaluate_gap` found out.

    Attributes:
        gains: by model of the interleaved log, `overall`, each of its groups, and `by_turn`: by name, the detail of
            `PairedGain` of interleaved minus isolated.
        alone: items of the isolated log that no dialogue holds.
        manifest: what was compared, and how.
        problems: what is wrong in the data.
    """

    gains: Mapping[str, Gains]
    alone: Sequence[str]
    manifest: Mapping[str, Any]
    problems: Problems

    def tables(self) -> list[Table]:
        """One table a model."""
        names = file_names(self.gains, "gap_")
        return [gain_table(model, gains, name) for (model, gains), name in zip(self.gains.items(), names, strict=True)]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join([*map(str, self.tables()), NOTE])

    def report(self, out: Path | str) -> Path:
        """Write gap.json and problems.jsonl into a folder; returns the path of the former."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        content = {**self.manifest, "models": self.gains, "isolated_alone": self.alone}
        return write_whole(out / "gap.json", json_text("gap", content))


def evaluate_gap(
    interleaved: Path | str,
    isolated: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    isolated_columns: Mapping[str, str] | None = None,
    score: str | None = None,
    isolated_score: str | None = None,
    kind: Kind = "choice",
    score_range: Bounds | None = None,
) -> GapEvaluation:
    r"""How much worse, or better, items are answered within dialogues than alone, from two finished logs.

    A turn of a dialogue is compared with the same item asked by itself. The interleaved log names the item of each turn
    (`columns={"group.item": COLUMN}`), or each dialogue is one item. Intervals are by dialogue; dialogues that share an
    item count as one, for their gaps hang together.

    Args:
        interleaved: a file that `imug_metrics.read_records` reads.
        isolated: another, whose dialogues are the items; or a result file of MMMU, DPG-Bench or T2I-CompBench.
        columns, isolated_columns: by field of a record the column that holds it, as for `read_records`.
        score, isolated_score: which of the scores that the logs hold are compared; None: the one there is, or where
            there is none the answers, scored by their keys.
        kind: how answers are compared with their keys, as in `AnswerAccuracy`.
        score_range: ends that scores cannot leave; None: those of shares where all scores are within them.

    Raises:
        ArgumentError: if an argument is not as expected, no item is in both, or one log has shares and the other has
            not.

    Example:
        >>> import json, tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> rows = [{"dialogue": d, "turn": t, "item": f"q{(d + t) % 30}", "score": float(t < 3)}
        ...         for d in range(20) for t in (1, 2, 3)]
        >>> _ = (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        >>> alone = [{"question_id": f"q{item}", "answer": "1.0"} for item in range(30)]
        >>> _ = (folder / "vqa_result.json").write_text(json.dumps(alone))
        >>> found = evaluate_gap(folder / "a.jsonl", folder / "vqa_result.json", columns={"group.item": "item"})
        >>> [round(found.gains["a"]["by_turn"][turn]["paired_gain"], 2) for turn in ("1", "2", "3")]
        [0.0, 0.0, -1.0]
    """
    problems = Problems()
    with as_argument("interleaved"):
        records = read_records(interleaved, columns=columns or {})
    problems.extend(records.problems)
    alone = _isolated(Path(isolated), isolated_columns or {}, isolated_score, kind, problems)
    gains: dict[str, Gains] = {}
    used: set[str] = set()
    for model, of_model in records.items():
        rows, values = _scored(of_model, score, kind, "score")
        used |= {_item(row) for row in rows}
        bounds = _range(values, [*alone.values()], score_range)
        gains[model] = _by_group(rows, values, alone, bounds)
    _check_common(used, alone)
    left = sorted(alone.keys() - used)
    if left:
        shown = ", ".join(left[:5])
        problems.warn(Path(isolated), None, "", f"{len(left)} items are in no dialogue, such as {shown[:200]}")
    read = {"interleaved": Path(interleaved), "isolated": Path(isolated), "score": score, "kind": kind}
    return GapEvaluation(gains, left, {"imug_metrics": __version__, **read}, problems)


def _isolated(
    path: Path, columns: Mapping[str, str], score: str | None, kind: Kind, problems: Problems
) -> dict[str, float]:
    """Scores by item."""
    with as_argument("isolated"):
        found = isolated_scores(path, problems)
        if found is not None:
            return found
        read = _read_alone(path, columns)
    problems.extend(read.problems)
    if len(read) != 1:
        raise ArgumentError(
            "isolated", f"expected results of one model, got those of {', '.join(read)[:200] or 'none'}"
        )
    rows, values = _scored(next(iter(read.values())), score, kind, "isolated_score")
    return one_an_item((ItemScore(_item(row), value) for row, value in zip(rows, values, strict=True)), path, problems)


def _read_alone(path: Path, columns: Mapping[str, str]) -> RecordsByModel:
    """Records of a log; each row of a table without turns is a dialogue of its own."""
    try:
        return read_records(path, columns=columns)
    except ArgumentError:
        if "turn" in columns:
            raise
    return read_records(path, columns={"turn": "1", **columns})


def _item(record: Record) -> str:
    return record.groups.get(ITEM, record.dialogue)


def _scored(
    records: Sequence[Record], score: str | None, kind: Kind, argument: str
) -> tuple[Sequence[Record], list[float]]:
    """Records that are compared, and their scores."""
    names = dict.fromkeys(name for record in records for name in record.scores)
    if score is None and len(names) > 1:
        raise ArgumentError(argument, f"expected one of {', '.join(names)[:200]}: the log holds several")
    if score is not None and score not in names:
        raise ArgumentError(argument, f"expected one of {', '.join(names)[:200] or 'no scores'}, got {score!r}")
    if names:
        name = score or next(iter(names))
        return records, [record.scores.get(name, math.nan) for record in records]
    if kind == "choice":
        keyed = with_key(records, "strict")
        return keyed, answer_values(keyed, "strict").tolist() if keyed else []
    keyed = [record for record in records if record.modality == "text" and record.target is not None]
    said, keys = [record.text for record in keyed], [str(record.target) for record in keyed]
    return keyed, answer_accuracy(said, keys, kind=kind, reduction="none").tolist() if keyed else []


def _range(a: Sequence[float], b: Sequence[float], given: Bounds | None) -> Bounds | None:
    """Ends of the scores; refuses shares beside what are none."""
    if given is not None:
        return given
    known = [[value for value in values if not math.isnan(value)] for values in (a, b)]
    shares = [all(0 <= value <= 1 for value in values) for values in known]
    if all(shares):
        return SHARE
    if any(shares):
        largest = [max(values) for values in known]
        told = f"one log has scores up to {largest[0]:g}, the other up to {largest[1]:g}"
        raise ArgumentError(
            "score_range", f"expected scores on one scale: {told}; say which range both have if they do"
        )
    return None


def _check_common(used: set[str], alone: Mapping[str, float]) -> None:
    if used & alone.keys():
        return
    sides = [", ".join(sorted(ids)[:3])[:100] or "none" for ids in (used, alone)]
    told = f"the interleaved log has {sides[0]}, the isolated one {sides[1]}"
    raise ArgumentError("columns", f"expected items that both logs hold: {told}; name them, as in group.item=COLUMN")


def _by_group(
    rows: Sequence[Record], values: Sequence[float], alone: Mapping[str, float], bounds: Bounds | None
) -> Gains:
    """Gains overall, by each group of the records, and by turn."""
    baseline = [alone.get(_item(row), math.nan) for row in rows]
    clusters = _clusters(rows)
    groups: dict[str, dict[Any, list[int]]] = {"overall": {"all turns": [*range(len(rows))]}}
    for place, row in enumerate(rows):
        for name in (name for name in row.groups if name != ITEM):
            groups.setdefault(f"by_{name}", {}).setdefault(row.groups[name], []).append(place)
    turns: dict[Any, list[int]] = {}
    for place, row in enumerate(rows):
        turns.setdefault(row.turn, []).append(place)
    shown = {name: found for name, found in groups.items() if len(found) <= _MOST_GROUPS} | {"by_turn": turns}
    return {
        title: {str(name): _gain(rows, values, baseline, clusters, found[name], bounds) for name in sorted(found)}
        for title, found in shown.items()
    }


def _gain(
    rows: Sequence[Record],
    values: Sequence[float],
    baseline: Sequence[float],
    clusters: Mapping[str, str],
    places: Sequence[int],
    bounds: Bounds | None,
) -> dict[str, float]:
    chosen = [rows[place] for place in places]
    metric = PairedGain(score_range=bounds, detail=True, max_turns=max(16, *(row.turn for row in chosen)))
    metric.update(
        [values[place] for place in places],
        [baseline[place] for place in places],
        dialogue=[clusters[row.dialogue] for row in chosen],
        turn=[row.turn for row in chosen],
        subject=[row.dialogue for row in chosen],
    )
    return metric_scores(metric)


def _clusters(rows: Sequence[Record]) -> dict[str, str]:
    """By dialogue, the first of those that it hangs together with because they share items."""
    head: dict[str, str] = {}

    def first(dialogue: str) -> str:
        while head.setdefault(dialogue, dialogue) != dialogue:
            head[dialogue] = head[head[dialogue]]
            dialogue = head[dialogue]
        return dialogue

    holder: dict[str, str] = {}
    for row in rows:
        one, other = first(row.dialogue), first(holder.setdefault(_item(row), row.dialogue))
        head[max(one, other)] = min(one, other)
    return {dialogue: first(dialogue) for dialogue in head}

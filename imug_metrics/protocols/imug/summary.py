# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Official scores of text turns, and the official summary of texts and images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
from imug_metrics.protocols.imug.judged import JudgedImage
from imug_metrics.protocols.imug.samples import UNASSIGNED, Key, Sample
from imug_metrics.suite import Record

KINDS = ("all", "text", "image")
GROUPS = {"by_domain": "By Domain", "by_class": "By Class", "by_turn": "By Turn"}


class TurnScore(NamedTuple):
    """The official score of one turn, 0 to 100 (higher is better)."""

    dialogue: str
    domain: str
    turn: int
    modality: Literal["text", "image"]
    percent: float


def score_texts(records: Iterable[Record]) -> list[tuple[Record, float]]:
    """The official score of every text turn that has one, in the order given.

    Left out, and not counted as 0: turns without a key (an empty one, or a dynamic one that is not resolved) and
    samples without a readable result.json. A missing answer in a readable one scores 0.

    Args:
        records: records of one model; image turns are skipped.

    Returns:
        Pairs of the record and its score, 0 to 1 with four decimals (higher is better).

    Example:
        >>> right = Record("Cooking/pan/1", 1, "text", "Which? A or B", text="B.", target="B")
        >>> score_texts([right, Record("Cooking/pan/1", 2, "text", "And now?", target="A")])[0][1]
        0.75
    """
    texts = (record for record in records if record.modality == "text" and record.attempted)
    scored = [record for record in texts if record.target is not None]
    scores = answer_accuracy(
        [record.text for record in scored],
        [str(record.target) for record in scored],
        kind="choice",
        protocol="imug",
        reduction="none",
    )
    return list(zip(scored, scores.tolist(), strict=True))


def text_rows(scored: Iterable[tuple[Record, float]]) -> list[dict[str, Any]]:
    """Text scores as the rows of an official score_mcq file, one a sample."""
    rows: dict[str, dict[str, Any]] = {}
    for record, score in scored:
        domain, subdomain, sample_id = record.dialogue.split("/")
        head = {"domain": domain, "subdomain": subdomain, "sample_id": sample_id, "mcq_scores": []}
        rows.setdefault(record.dialogue, head)["mcq_scores"].append({"turn": record.turn, "score": score})
    return list(rows.values())


def turn_scores(scored: Iterable[tuple[Record, float]], images: Iterable[JudgedImage]) -> list[TurnScore]:
    """Official turn scores of one model: images in file order, then texts, the order in which they are summed."""
    drawn = [
        TurnScore("/".join(image.key), image.key[0], image.turn, "image", _mean(image.points) * 20)
        for image in images
        if image.points
    ]
    texts = [TurnScore(rec.dialogue, rec.groups["domain"], rec.turn, "text", score * 100) for rec, score in scored]
    return drawn + texts


def summarize(models: Mapping[str, Sequence[TurnScore]], classes: Mapping[str, str]) -> dict[str, Any]:
    """The official summary: plain means over turns, rounded to two places, by overall, domain, class and turn.

    A sum is taken from left to right, since the last decimal of an exact tie depends on the order.

    Args:
        models: turn scores by model.
        classes: the class of each domain; other domains are of class "Unassigned".

    Returns:
        The content of the official summary.json. A group without turns of a kind has mean None and count 0.

    Example:
        >>> turn = TurnScore("Cooking/pan/1", "Cooking", 1, "text", 75.0)
        >>> summarize({"m": [turn]}, {"Cooking": "Hybrid"})["models"]["m"]["by_class"]["Hybrid"]["text"]
        {'mean': 75.0, 'count': 1}
    """
    return {
        "score_unit": "percentage",
        "models": {
            name: {
                "overall": _cells(turns),
                "by_domain": _grouped(turns, lambda turn: turn.domain),
                "by_class": _grouped(turns, lambda turn: classes.get(turn.domain, UNASSIGNED)),
                "by_turn": _grouped(turns, lambda turn: turn.turn),
            }
            for name, turns in models.items()
        },
    }


def official_contents(
    samples: Iterable[Sample],
    scored: Sequence[tuple[Record, float]],
    images: Iterable[JudgedImage],
    keys: Mapping[tuple[Key, int], str],
) -> dict[str, int | bool]:
    """How much of a benchmark the official numbers of a model hold.

    Args:
        samples: the benchmark.
        scored: text turns that have a score.
        images: judged image turns.
        keys: resolved keys of dynamic questions.

    Returns:
        `text_turns` with a key and those `text_scored`, `dynamic_unresolved` ones among the rest, `image_turns` with
        evaluation points and those `image_judged`, and whether this is `complete`.
    """
    tasks = [(sample.key, task) for sample in samples for task in sample.tasks]
    asked = {(key, task.turn) for key, task in tasks if task.points}
    counts = {
        "text_turns": sum(task.answer is not None for _, task in tasks),
        "text_scored": len(scored),
        "dynamic_unresolved": sum(task.dynamic and (key, task.turn) not in keys for key, task in tasks),
        "image_turns": len(asked),
        "image_judged": len(asked & {(image.key, image.turn) for image in images}),
    }
    whole = counts["text_scored"] == counts["text_turns"] and counts["image_judged"] == counts["image_turns"]
    return {"complete": whole, **counts}


def describe_contents(contents: Mapping[str, Any]) -> str:
    """What official numbers hold, in words.

    Example:
        >>> counts = {"text_turns": 4, "text_scored": 3, "dynamic_unresolved": 1, "image_turns": 5, "image_judged": 0}
        >>> describe_contents({"complete": False, **counts})
        'partial, 3 of 4 text turns (1 dynamic without a resolved key) and 0 of 5 image turns'
    """
    unresolved = contents["dynamic_unresolved"]
    note = f" ({unresolved} dynamic without a resolved key)" if unresolved else ""
    return (
        f"{'complete' if contents['complete'] else 'partial'}, {contents['text_scored']} of {contents['text_turns']} "
        f"text turns{note} and {contents['image_judged']} of {contents['image_turns']} image turns"
    )


def to_markdown(summary: Mapping[str, Any]) -> str:
    """The official summary.md for the content of a summary.json."""
    pages = []
    for name, content in summary["models"].items():
        lines = [f"# {name}", *_table("Overall", {"Overall": content["overall"]})]
        for field, title in GROUPS.items():
            lines += _table(title, content[field])
        pages.append("\n".join(lines) + "\n")
    return "\n".join(pages)


def _grouped(turns: Sequence[TurnScore], group: Callable[[TurnScore], Any]) -> dict[str, Any]:
    groups: dict[Any, list[TurnScore]] = {}
    for turn in turns:
        groups.setdefault(group(turn), []).append(turn)
    return {str(name): _cells(groups[name]) for name in sorted(groups)}


def _cells(turns: Sequence[TurnScore]) -> dict[str, dict[str, float | int | None]]:
    values: dict[str, list[float]] = {"all": [turn.percent for turn in turns], "text": [], "image": []}
    for turn in turns:
        values[turn.modality].append(turn.percent)
    return {
        kind: {"mean": round(_mean(values[kind]), 2) if values[kind] else None, "count": len(values[kind])}
        for kind in KINDS
    }


def _mean(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:  # sum() compensates its rounding from Python 3.12 on, and ties would fall differently
        total += value
    return total / len(values)


def _table(title: str, rows: Mapping[str, Any]) -> list[str]:
    lines = [f"## {title}", "| Group | All | Text | Image |", "| --- | ---: | ---: | ---: |"]
    for name, cells in rows.items():
        means = (cells[kind]["mean"] for kind in KINDS)
        lines.append("| {} | {} |".format(name, " | ".join("-" if mean is None else f"{mean:.2f}" for mean in means)))
    return lines

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""IMUG-Bench at its full size: official choice scores and summary, and boards found in pictures."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from benchmarks.registry import Answer, Case, Provider, register
from imug_metrics.protocols import imug
from imug_metrics.suite import Record

SAMPLES, DOMAINS, CLASSES = 3113, 19, 3
REPLIES = ("B", "A,C", "B.", "Answer: C", "The answer is **D**", "A and B", "no idea", "ERROR: timeout", "")


@register
def protocol(quick: bool) -> Iterator[Case]:
    records, pictures = full_size(50 if quick else SAMPLES)
    classes = {f"domain {number}": f"class {number % CLASSES}" for number in range(DOMAINS)}
    turns = len(records)
    yield Case(
        name="IMUG-Bench choice scores and summary",
        sizes={"samples": 50 if quick else SAMPLES, "models": 1},
        providers=(
            Provider("plain Python loop", lambda: Answer(_loop(records, pictures, classes)), turns),
            Provider("imug_metrics", lambda: Answer(_ours(records, pictures, classes)), turns),
        ),
        bytes_per_row=sum(len(record.text or "") for record in records) / turns,
        repeats=1 if quick else 7,
    )


def full_size(samples: int) -> tuple[list[Record], list[imug.JudgedPicture]]:
    """Records of one model and the points of its pictures, with 2 to 6 turns a sample, half of them text."""
    rng = random.Random(0)
    records, pictures = [], []
    for number in range(samples):
        domain = f"domain {number % DOMAINS}"
        dialogue = f"{domain}/sub/{number}"
        groups = {"class": f"class {number % DOMAINS % CLASSES}", "domain": domain, "subdomain": "sub"}
        for turn in range(1, rng.choice((2, 3, 4, 4, 5, 5)) + 1):
            if turn % 2:
                points = tuple(float(rng.randint(0, 5)) for _ in range(rng.randint(2, 5)))
                pictures.append(imug.JudgedPicture((domain, "sub", str(number)), turn, points))
                records.append(Record(dialogue, turn, "image", "Draw.", groups=groups))
            else:
                key, reply = rng.choice(("A", "B", "C, D", "A,B,C")), rng.choice(REPLIES)
                records.append(Record(dialogue, turn, "text", "Which?", text=reply, target=key, groups=groups))
    return records, pictures


def _ours(records: Sequence[Record], pictures: Sequence[imug.JudgedPicture], classes: dict[str, str]) -> Tensor:
    scored = imug.score_texts(records)
    imug.text_rows(scored)
    summary = imug.summarize({"model": imug.turn_scores(scored, pictures)}, classes)
    imug.to_markdown(summary)
    return _cells(summary["models"]["model"])


def _cells(summary: dict[str, dict]) -> Tensor:
    """Every mean of a summary, in the order of names."""
    groups = [
        summary["overall"],
        *(
            summary[f"by_{kind}"][name]
            for kind in ("class", "domain", "turn")
            for name in sorted(summary[f"by_{kind}"])
        ),
    ]
    return torch.tensor(
        [
            group[kind]["mean"]
            for group in groups
            for kind in ("all", "image", "text")
            if group[kind]["mean"] is not None
        ],
        dtype=torch.float64,
    )


def _loop(records: Sequence[Record], pictures: Sequence[imug.JudgedPicture], classes: dict[str, str]) -> Tensor:
    """The rule as it is described, a turn at a time: each group's values are listed and their mean is taken."""
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(domain: str, turn: int, kind: str, value: float) -> None:
        for group in (("", ""), ("class", classes[domain]), ("domain", domain), ("turn", str(turn))):
            values[group]["all"].append(value)
            values[group][kind].append(value)

    for picture in pictures:
        add(picture.key[0], picture.turn, "image", sum(picture.points) / len(picture.points) * 20)
    for record in records:
        if record.modality == "text":
            add(record.groups["domain"], record.turn, "text", _score(record.text, record.target or "") * 100)
    means = [
        round(sum(values[group][kind]) / len(values[group][kind]), 2)
        for group in sorted(values)
        for kind in ("all", "image", "text")
        if values[group][kind]
    ]
    return torch.tensor(means, dtype=torch.float64)


def _score(reply: str | None, key: str) -> float:
    """One text turn by the released rule."""
    wanted = set(re.findall(r"\b[A-G]\b", key))
    if not wanted or not reply:
        return 0.0
    chosen = set(re.findall(r"\b[A-G]\b", reply))
    plain = reply.strip()
    weight = 1.0 if re.fullmatch("[A-G]+", plain) else 0.75 if re.fullmatch(r"[A-G\s,.;-]+", plain) else 0.5
    return round(max(0, len(chosen & wanted) - len(chosen - wanted)) / len(wanted) * weight, 4)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""IMUG-Bench at its full size: official choice scores and summary, and boards found in images."""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from imug_metrics.protocols import imug
from imug_metrics.suite import Record

from ..registry import Answer, Case, Job, Provider, Setup, absent
from ..runner import race, races

SAMPLES, DOMAINS, CLASSES = 3113, 19, 3
REPLIES = ("B", "A,C", "B.", "Answer: C", "The answer is **D**", "A and B", "no idea", "ERROR: timeout", "")


def protocol(setup: Setup) -> Iterator[Job]:
    yield from races(setup, _choices(setup.quick))
    if find_spec("cv2") is None:
        yield absent("cv2", "boards")
        return
    for count in (4,) if setup.quick else (64, 256, 1024):
        yield race(setup, f"{count} boards", partial(_boards, count, setup.quick))


def _choices(quick: bool) -> Iterator[Case]:
    records, images = full_size(50 if quick else SAMPLES)
    classes = {f"domain {number}": f"class {number % CLASSES}" for number in range(DOMAINS)}
    turns = len(records)
    yield Case(
        name="IMUG-Bench choice scores and summary",
        sizes={"samples": 50 if quick else SAMPLES, "models": 1},
        providers=(
            Provider("plain Python loop", lambda: Answer(_loop(records, images, classes)), turns),
            Provider("imug_metrics", lambda: Answer(_ours(records, images, classes)), turns),
        ),
        bytes_per_row=sum(len(record.text or "") for record in records) / turns,
        repeats=1 if quick else 7,
    )


def _boards(count: int, quick: bool) -> Case:
    """Boards found and scored; the released scorer writes its file of scores anew after each image."""
    folder = Path(tempfile.mkdtemp(prefix="boards-"))
    rng = random.Random(0)
    truths = [tuple(rng.choice(("0", "0", "1", "r", "g")) for _ in range(9)) for _ in range(count)]
    for number, truth in enumerate(truths):
        _draw(truth).save(folder / f"{number}.png")

    def points(rewrite: bool) -> Answer:
        rows: list[tuple[int, ...]] = []
        for number, truth in enumerate(truths):
            board = imug.read_board(folder / f"{number}.png")
            rows.append(imug.board_points(board.cells, truth, 4))
            if rewrite or number == count - 1:
                lines = (json.dumps({"turn": n, "scores": list(row)}) for n, row in enumerate(rows))
                (folder / "scores.jsonl").write_text("".join(line + "\n" for line in lines))
        return Answer(torch.tensor(rows, dtype=torch.float64))

    return Case(
        name="IMUG-Bench boards",
        sizes={"image": "256 x 256"},
        providers=(
            Provider("file rewritten for each image", lambda: points(rewrite=True), count),
            Provider("imug_metrics", lambda: points(rewrite=False), count),
        ),
        bytes_per_row=3 * 256 * 256,
        repeats=1 if quick else 3,
        axis=None if quick else "rows",
    )


def _draw(truth: Sequence[str]) -> Image.Image:
    """A board of 3 x 3 cells in thin lines, as the benchmark asks for it."""
    image = Image.new("RGB", (256, 256), "white")
    pen = ImageDraw.Draw(image)
    colours = {"1": (90, 90, 90), "r": (210, 40, 40), "g": (40, 160, 60)}
    for place, cell in enumerate(truth):
        left, top = 20 + 72 * (place % 3), 20 + 72 * (place // 3)
        pen.rectangle((left, top, left + 72, top + 72), outline="black")
        if cell in colours:
            pen.rectangle((left + 8, top + 8, left + 64, top + 64), fill=colours[cell])
    return image


def full_size(samples: int) -> tuple[list[Record], list[imug.JudgedImage]]:
    """Records of one model and the points of its images, with 2 to 6 turns a sample, half of them text."""
    rng = random.Random(0)
    records, images = [], []
    for number in range(samples):
        domain = f"domain {number % DOMAINS}"
        dialogue = f"{domain}/sub/{number}"
        groups = {"class": f"class {number % DOMAINS % CLASSES}", "domain": domain, "subdomain": "sub"}
        for turn in range(1, rng.choice((2, 3, 4, 4, 5, 5)) + 1):
            if turn % 2:
                points = tuple(float(rng.randint(0, 5)) for _ in range(rng.randint(2, 5)))
                images.append(imug.JudgedImage((domain, "sub", str(number)), turn, points))
                records.append(Record(dialogue, turn, "image", "Draw.", groups=groups))
            else:
                key, reply = rng.choice(("A", "B", "C, D", "A,B,C")), rng.choice(REPLIES)
                records.append(Record(dialogue, turn, "text", "Which?", text=reply, target=key, groups=groups))
    return records, images


def _ours(records: Sequence[Record], images: Sequence[imug.JudgedImage], classes: dict[str, str]) -> Tensor:
    scored = imug.score_texts(records)
    imug.text_rows(scored)
    summary = imug.summarize({"model": imug.turn_scores(scored, images)}, classes)
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


def _loop(records: Sequence[Record], images: Sequence[imug.JudgedImage], classes: dict[str, str]) -> Tensor:
    """The rule as it is described, a turn at a time: each group's values are listed and their mean is taken."""
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(domain: str, turn: int, kind: str, value: float) -> None:
        for group in (("", ""), ("class", classes[domain]), ("domain", domain), ("turn", str(turn))):
            values[group]["all"].append(value)
            values[group][kind].append(value)

    for image in images:
        add(image.key[0], image.turn, "image", sum(image.points) / len(image.points) * 20)
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

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The questions: samples, turns, answer keys and links of a benchmark in the official layout, as they are listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imug_metrics.protocols.imug.options import question_options, unlisted_letters, unlisted_message
from imug_metrics.reading.choice import read_choice
from imug_metrics.reading.files import Problems, as_name, as_turn, kind, read_json, read_jsonl
from imug_metrics.reading.options import DEFAULT_OPTIONS

DYNAMIC = "<DYNAMIC>"
UNASSIGNED = "Unassigned"
SAMPLES = Path("data/benchmark.jsonl")
LINKS = Path("data/image_references.jsonl")
CLASSES = Path("config/domain_classes.json")

Modality = Literal["text", "image"]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Reference:
    """An image that a turn's image is to be compared with: an input, or the model's own earlier output."""

    turn: int
    kind: Literal["input", "output"]


@dataclass(frozen=True)
class Task:
    """One turn of a sample.

    Attributes:
        turn: from 1.
        modality: what the model has to answer with.
        prompt: the turn's text inputs, joined by line breaks.
        answer: the key of a text turn; None: no key, so the turn is not scored.
        dynamic: True where the key depends on the model's own earlier outputs.
        points: the evaluation points of an image turn.
        references: the images linked to an image turn, in the order listed.
        images: file names of the turn's input images, in the order listed.
        opening: the text of the first input alone, as it stands; None: the first input holds none.
        stated: the `answer` of the output as it stands, whatever the modality; None: it has none.
    """

    turn: int
    modality: Modality
    prompt: str
    answer: str | None = None
    dynamic: bool = False
    points: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    images: tuple[str, ...] = ()
    opening: str | None = None
    stated: str | None = None


@dataclass(frozen=True)
class Sample:
    """One dialogue of the benchmark, its tasks in the order listed."""

    domain: str
    subdomain: str
    sample_id: str
    category: str
    tasks: tuple[Task, ...]

    @property
    def key(self) -> Key:
        """What names the sample in every file."""
        return self.domain, self.subdomain, self.sample_id

    @property
    def dialogue(self) -> str:
        """The sample's id as one text."""
        return "/".join(self.key)


def read_samples(root: Path, problems: Problems, *, limit: int | None = None) -> list[Sample]:
    """All samples of a benchmark folder.

    Args:
        root: holds data/benchmark.jsonl and, where there are any, data/image_references.jsonl and
            config/domain_classes.json.
        problems: collects what is wrong in the data; the sample or turn concerned is left out.
        limit: read only the first so many samples.

    Returns:
        The samples in file order. Of samples or turns that occur twice the first is kept.

    Raises:
        FileNotFoundError: if there is no data/benchmark.jsonl.
    """
    if not (root / SAMPLES).is_file():
        raise FileNotFoundError(f"{root / SAMPLES} does not exist")
    return list(_samples(root, problems, limit))


def read_classes(root: Path, problems: Problems) -> dict[str, str]:
    """The class of each domain; a benchmark without config/domain_classes.json has none."""
    path = root / CLASSES
    if not path.is_file():
        problems.warn(path, None, "", f"does not exist: every domain is of class {UNASSIGNED}")
        return {}
    content = read_json(path, problems)
    if not isinstance(content, dict) or not all(isinstance(domains, list) for domains in content.values()):
        problems.error(path, None, "", "expected an object of class names, each with a list of domains")
        return {}
    return {str(domain): name for name, domains in content.items() for domain in domains}


def sample_key(row: Mapping[str, Any], file: Path, line: int, problems: Problems) -> Key | None:
    """Domain, subdomain and sample id of a row as text, or None, with the reason collected."""
    names = []
    for field in ("domain", "subdomain", "sample_id"):
        name = as_name(row.get(field))
        if name is None:
            problems.error(file, line, field, f"expected the name of one folder, got {str(row.get(field))[:80]!r}")
            return None
        names.append(name)
    return names[0], names[1], names[2]


def _samples(root: Path, problems: Problems, limit: int | None) -> Iterator[Sample]:
    path = root / SAMPLES
    classes, links = read_classes(root, problems), _read_links(root, problems)
    seen: set[Key] = set()
    for line, row in read_jsonl(path, problems):
        if limit is not None and len(seen) >= limit:
            return
        key = sample_key(row, path, line, problems)
        if key is None:
            continue
        if key in seen:
            problems.warn(path, line, "sample_id", f"sample {'/'.join(key)} occurs twice; the first is kept")
            continue
        seen.add(key)
        tasks = _read_tasks(row.get("tasks"), links.get(key, {}), path, line, problems)
        yield Sample(*key, classes.get(key[0], UNASSIGNED), tasks)


def _read_tasks(
    rows: Any, links: Mapping[int, tuple[Reference, ...]], path: Path, line: int, problems: Problems
) -> tuple[Task, ...]:
    if not isinstance(rows, list):
        problems.error(path, line, "tasks", f"expected a list, got {kind(rows)}")
        return ()
    tasks: dict[int, Task] = {}
    for place, row in enumerate(rows):
        task = _read_task(row, links, path, line, f"tasks[{place}]", problems)
        if task is not None and task.turn in tasks:
            problems.warn(path, line, f"tasks[{place}].turn", f"turn {task.turn} occurs twice; the first is kept")
        elif task is not None:
            tasks[task.turn] = task
    return tuple(tasks.values())


def _read_task(
    row: Any, links: Mapping[int, tuple[Reference, ...]], path: Path, line: int, field: str, problems: Problems
) -> Task | None:
    if not isinstance(row, dict):
        problems.error(path, line, field, f"expected an object, got {kind(row)}")
        return None
    turn, modality, output = as_turn(row.get("turn")), _modality(row.get("modality")), row.get("output")
    if turn is None:
        problems.error(path, line, f"{field}.turn", f"expected a turn from 1, got {str(row.get('turn'))[:80]!r}")
        return None
    if modality is None:
        given = str(row.get("modality"))[:80]
        problems.error(path, line, f"{field}.modality", f"expected 'text' or 'image', got {given!r}")
        return None
    output = output if isinstance(output, dict) else {}
    answer = output.get("answer")
    inputs = [entry if isinstance(entry, dict) else {} for entry in _entries(row.get("input"))]
    shown: dict[str, Any] = {
        "prompt": "\n".join(text for text in _texts(inputs, "text") if text),
        "images": tuple(_texts(inputs, "image")),
        "opening": next(iter(_texts(inputs[:1], "text")), None),
        "stated": None if answer is None else str(answer),
    }
    if modality == "image":
        points = tuple(str(point) for point in _entries(output.get("evaluation_points")))
        return Task(turn, modality, points=points, references=links.get(turn, ()), **shown)
    if answer and not isinstance(answer, str):
        problems.error(path, line, f"{field}.output.answer", f"expected text, got {kind(answer)}")
        answer = " "  # a key without a letter: whatever is answered scores 0, as in the official tool
    dynamic = DYNAMIC in (answer or "")
    if answer and not dynamic:
        _check_key(answer, shown["prompt"], path, line, f"{field}.output.answer", problems)
    return Task(turn, modality, answer=answer or None, dynamic=dynamic, **shown)


def _check_key(key: str, prompt: str, path: Path, line: int, field: str, problems: Problems) -> None:
    """Collect what keeps a key from being what an answer can be."""
    listed = question_options(prompt, key)
    if not read_choice(key, listed or DEFAULT_OPTIONS).letters:
        problems.warn(path, line, field, "names no option from A to G: every answer scores 0")
    elif not read_choice(key).letters:
        problems.warn(path, line, field, "names no option from A to G: every answer scores 0 under protocol imug")
    elif unlisted := unlisted_letters(prompt, key):
        problems.warn(path, line, field, unlisted_message(unlisted))


def _modality(value: Any) -> Modality | None:
    return "text" if value == "text" else "image" if value == "image" else None


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(inputs: list[dict[str, Any]], field: str) -> list[str]:
    return [entry[field] for entry in inputs if isinstance(entry.get(field), str)]


def _read_links(root: Path, problems: Problems) -> dict[Key, dict[int, tuple[Reference, ...]]]:
    """Linked images by sample and turn; of a sample that occurs twice the later entry wins."""
    path = root / LINKS
    links: dict[Key, dict[int, tuple[Reference, ...]]] = {}
    if not path.is_file():
        return links
    for line, row in read_jsonl(path, problems):
        key = sample_key(row, path, line, problems)
        if key is None:
            continue
        if key in links:
            problems.warn(path, line, "sample_id", f"sample {'/'.join(key)} occurs twice; the later entry wins")
        links[key] = {}
        for place, entry in enumerate(_list(row.get("reference_links"), path, line, "reference_links", problems)):
            field = f"reference_links[{place}]"
            turn = as_turn(entry.get("turn_idx")) if isinstance(entry, dict) else None
            if turn is None:
                problems.error(path, line, f"{field}.turn_idx", "expected a turn from 1")
            else:
                links[key][turn] = _read_references(entry.get("refs"), path, line, f"{field}.refs", problems)
    return links


def _read_references(rows: Any, path: Path, line: int, field: str, problems: Problems) -> tuple[Reference, ...]:
    references = []
    for place, row in enumerate(_list(rows, path, line, field, problems)):
        turn = as_turn(row.get("ref_turn")) if isinstance(row, dict) else None
        kind_ = row.get("ref_type") if isinstance(row, dict) else None
        if turn is None or kind_ not in ("input", "output"):
            problems.error(path, line, f"{field}[{place}]", "expected ref_turn from 1 and ref_type 'input' or 'output'")
        else:
            references.append(Reference(turn, kind_))
    return tuple(references)


def _list(value: Any, path: Path, line: int, field: str, problems: Problems) -> list[Any]:
    if isinstance(value, list):
        return value
    problems.error(path, line, field, f"expected a list, got {kind(value)}")
    return []

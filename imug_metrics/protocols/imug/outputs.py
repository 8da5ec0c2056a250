# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The answers: one model's texts and images in the official layout, as records.

Model outputs are untrusted. A file is read only if it lies in the model's folder once all links are followed, and a
image named in result.json only if it lies in the folder of its own question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.media.formats import SUFFIXES
from imug_metrics.protocols.imug.counting import check_outputs_counting
from imug_metrics.protocols.imug.names import Siblings, other_names, siblings
from imug_metrics.protocols.imug.options import question_options
from imug_metrics.protocols.imug.samples import Key, Sample, Task
from imug_metrics.protocols.imug.usage import TurnUsage, read_costs, read_usage
from imug_metrics.reading.files import Problems, as_turn, inside, kind, read_json
from imug_metrics.suite import FAILED, Record

Replies = Mapping[int, list[Any]]

MAX_KINDS = 16
"""Kinds of cost that are read of one run: each is a metric of its own."""


def list_models(outputs: Path) -> list[str]:
    """Names of the model folders below `outputs`, sorted; hidden ones are left out."""
    return sorted(path.name for path in outputs.iterdir() if path.is_dir() and not path.name.startswith("."))


def question_folder(model: Path, key: Key) -> Path:
    """Where a model's answers to a sample lie.

    Example:
        >>> question_folder(Path("out/mine"), ("Cooking", "pan", "1")).as_posix()
        'out/mine/Cooking/pan/question_1'
    """
    domain, subdomain, sample_id = key
    return model / domain / subdomain / f"question_{sample_id}"


def read_records(
    samples: Iterable[Sample], model: Path, problems: Problems, *, keys: Mapping[tuple[Key, int], str] | None = None
) -> Iterator[Record]:
    """One record for each turn of each sample, whether the model answered it or not.

    Args:
        samples: the benchmark.
        model: the model's folder, holding <domain>/<subdomain>/question_<sample_id>/.
        problems: collects what is wrong in the answers; the answer concerned counts as absent.
        keys: resolved keys of dynamic questions by (sample key, turn); without one, a dynamic turn has no target.

    Yields:
        Records in the order of the benchmark. Their costs are those of the dialogue's file of usage, see `read_usage`,
        and of kinds that it lacks those of `cost` in result.json.

    Raises:
        ArgumentError: if the turns of the answers count from 0.
    """
    samples = list(samples)
    check_outputs_counting(samples, model, {sample.key: question_folder(model, sample.key) for sample in samples})
    kinds: set[str] = set()
    for sample in samples:
        folder = question_folder(model, sample.key)
        entries = read_entries(folder, model, problems, texts=asks_for_text(sample.tasks))
        replies = None if entries is None else _replies(entries)
        usage = read_usage(model, sample.key, problems)
        modalities = {task.turn: task.modality for task in sample.tasks}
        for task in sample.tasks:
            is_text = task.modality == "text"
            costs = _costs(task.turn, entries or {}, usage, folder, problems)
            target = (keys or {}).get((sample.key, task.turn)) if task.dynamic else task.answer
            yield Record(
                dialogue=sample.dialogue,
                turn=task.turn,
                modality=task.modality,
                prompt=task.prompt,
                text=_answer(task.turn, replies, folder, problems) if is_text else _words(task.turn, replies, folder),
                image=_usual_image(task.turn, folder, model)
                if is_text
                else find_image(task.turn, replies or {}, folder, model, problems),
                target=target,
                links=_links(task, modalities),
                groups=_groups(sample, task),
                attempted=replies is not None,
                options=question_options(task.prompt, target) if is_text else None,
                costs=_first_kinds(costs, kinds, folder, problems),
            )


def asks_for_text(tasks: Iterable[Task]) -> bool:
    """Whether one of the turns has to be answered in words, which only result.json can hold."""
    return any(task.modality == "text" for task in tasks)


def read_replies(folder: Path, model: Path, problems: Problems, *, texts: bool = True) -> Replies | None:
    """The replies that result.json holds for each turn, in its order; None where there is no readable result.

    Args:
        folder, model, problems, texts: as for `read_entries`.
    """
    entries = read_entries(folder, model, problems, texts=texts)
    return None if entries is None else _replies(entries)


def read_entries(
    folder: Path, model: Path, problems: Problems, *, texts: bool = True
) -> dict[int, list[dict[str, Any]]] | None:
    """What result.json holds for each turn, in its order; None where there is no readable result.

    Args:
        folder: of the question.
        model: the model's folder, which the file must not lead out of.
        problems: collects what is wrong.
        texts: whether the sample asks for text answers; where it does not, an absent file leaves nothing out.
    """
    path = folder / "result.json"
    real = inside(path, model)
    if real is None:
        there = path.is_symlink() or path.exists()
        if there or texts:
            left_out = ": the text answers of this sample are left out" if texts else ""
            why = "leads out of the model's folder or is no file" if there else "does not exist"
            problems.error(path, None, "", why + left_out)
        return None
    content = read_json(path, problems)
    if not isinstance(content, dict):
        if content is not None:
            problems.error(path, None, "", f"expected an object, got {kind(content)}")
        return None
    found: dict[int, list[dict[str, Any]]] = {}
    entries = content.get("tasks")
    if not isinstance(entries, list):
        problems.error(path, None, "tasks", f"expected a list, got {kind(entries)}")
        return found
    for place, entry in enumerate(entries):
        turn = as_turn(entry.get("turn")) if isinstance(entry, dict) else None
        if turn is None:
            got = f"a turn {str(entry.get('turn'))[:80]!r}" if isinstance(entry, dict) else kind(entry)
            problems.error(path, None, f"tasks[{place}].turn", f"expected an object with a turn from 1, got {got}")
        else:
            found.setdefault(turn, []).append(entry)
    return found


def _replies(entries: Mapping[int, list[dict[str, Any]]]) -> dict[int, list[Any]]:
    return {turn: [entry.get("model_response") for entry in rows] for turn, rows in entries.items()}


def _costs(
    turn: int,
    entries: Mapping[int, list[dict[str, Any]]],
    usage: Mapping[int, TurnUsage],
    folder: Path,
    problems: Problems,
) -> dict[str, float]:
    """What a turn cost: as the file of usage says, and of other kinds as the last entry of result.json says."""
    entry = entries.get(turn, [{}])[-1]
    told = read_costs(entry.get("cost", {}), folder / "result.json", f"turn {turn}: cost", problems)
    return {**told, **(usage[turn].costs if turn in usage else {})}


def _first_kinds(costs: dict[str, float], kinds: set[str], folder: Path, problems: Problems) -> dict[str, float]:
    """The costs without those of kinds beyond the first ones of a run, which are collected in `kinds`."""
    kinds.update([name for name in costs if name not in kinds][: MAX_KINDS - len(kinds)])
    if costs.keys() <= kinds:
        return costs
    problems.warn(folder, None, "cost", f"of more than {MAX_KINDS} kinds of cost of a run the first are read")
    return {name: amount for name, amount in costs.items() if name in kinds}


def _answer(turn: int, replies: Replies | None, folder: Path, problems: Problems) -> str | None:
    """The reply to a text turn; of several the last counts."""
    if replies is None:
        return None
    path, field = folder / "result.json", f"turn {turn}"
    reply = replies.get(turn, [None])[-1]
    answer = reply if isinstance(reply, str) else None
    if len(replies.get(turn, ())) > 1:
        problems.warn(path, None, field, "answered more than once; the last answer counts")
    if reply is None:
        problems.error(path, None, field, "expected an answer, found none")
    elif answer is None:
        problems.error(path, None, field, f"expected the answer as text, got {kind(reply)}")
    elif answer.startswith(FAILED):
        problems.warn(path, None, field, f"the turn failed: {answer[:120]!r}")
    return answer


def _words(turn: int, replies: Replies | None, folder: Path) -> str | None:
    """The reply to an image turn, unless it names a file in place of saying something."""
    reply = (replies or {}).get(turn, [None])[-1]
    if not isinstance(reply, str):
        return None
    name = reply.strip()
    is_name = len(name.split()) == 1 and Path(name).suffix.lower() in SUFFIXES
    return None if is_name or (name and inside(folder / name, folder)) else reply


def _usual_image(turn: int, folder: Path, model: Path) -> Path | None:
    """The image that was left at a text turn, where one is there."""
    path = folder / f"turn_{turn}_output.png"
    return path if inside(path, model) else None


def find_image(
    turn: int, replies: Replies, folder: Path, model: Path, problems: Problems, *, released: bool = False
) -> Path | None:
    """The image of a turn: by the rule of the released tools, else turn_<t>_output under another suffix.

    Args:
        turn: of which.
        replies: what result.json holds.
        folder: of the question.
        model: the model's folder, which no image may lead out of.
        problems: collects why there is none, and of which name it is otherwise.
        released: whether the rule of the released tools alone counts.
    """
    path = folder / f"turn_{turn}_output.png"
    if path.is_symlink() and not inside(path, model):
        problems.error(path, None, f"turn {turn}", "leads out of the model's folder or is no file: not followed")
        return None
    found = _released(path, replies.get(turn, ()), folder, model)
    if found is not None:
        return found
    others = siblings(path, model)
    if not released and len(others.images) == 1:
        (other,) = others.images
        why = f"is read in place of {path.name}; the released tools, and protocol imug, do not look for it"
        problems.warn(other, None, f"turn {turn}", why)
        return other
    problems.error(folder, None, f"turn {turn}", _no_image(path, replies.get(turn, ()), folder, others))
    return None


def has_other_suffix(record: Record) -> bool:
    """Whether the image of a record is one that the released tools do not find."""
    image = record.image
    if not isinstance(image, Path):
        return False
    usual = image.with_name(f"turn_{record.turn}_output.png")
    if image == usual or image.stem != usual.stem:
        return False
    replies = read_replies(image.parent, image.parent, Problems(), texts=False) or {}
    return _released(usual, replies.get(record.turn, ()), image.parent, image.parent) is None


def _released(path: Path, replies: Iterable[Any], folder: Path, model: Path) -> Path | None:
    """turn_<t>_output.png, else the first file that result.json names for the turn and that lies in the folder."""
    if inside(path, model):
        return path
    names = (reply for reply in replies if isinstance(reply, str) and reply.strip())
    return next((folder / name for name in names if inside(folder / name, folder)), None)


def _no_image(path: Path, replies: Iterable[Any], folder: Path, others: Siblings) -> str:
    names = [reply for reply in replies if isinstance(reply, str) and reply.strip()]
    found = f"expected an image, found no file {path.name}"
    if len(others.images) > 1:
        found += f", but {' and '.join(image.name for image in others.images)}: keep one of them"
    for name, why in others.refused.items():
        found += f"; {name}: {why}"
    if near := other_names(path):
        found += f"; found {', '.join(near)}: rename it to {path.name}"
    return found + (f"; the reply is {names[0][:120]!r}" if names else "")


def _groups(sample: Sample, task: Task) -> dict[str, str]:
    """What means are taken by; of questions also whether their key hangs on what the model drew before."""
    groups = {"class": sample.category, "domain": sample.domain, "subdomain": sample.subdomain}
    return groups if task.modality == "image" else {**groups, "question": "dynamic" if task.dynamic else "static"}


def _links(task: Task, modalities: Mapping[int, str]) -> tuple[int, ...]:
    """Earlier turns whose output image this turn's image is linked with, each once."""
    turns = (
        reference.turn
        for reference in task.references
        if reference.kind == "output" and reference.turn < task.turn and modalities.get(reference.turn) == "image"
    )
    return tuple(dict.fromkeys(turns))

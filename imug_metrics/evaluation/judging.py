# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judges are asked about outputs, each with a journal of its own, and what they say is held against each other."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from imug_metrics.checklists import ChecklistItem, JudgedOutput, ask_checklists, by_dialogue
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.judged_outputs import outputs_of_imug
from imug_metrics.evaluation.jury import JuryEvaluation, check_names, check_scale, evaluate_jury, first_failure
from imug_metrics.evaluation.settings import Progress
from imug_metrics.judges import JournalLockedError, Judge
from imug_metrics.juries import Judgement
from imug_metrics.protocols import imug
from imug_metrics.reading.files import Problems

Form = Literal["yes_no", "points", "both"]
FORMS: tuple[Form, ...] = get_args(Form)
_NAMED = {"yes_no": "yes/no", "points": "points"}


@dataclass(frozen=True)
class Judging:
    """How judges are asked.

    Attributes:
        judges: whom to ask, of different names.
        out: folder that keeps the journals: what they hold is not asked again.
        repeats: how many times each request is made.
        both_orders: ask a second time with the output's images before those that the model was shown.
        retry_errors: ask again also where an earlier reply cannot be used.
        people: recorded judgements of people, or of others, of the same outputs.
        best: the highest score that they give to an output as a whole.
        names_of_people: those of them who are people.
        families: see `evaluate_jury`.
    """

    judges: Sequence[Judge]
    out: Path
    repeats: int = 1
    both_orders: bool = False
    retry_errors: bool = False
    people: Sequence[Judgement] = ()
    names_of_people: Sequence[str] = ()
    families: Mapping[str, str] | None = None
    best: float = 1.0

    def __post_init__(self) -> None:
        names = [judge.name for judge in self.judges]
        if not names or len(set(names)) < len(names):
            raise ArgumentError("judges", f"expected one judge or several of different names, got {names}")
        if self.repeats < 1:
            raise ArgumentError("repeats", f"expected a number from 1, got {self.repeats}")
        if not 0 < self.best < math.inf:
            raise ArgumentError("best", f"expected a number above 0, got {self.best}")
        check_scale(self.people, self.best)
        recorded = {one.judge for one in self.people}
        check_names("people", self.names_of_people, recorded, "recorded judges")
        both = recorded & set(names)
        if both:
            message = f"expected judges of other names than those that are asked, got {min(both)[:60]!r}"
            raise ArgumentError("judgements", message)

    def journal(self, judge: Judge) -> Path:
        """Where a judge's replies are kept: the same file whichever other judges are asked."""
        plain = re.sub(r"[^a-z0-9.-]+", "_", judge.name.lower())[:80]
        digest = hashlib.sha256(judge.name.encode("utf-8", "replace")).hexdigest()[:8]
        return self.out / "journals" / f"{plain if plain == judge.name else f'{plain}-{digest}'}.jsonl"

    @property
    def recorded(self) -> list[Judgement]:
        """The recorded judgements, with scores of outputs as shares of the best."""
        return [
            one if one.item is not None or one.value is None else replace(one, value=one.value / self.best)
            for one in self.people
        ]


def judge_outputs(
    outputs: Sequence[JudgedOutput],
    items: Sequence[ChecklistItem],
    judging: Judging,
    *,
    problems: Problems | None = None,
    progress: Progress | None = None,
) -> JuryEvaluation:
    """Ask judges for all items of each output in one request, and hold what they say against each other.

    Args:
        outputs: what is judged.
        items: of the checklists.
        judging: whom to ask, and how.
        problems: of the data, found before.
        progress: called with each judge's name and the number of its answers.

    Raises:
        ArgumentError: if there is nothing to ask.
        OSError: if a journal cannot be written, or another process writes to it.
    """
    collected = Problems() if problems is None else problems
    lists = by_dialogue(items)
    _check_asked(outputs, items, collected)

    def ask(judge: Judge, count: Callable[[Any], None]) -> list[Judgement]:
        options: dict[str, Any] = {"repeats": judging.repeats, "both_orders": judging.both_orders}
        options["retry_errors"] = judging.retry_errors
        return ask_checklists(outputs, lists, judge, journal=judging.journal(judge), progress=count, **options)

    return _held_together({"checklists": ask}, judging, collected, progress)


def judge_benchmark(
    benchmark: imug.Benchmark,
    folders: Sequence[Path],
    judging: Judging,
    *,
    form: Form = "yes_no",
    problems: Problems | None = None,
    progress: Progress | None = None,
) -> JuryEvaluation:
    """The same of the evaluation points of IMUG-Bench, as yes/no items, as points from 0 to 5, or both.

    Asked in both forms, each judge stands beside itself: the difference of the forms is its leniency.

    Args:
        benchmark: the samples.
        folders: of the models' outputs.
        judging: whom to ask, and how.
        form: how they are asked.
        problems, progress: see `judge_outputs`.
    """
    if form not in FORMS:
        raise ArgumentError("form", f"expected one of {', '.join(FORMS)}, got {form!r}")
    collected = Problems() if problems is None else problems
    outputs, items = outputs_of_imug(benchmark, folders, collected)
    lists = by_dialogue(items)
    _check_asked(outputs, items, collected)
    suffix = {name: f" ({words})" if form == "both" else "" for name, words in _NAMED.items()}

    def ask_items(judge: Judge, count: Callable[[Any], None]) -> list[Judgement]:
        options: dict[str, Any] = {"repeats": judging.repeats, "both_orders": judging.both_orders}
        options |= {"retry_errors": judging.retry_errors, "name": judge.name + suffix["yes_no"]}
        return ask_checklists(outputs, lists, judge, journal=judging.journal(judge), progress=count, **options)

    def ask_points(judge: Judge, count: Callable[[Any], None]) -> list[Judgement]:
        found = []
        for folder in folders:
            told = imug.judge_model(
                benchmark, folder, judge, prompts=imug.OwnPrompts(), protocol="strict", problems=collected,
                journal=judging.journal(judge), repeats=judging.repeats, retry_errors=judging.retry_errors,
                progress=count,
            )  # fmt: skip
            found += _of_points(told, judge.name + suffix["points"], folder.name)
        return found

    forms = {"yes_no": ask_items, "points": ask_points}
    asked = {judge.name for judge in judging.judges}
    families = {
        told: family
        for name, family in (judging.families or {}).items()
        for told in ([name + suffix[one] for one in forms if form in (one, "both")] if name in asked else [name])
    }
    judging = replace(judging, families=families)
    return _held_together({f: forms[f] for f in forms if form in (f, "both")}, judging, collected, progress)


Ask = Callable[[Judge, Callable[[Any], None]], "list[Judgement]"]


def _held_together(
    ways: Mapping[str, Ask], judging: Judging, problems: Problems, progress: Progress | None
) -> JuryEvaluation:
    found: list[Judgement] = []
    costs: dict[str, dict[str, float]] = {}
    for judge in judging.judges:
        judging.journal(judge).parent.mkdir(parents=True, exist_ok=True)
        for ask in ways.values():
            start, before = time.monotonic(), dict(getattr(judge, "tokens", {}))
            try:
                mine = ask(judge, _counter(judge.name, progress))
            except JournalLockedError as error:
                raise OSError(str(error)) from error
            spent = {name: count - before.get(name, 0) for name, count in getattr(judge, "tokens", {}).items()}
            for name in dict.fromkeys(one.judge for one in mine):
                costs[name] = {**{kind: float(n) for kind, n in spent.items()}, "seconds": time.monotonic() - start}
            found += mine
    said = [*found, *judging.recorded]
    if not any(one.value is not None for one in said if one.judge not in judging.names_of_people):
        raise ArgumentError("judges", f"expected judges that answer, got no answer{first_failure(found)}")
    asked: dict[str, Any] = {"judges": [_described(judge) for judge in judging.judges], "forms": list(ways)}
    asked |= {"repeats": judging.repeats, "both_orders": judging.both_orders}
    return evaluate_jury(
        said,
        people=judging.names_of_people,
        families=judging.families,
        costs=costs,
        problems=problems,
        manifest=asked,
    )


def _of_points(told: imug.Judgements, judge: str, model: str) -> list[Judgement]:
    """Judgements of images by points: the mean of each image's points, as a share of 5."""
    found = []
    for verdict in told.verdicts:
        stage, _, domain, subdomain, sample, turn = verdict.key
        if stage == "image":
            points = verdict.value
            value = sum(points) / len(points) / 5 if points else None
            dialogue = f"{domain}/{subdomain}/{sample}"
            found.append(
                Judgement(judge, model, dialogue, int(turn), value=value, repeat=verdict.repeat, error=verdict.error)
            )
    return found


def _check_asked(outputs: Sequence[JudgedOutput], items: Sequence[ChecklistItem], problems: Problems) -> None:
    """Raise where there is nothing to ask; tell of items that concern no output."""
    if not outputs:
        raise ArgumentError("outputs", "expected outputs to be judged, found none")
    turns: dict[str, set[int]] = {}
    for output in outputs:
        turns.setdefault(output.dialogue, set()).add(output.turn)
    every = set().union(*turns.values())
    idle = [
        item
        for item in items
        if not any(map(item.concerns, every if item.dialogue is None else turns.get(item.dialogue, ())))
    ]
    if len(idle) == len(items):
        raise ArgumentError("checklist", "expected items that concern an output: none of the dialogues and turns fits")
    if idle:
        first = f"{idle[0].dialogue or 'all dialogues'} turn {idle[0].turn}"
        problems.warn("checklist", None, "", f"{len(idle)} items concern no output, the first that of {first}")


def _counter(judge: str, progress: Progress | None) -> Callable[[Any], None]:
    done = 0

    def count(_: Any) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(judge, done, None)

    return count


def _described(judge: Judge) -> dict[str, Any]:
    return {"name": judge.name, "url": getattr(judge, "base_url", None)}

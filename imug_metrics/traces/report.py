# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reports of reasoning as models write them, to steps and claims: by form alone, and within limits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from imug_metrics.reading.reasoning import without_reasoning
from imug_metrics.traces.compliance import STEPS
from imug_metrics.traces.trace import Claim, Step

MAX_REPORT = 2**15
"""Characters of a report that are read."""
MAX_STEPS = 16
"""Steps of a report that are kept."""
MAX_CLAIMS = 64
"""Claims of a step that are kept."""
MAX_CITES = 16
"""Cites of a claim that are kept."""

_LONGEST_NAME = 80
_BULLET = re.compile(r"^(?:[-*+•]|\d{1,3}[.)])\s{1,9}")
_TAG = re.compile(r"\[([^\[\]<>]{1,200})\]|<([^\[\]<>]{1,200})>")
_NUMBERED = re.compile(r"([a-z]{2,20})[ _-]?0{0,9}([1-9]\d{0,8}|0)", re.ASCII)
_BETWEEN_NAMES = re.compile(r"[,;&]")
_SPACE_BEFORE_MARK = re.compile(r"\s{1,99}([.,;:!?])")
_FENCE = re.compile(r"\s{0,9}(?:```|~~~)")


def read_report(text: str, evidence: Collection[str] = (), steps: Sequence[str] = STEPS) -> tuple[Step, ...]:
    r"""The steps of a report, in the order in which they were written, repeated ones repeatedly.

    - A step begins with a heading: a line of one of the expected names, also behind `#`, a number or "Step", in bold
      or not, with a colon or alone; or a line behind `#` of another name. What stands before the first one is dropped.
    - Every other line is a claim, without its bullet or number. A line without letters and digits is none.
    - `[image1]`, `<image1>` or `[image1, task]` in a claim cite: expected steps, evidence, and every word with a number
      behind it, so that what leads nowhere is seen. Other brackets are text. A line of cites alone adds them to the
      claim before it.

    Nothing is looked for within a claim: words such as ACCEPT, or the name of a step, do nothing there.

    Args:
        text: a reply of a model; of what it thought aloud nothing is read. Steps, claims and cites beyond the limits of
            this module are left out.
        evidence: names of evidence, in lower case.
        steps: expected names, in lower case. Their case in the report does not matter.

    Example:
        >>> report = "## Task\n- Name the colour. [prompt]\n**Conclusion:** B [Image 1, task]."
        >>> for step in read_report(report, ["prompt"]):
        ...     print(step.name, step.claims)
        task (Claim(text='Name the colour.', cites=('prompt',)),)
        conclusion (Claim(text='B.', cites=('image1', 'task')),)
    """
    known = frozenset((*evidence, *steps))
    found: list[tuple[str, list[str]]] = []
    for line in without_reasoning(text)[:MAX_REPORT].replace("\r\n", "\n").split("\n"):
        heading = None if _FENCE.match(line) else _heading(line, tuple(steps))
        if heading is not None:
            found.append((heading[0], [_bulleted(heading[1])] if heading[1] else []))
        elif found and not _FENCE.match(line):
            found[-1][1].append(line)
    return tuple(_step(name, lines, known) for name, lines in found[:MAX_STEPS])


def report_text(steps: Iterable[Step]) -> str:
    r"""Steps as a report, which `read_report` reads as these steps.

    Example:
        >>> report_text([Step("task", "- Name the colour. [prompt]"), Step("conclusion", "- B [task]")])
        '## task\n- Name the colour. [prompt]\n\n## conclusion\n- B [task]'
    """
    return "\n\n".join(f"## {step.name}\n{step.text}" for step in steps)


def _heading(line: str, steps: tuple[str, ...]) -> tuple[str, str] | None:
    """Name of the step that a line begins, and what stands behind it; None where it begins none."""
    bare = " ".join(line.split())
    title = bare.lstrip("#*_: ").rstrip("# ") if bare.startswith("#") else bare
    found = _expected(steps).match(title)
    if found is not None and (found["colon"] or found.end() == len(title)):
        return found["name"].casefold(), title[found.end() :].strip()
    name = title.rstrip("#*_: ")
    return (name, "") if bare.startswith("#") and 0 < len(name) <= _LONGEST_NAME else None


def _bulleted(text: str) -> str:
    """What stood behind a heading as a line of its own, which begins no step whatever it says."""
    return text if text.startswith("-") else f"- {text}"


@lru_cache(64)
def _expected(steps: tuple[str, ...]) -> re.Pattern[str]:
    mark, names = r"[*_]{0,3}", "|".join(map(re.escape, steps))
    number = r"(?:step\s{0,3})?(?:\d{1,2}\s{0,3}[.:)]?\s{0,3})?"
    name = rf"(?P<name>{names})(?![^\W_])"
    return re.compile(rf"{mark}{number}{mark}{name}{mark}\s{{0,3}}(?P<colon>:?){mark}", re.IGNORECASE)


def _step(name: str, lines: Sequence[str], known: frozenset[str]) -> Step:
    claims: list[Claim] = []
    for line in lines:
        claim = _claim(line, known)
        if any(map(str.isalnum, claim.text)):
            claims.append(claim)
        elif claim.cites and claims:
            claims[-1] = Claim(claims[-1].text, (claims[-1].cites + claim.cites)[:MAX_CITES])
    return Step(name, "\n".join(lines).strip(), tuple(claims[:MAX_CLAIMS]))


def _claim(line: str, known: frozenset[str]) -> Claim:
    cites: list[str] = []

    def take(tag: re.Match[str]) -> str:
        names = [_cited(name, known) for name in _BETWEEN_NAMES.split(tag[1] or tag[2])]
        if None in names:
            return tag[0]
        cites.extend(name for name in names if name is not None)
        return " "

    text = " ".join(_TAG.sub(take, _BULLET.sub("", line.strip(), count=1)).split())
    return Claim(_SPACE_BEFORE_MARK.sub(r"\1", text), tuple(cites[:MAX_CITES]))


def _cited(name: str, known: frozenset[str]) -> str | None:
    """The name that one within brackets cites; None where it cites nothing."""
    plain = name.strip().casefold()
    if plain in known:
        return plain
    numbered = _NUMBERED.fullmatch(plain)
    return None if numbered is None else f"{numbered[1]}{numbered[2]}"

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the turns of a run cost, and how it was made: files beside the official layout, which its tools never see.

The outputs of a model in `OUT/NAME` have a hidden folder `OUT/.NAME`, which holds

- `<domain>/<subdomain>/question_<sample_id>.json`, of a dialogue: `{"asked": "<digest>", "turns": [{"turn": 1,
  "costs": {"requests": 1, "seconds": 0.8}, "context": {...}, "log": {...}}]}`, numbers from 0 by kind, and what else
  there is to say of a turn;
- `run.json`, of the run: an object such as `{"history": "own", "strategy": "direct"}`.

They come from where the outputs come from and are trusted as little.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imug_metrics.protocols.imug.samples import Key
from imug_metrics.reading.files import Problems, as_turn, inside, kind, read_json
from imug_metrics.suite.carried import is_estimate

MAX_COST = 1e12
COUNTED = "outputs"
"""The kind of cost that is counted, not read."""
_LONGEST_KIND = 40


@dataclass(frozen=True)
class TurnUsage:
    """What a run says of one turn.

    Attributes:
        costs: numbers from 0 by kind, such as "requests", "tokens", "seconds", "images", over all candidates.
        context: what the model was shown, by name.
        log: what its strategy noted, by name.
    """

    costs: Mapping[str, float] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    log: Mapping[str, Any] = field(default_factory=dict)


def usage_folder(model: Path) -> Path:
    """The hidden folder beside a model's outputs.

    Example:
        >>> usage_folder(Path("out/mine")).as_posix()
        'out/.mine'
    """
    named = model if model.name not in ("", "..") else model.resolve()
    return named.parent / f".{named.name}"


def usage_file(model: Path, key: Key) -> Path:
    """Where the usage of a dialogue lies.

    Example:
        >>> usage_file(Path("out/mine"), ("Cooking", "pan", "1")).as_posix()
        'out/.mine/Cooking/pan/question_1.json'
    """
    domain, subdomain, sample_id = key
    return usage_folder(model) / domain / subdomain / f"question_{sample_id}.json"


def read_usage(model: Path, key: Key, problems: Problems) -> dict[int, TurnUsage]:
    """The usage of a dialogue by turn; none where it has no file.

    Args:
        model: the model's folder; the file lies in the hidden one beside it, which it must not lead out of.
        key: of the dialogue's sample.
        problems: collects what is wrong; it is left out. Of several entries of a turn the last counts.
    """
    path = usage_file(model, key)
    content = _read_object(path, usage_folder(model), problems)
    entries = content.get("turns", [])
    if not isinstance(entries, list):
        problems.error(path, None, "turns", f"expected a list, got {kind(entries)}")
        return {}
    found: dict[int, TurnUsage] = {}
    for place, entry in enumerate(entries):
        turn = as_turn(entry.get("turn")) if isinstance(entry, dict) else None
        if turn is None:
            problems.error(path, None, f"turns[{place}]", "expected an object with a turn from 1")
            continue
        if turn in found:
            problems.warn(path, None, f"turn {turn}", "occurs more than once; the last counts")
        costs = read_costs(entry.get("costs", {}), path, f"turn {turn}: costs", problems)
        told = (_object(entry.get(name, {}), path, f"turn {turn}: {name}", problems) for name in ("context", "log"))
        found[turn] = TurnUsage(costs, *told)
    return found


def read_asked(model: Path, key: Key) -> str | None:
    """The digest of the line that a dialogue was led by, as `usage_content` was given it; None: it is not known."""
    asked = _read_object(usage_file(model, key), usage_folder(model), Problems()).get("asked")
    return asked if isinstance(asked, str) else None


def usage_content(turns: Mapping[int, TurnUsage], asked: str | None = None) -> bytes:
    r"""The content of a dialogue's file, as `read_usage` reads it.

    Args:
        turns: by number from 1.
        asked: digest of the line that the dialogue was led by; None: it is not kept.

    Raises:
        ValueError: if a number is not finite, which JSON cannot hold.
        TypeError: if a value is of a type that JSON cannot hold.

    Example:
        >>> usage_content({1: TurnUsage({"requests": 1})})
        b'{"turns": [{"turn": 1, "costs": {"requests": 1}}]}\n'
    """
    rows = [
        {"turn": turn, **{name: dict(value) for name, value in vars(usage).items() if value}}
        for turn, usage in sorted(turns.items())
    ]
    content = {"turns": rows} if asked is None else {"asked": asked, "turns": rows}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes its escape, which JSON reads back


def run_settings(model: Path, problems: Problems) -> dict[str, str | float | None]:
    """How a run was made, as it says itself; empty where it does not.

    Args:
        model: the model's folder.
        problems: collects what is wrong with the file.

    Returns:
        Texts, cut at 200 characters, numbers, truth values and nulls by name; whatever else is there is left out.
    """
    content = _read_object(usage_folder(model) / "run.json", usage_folder(model), problems)
    plain = {name[:40]: value for name, value in content.items() if isinstance(value, (str, int, float, type(None)))}
    return {name: value[:200] if isinstance(value, str) else value for name, value in plain.items()}


def read_costs(value: Any, path: Path, name: str, problems: Problems) -> dict[str, float]:
    """Costs of a turn by kind; what is none is left out.

    Args:
        value: what the file holds.
        path: the file.
        name: of the field, for problems.
        problems: collects what is wrong.
    """
    costs = {}
    for cost, amount in _object(value, path, name, problems).items():
        place = f"{name}.{cost[:_LONGEST_KIND]}"
        if cost == COUNTED:
            problems.warn(path, None, place, "outputs are counted, not read")
        elif (why := cost_fault(cost, amount)) is not None:
            problems.error(path, None, place, why)
        else:
            costs[cost] = as_number(amount)
    return costs


def cost_fault(name: str, amount: Any) -> str | None:
    """Why something is no cost of a turn: what was expected; None where it is one.

    Example:
        >>> cost_fault("tokens", 12), cost_fault("tokens", -1)
        (None, 'expected a number from 0 to 1e+12')
    """
    if not _is_kind(name):
        return f"expected a printable name of up to {_LONGEST_KIND} characters that ends as no estimate does"
    return None if 0 <= as_number(amount) <= MAX_COST else f"expected a number from 0 to {MAX_COST:g}"


def as_number(value: Any) -> float:
    """A finite number, or NaN for anything else.

    Example:
        >>> as_number(2), as_number(True), as_number(10**400)
        (2.0, nan, nan)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value) if math.isfinite(value) else math.nan
    except OverflowError:
        return math.nan


def _is_kind(name: str) -> bool:
    """Whether a kind of cost can be called so: beside others it must not pass for an estimate of one of them."""
    plain = name.isprintable() and name == name.strip() and 1 <= len(name) <= _LONGEST_KIND
    return plain and not is_estimate(name)


def _read_object(path: Path, root: Path, problems: Problems) -> dict[str, Any]:
    """The object of a JSON file, which must lie below `root`; empty where there is no file."""
    if inside(path, root) is None:
        if os.path.lexists(path):
            problems.error(path, None, "", "leads out of its folder or is no file: not followed")
        return {}
    content = read_json(path, problems)
    return {} if content is None else _object(content, path, "", problems)


def _object(value: Any, path: Path, name: str, problems: Problems) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    problems.error(path, None, name, f"expected an object, got {kind(value)}")
    return {}

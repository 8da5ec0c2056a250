# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""UniM's records: references and a model's answers, in the layout of the released data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from imug_metrics.reading.fields import Fields, UnknownFields
from imug_metrics.reading.files import Problems, inside, kind
from imug_metrics.reading.json_stream import read_objects
from imug_metrics.reading.tags import read_name, read_tags

UNSTATED = "unstated"
_ITEMS: Fields = dict.fromkeys(("content", "modal", "captioned_response"))
_FIELDS: Fields = {
    **dict.fromkeys(("id", "domain", "subdomain", "difficulty_level")),
    **_ITEMS,  # of an answer that stands in the record itself
    "input": _ITEMS,
    "output": _ITEMS,
}
# The data's folders say "general_area", its records "general_domain".
FIELDS = {"general_area": "general", "general_domain": "general"}
CONTENT = ("text", "code")  # modalities whose items may stand in the record itself
_PATH = re.compile(r"(?:\.{0,2}/)?(?:[\w.-]+/)+[\w.-]*\.[a-z0-9]{1,8}|https?://\S+", re.IGNORECASE)


class Key(NamedTuple):
    """What names an instance; ids are counted anew in every domain."""

    field: str
    domain: str
    id: str

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True)
class Answer:
    """An interleaved answer.

    Attributes:
        text: with placeholders.
        items: by name of the placeholder, as "image2": path of the file, or for text and code the content.
        captioned: the answer with captions in its placeholders, where the record has one.
        file: where the record is.
        line: at which line it begins.
        root: the folder that was read; nothing outside of it is ever looked into.
    """

    text: str
    items: Mapping[str, str] = field(default_factory=dict)
    captioned: str | None = None
    file: Path = Path()
    line: int = 0
    root: Path = Path()

    def find(self, name: str) -> Path | None:
        """The file of an item: beside the record, or as a path from the root, and below the root in any case."""
        given = self.items.get(name)
        if not given or "://" in given or len(given) > 1024:
            return None
        found = (inside(folder / given, self.root) for folder in (self.file.parent, self.root))
        return next((path for path in found if path is not None), None)

    def inline_content(self, name: str) -> str | None:
        """The content of an item of text or code where the record itself holds it, and not the path of a file.

        Example:
            >>> answer = Answer("<code1> <code2>", {"code1": "print(1)", "code2": "code/absent.py"})
            >>> answer.inline_content("code1"), answer.inline_content("code2"), answer.inline_content("image1")
            ('print(1)', None, None)
        """
        tag, given = read_name(name), self.items.get(name)
        if tag is None or tag.modality not in CONTENT or given is None:
            return None
        return None if _PATH.fullmatch(given[:1024].strip()) else given


@dataclass(frozen=True)
class Instance:
    """A question with its reference answer.

    Attributes:
        key: names it.
        difficulty: "1" to "3", or "unstated".
        prompt: the question with placeholders.
        reference: the answer it is compared with.
    """

    key: Key
    difficulty: str
    prompt: str
    reference: Answer

    def modalities(self) -> set[str]:
        """Modalities of question and reference, prose not counted."""
        return {tag.modality for text in (self.prompt, self.reference.text) for tag in read_tags(text)}


def read_references(path: Path, problems: Problems) -> list[Instance]:
    """All instances of a file or of a folder's .json and .jsonl files.

    Args:
        path: file or folder.
        problems: collects what is wrong; the record concerned is left out.

    Returns:
        The instances in the files' order. Of those that occur twice the first is kept.

    Raises:
        FileNotFoundError: if there is nothing at the path.
    """
    found: dict[Key, Instance] = {}
    for file, line, row in _rows(path, problems):
        answer, key = _answer(row, path, file, line, problems), record_key(row)
        if answer is None or key is None:
            if key is None:
                problems.error(file, line, "id", f"expected a number or a text, got {kind(row.get('id'))}")
            continue
        if key in found:
            problems.warn(file, line, "id", f"instance {key} occurs twice; the first is kept")
            continue
        asked = row.get("input")
        prompt = asked.get("content") if isinstance(asked, dict) else None
        found[key] = Instance(key, _difficulty(row), prompt if isinstance(prompt, str) else "", answer)
    return list(found.values())


def read_answers(path: Path, instances: Iterable[Instance], problems: Problems) -> dict[Key, Answer]:
    """A model's answers by the instance they belong to.

    Records are matched by field, domain and id. A record that states neither field nor domain is matched by its id, if
    one instance alone has it.

    Args:
        path: file or folder.
        instances: to be answered.
        problems: collects what is wrong: answers to no instance, and instances without an answer.

    Returns:
        The answers. Of those that occur twice the first is kept.

    Raises:
        FileNotFoundError: if there is nothing at the path.
    """
    known = {instance.key for instance in instances}
    by_id: dict[str, list[Key]] = {}
    for one in known:
        by_id.setdefault(one.id, []).append(one)
    found: dict[Key, Answer] = {}
    for file, line, row in _rows(path, problems):
        key = record_key(row)
        if key is not None and key[:2] == (UNSTATED, UNSTATED) and len(by_id.get(key.id, ())) == 1:
            key = by_id[key.id][0]
        if key is None or key not in known:
            problems.warn(file, line, "id", f"no reference has the instance {key}; the answer is passed over")
        elif key in found:
            problems.warn(file, line, "id", f"instance {key} is answered twice; the first answer is kept")
        else:
            answer = _answer(row, path, file, line, problems)
            if answer is not None:
                found[key] = answer
    for key in sorted(known - found.keys()):
        problems.error(path, None, "", f"instance {key} has no answer")
    return found


def record_key(row: Mapping[str, Any]) -> Key | None:
    """What names a record's instance, or None where it has no id.

    Example:
        >>> record_key({"domain": "general_domain", "subdomain": "Sports News", "id": 7})
        Key(field='general', domain='sports_news', id='7')
    """
    number = row.get("id")
    if isinstance(number, bool) or not isinstance(number, (int, str)) or not str(number).strip():
        return None
    names = [_name(row.get(name)) for name in ("domain", "subdomain")]
    return Key(FIELDS.get(names[0], names[0]), names[1], str(number).strip()[:200])


def _name(value: Any) -> str:
    return "_".join(value.lower().split())[:200] if isinstance(value, str) and value.strip() else UNSTATED


def _difficulty(row: Mapping[str, Any]) -> str:
    level = row.get("difficulty_level")
    known = isinstance(level, (int, str)) and not isinstance(level, bool) and str(level).strip()
    return str(level).strip()[:20] if known else UNSTATED


def _rows(path: Path, problems: Problems) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    files = [path]
    if path.is_dir():
        listed = sorted(file for ending in ("*.jsonl", "*.json") for file in path.rglob(ending))
        files = [file for file in listed if inside(file, path) is not None]
    if not files:
        problems.error(path, None, "", "expected files that end in .jsonl or .json, found none")
    fields = UnknownFields(_FIELDS, only_near=True)
    for file in files:
        for line, row in read_objects(file, problems):
            fields.look(file, line, row)
            yield file, line, row
    fields.warn(problems)


def _answer(row: Mapping[str, Any], path: Path, file: Path, line: int, problems: Problems) -> Answer | None:
    """The answer of a record: its `output`, or the record itself where that is flat."""
    root = path if path.is_dir() else path.parent
    output = row.get("output", row)
    if not isinstance(output, dict):
        problems.error(file, line, "output", f"expected an object, got {kind(output)}")
        return None
    text, given = output.get("content"), output.get("modal")
    if not isinstance(text, str):
        problems.error(file, line, "output.content", f"expected text, got {kind(text)}")
        return None
    items: dict[str, str] = {}
    if given is not None and not isinstance(given, dict):
        problems.error(file, line, "output.modal", f"expected an object, got {kind(given)}")
        given = None
    for name, value in (given or {}).items():
        tag = read_name(name)
        if tag is None or not isinstance(value, str):
            what = "the name of a placeholder" if tag is None else "text"
            problems.warn(file, line, f"output.modal.{name[:80]}", f"expected {what}; the item is passed over")
        else:
            items[str(tag)] = value
    captioned = output.get("captioned_response")
    return Answer(text, items, captioned if isinstance(captioned, str) else None, file, line, root)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files and folders that are named nearly as they should be: the image of a turn, the folder of a question."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imug_metrics.media.formats import open_image
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.reading.files import inside

_TURN = re.compile(r"turn[\s_-]*0*(\d{1,6})(?:[\s_-]*(?:output|out|image|img|result))?(\.\w{1,5})", re.IGNORECASE)
_SHOWN = 3


@dataclass(frozen=True)
class Siblings:
    """Files of a turn's usual name but for the suffix.

    Attributes:
        images: those that begin like an image that is read.
        refused: by name, why another one is not read.
    """

    images: tuple[Path, ...]
    refused: Mapping[str, str]


def siblings(path: Path, model: Path) -> Siblings:
    """Files beside `path` that are named like it but for the suffix, or for the case of the suffix.

    Args:
        path: the usual name of a turn's image, which is absent.
        model: the folder that a link must not lead out of.
    """
    images, refused = [], {}
    for name in names_in(path.parent):
        other = path.parent / name
        if name == path.name or other.stem != path.stem or other.is_dir():
            continue
        if inside(other, model) is None:
            refused[name] = "leads out of the model's folder or is no file: not followed"
            continue
        try:
            open_image(other).close()
        except (OSError, ValueError) as error:
            refused[name] = str(error)
        else:
            images.append(other)
    return Siblings(tuple(images), refused)


def other_names(path: Path) -> list[str]:
    """Names beside `path` that mean the image of the same turn but are written otherwise; the first three.

    Example:
        >>> other_names(Path("no/such/folder/turn_1_output.png"))
        []
    """
    turn = _TURN.fullmatch(path.name)
    found = []
    for name in names_in(path.parent):
        match = _TURN.fullmatch(name)
        if match and turn and int(match[1]) == int(turn[1]) and Path(name).stem != path.stem:
            found.append(name)
    return found[:_SHOWN]


def likely_folder(model: Path, sample: Sample) -> Path | None:
    """The folder that probably holds a sample's answers, where the right one is absent."""
    return next((path for path in _likely(model, (sample.domain, sample.subdomain, sample.sample_id))), None)


def _likely(model: Path, parts: tuple[str, str, str]) -> Iterator[Path]:
    domain, subdomain, sample_id = parts
    yield from _written(model, (domain, subdomain), sample_id)
    for levels in ((subdomain,), (domain,), ()):  # too high
        yield from _written(model, levels, sample_id)
    for name in names_in(model):  # too deep
        yield from _written(model / name, (domain, subdomain), sample_id)


def _written(root: Path, levels: tuple[str, ...], sample_id: str) -> Iterator[Path]:
    """Folders below a root along levels of these names, written in any way, that end in a question's."""
    if not levels:
        question = re.compile(rf"(?:q|question)?[\s_-]*0*{re.escape(sample_id.lstrip('0') or '0')}", re.IGNORECASE)
        yield from (root / name for name in names_in(root) if question.fullmatch(name) and (root / name).is_dir())
        return
    for name in names_in(root):
        if _plain(name) == _plain(levels[0]):
            yield from _written(root / name, levels[1:], sample_id)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def names_in(folder: Path) -> list[str]:
    """Names in a folder, sorted; none where there is no such folder."""
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):  # absent, no folder, or a name that no file can have
        return []

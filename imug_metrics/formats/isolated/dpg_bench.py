# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Results of DPG-Bench: a line an image, its path, the scores of its crops and their mean, then a summary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from imug_metrics.formats.isolated.item_score import ItemScore
from imug_metrics.reading.files import Problems
from imug_metrics.reading.text_files import TextError, read_lines

_NUMBER = r"(?:nan|[-+.\de]{1,30})"
_LINE = re.compile(rf"(?P<path>.+\.(?:png|jpe?g|webp|bmp))(?P<scores>(?:, {_NUMBER})+)", re.IGNORECASE)
_SUMMARY = "Model: "  # begins what the released script appends


def is_dpg_bench(path: Path) -> bool:
    r"""Whether a file begins with a line of such results.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "results.txt")
        >>> _ = path.write_text("out/12.png, 0.5, 1.0, 0.75\n")
        >>> is_dpg_bench(path)
        True
    """
    try:
        _, first = next(read_lines(path), (0, ""))
    except (OSError, TextError):
        return False
    return isinstance(first, str) and _LINE.fullmatch(first.strip()) is not None


def read_dpg_bench(path: Path, problems: Problems) -> Iterator[ItemScore]:
    """Scores by item, the name of the image up to its first dot, as the released script finds items.

    The last number of a line is the mean of the others (`dpg_bench/compute_dpg_bench.py` of TencentQQGYLab/ELLA; its
    per-question answers are in another file). The summary at the end is left out.
    """
    try:
        for line, text in read_lines(path):
            if isinstance(text, str) and text.startswith(_SUMMARY):
                return
            found = _LINE.fullmatch(text.strip()) if isinstance(text, str) else None
            if found is not None:
                yield ItemScore(_item(found["path"]), _score(found["scores"]), line)
            elif not isinstance(text, str) or text.strip():
                problems.error(path, line, "", "expected the path of an image, its scores and their mean")
    except (OSError, TextError) as error:
        problems.error(path, None, "", f"could not be read: {error}")


def _item(image: str) -> str:
    return PurePosixPath(image.replace("\\", "/")).name.partition(".")[0]


def _score(scores: str) -> float:
    try:
        return float(scores.rpartition(",")[2])
    except ValueError:
        return float("nan")

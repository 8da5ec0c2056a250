# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A file of isolated results, of any format, to one score an item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from imug_metrics.formats.common.head import read_head
from imug_metrics.formats.isolated.dpg_bench import is_dpg_bench, read_dpg_bench
from imug_metrics.formats.isolated.item_score import ItemScore
from imug_metrics.formats.isolated.mmmu import is_mmmu, read_mmmu
from imug_metrics.formats.isolated.t2i_compbench import is_t2i_compbench, read_t2i_compbench
from imug_metrics.reading.files import Problems


def isolated_scores(path: Path, problems: Problems) -> dict[str, float] | None:
    """Scores by item, of a result file of MMMU, DPG-Bench or T2I-CompBench; None where it is of another format.

    An item that comes twice counts as it was first, and is told.

    Args:
        path: the file.
        problems: collects what is wrong.

    Raises:
        ArgumentError: of `path`, if it cannot be opened.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "vqa_result.json")
        >>> _ = path.write_text('[{"question_id": 0, "answer": "0.25"}, {"question_id": 1, "answer": "1.0"}]')
        >>> isolated_scores(path, Problems())
        {'0': 0.25, '1': 1.0}
    """
    found = _read(path, problems)
    return None if found is None else one_an_item(found, path, problems)


def one_an_item(found: Iterable[ItemScore], path: Path, problems: Problems) -> dict[str, float]:
    """Scores by item; of an item that comes again the first counts."""
    scores: dict[str, float] = {}
    for entry in found:
        if entry.item in scores:
            problems.error(path, entry.line, "", f"item {entry.item[:60]!r} is there already; the first counts")
        else:
            scores[entry.item] = entry.score
    return scores


def _read(path: Path, problems: Problems) -> Iterator[ItemScore] | None:
    head = read_head(path)
    if is_t2i_compbench(head.value):
        return read_t2i_compbench(path, problems)
    if is_mmmu(head.value):
        return read_mmmu(path, problems)
    return read_dpg_bench(path, problems) if is_dpg_bench(path) else None

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""VLMEvalKit: a prediction table in, the table out that `evaluate` of a dataset class has to return."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.formats import read_records
from imug_metrics.integrations.record_scores import score_records
from imug_metrics.suite import Given

if TYPE_CHECKING:
    import pandas as pd


def evaluate_table(
    path: Path | str,
    metrics: Given | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    images: Path | str | None = None,
    encoder: Any = None,
) -> pd.DataFrame:
    """Scores of a prediction table as the kit writes it (xlsx, tsv or json).

    Args:
        path: the table; see `imug_metrics.formats.vlmevalkit` for what it holds.
        metrics: as `ImugSuite` takes them; None: `AnswerAccuracy(detail=True)`.
        columns, images: as `imug_metrics.read_records` takes them.
        encoder: as `ImugSuite` takes it; image turns need one.

    Returns:
        One row, a column for each score under its name, and `problems`, the number of rows and cells that could not be
        read: what they held is in no score, and in no coverage either. A warning says which.

    Raises:
        ArgumentError: if the file is no such table, nothing can be read of it, or it holds several models.
        ModuleNotFoundError: if pandas, or openpyxl for a workbook, is not installed.

    Example:
        >>> import json, tempfile
        >>> row = {"index": 7, "question": ["Which? A. red B. blue", "And now?"], "answer": ["B", "A"]}
        >>> path = Path(tempfile.mkdtemp(), "mine_MMDU.json")
        >>> _ = path.write_text(json.dumps([{**row, "prediction": ["(B)", "B"]}]))
        >>> evaluate_table(path)[["answer_accuracy", "answer_accuracy_slope", "problems"]].iloc[0].to_dict()
        {'answer_accuracy': 0.5, 'answer_accuracy_slope': -1.0, 'problems': 0.0}
    """
    frames = require("pandas", purpose="evaluate_table")
    found = read_records(path, format="vlmevalkit", columns=columns, images=images)
    if len(found) != 1:
        told = f"several models, {', '.join(found)}" if found else "none" + found.problems.first_error(Path(path))
        raise ArgumentError("path", f"expected records of one model in {path}, found {told}")
    if found.problems.errors:
        first = found.problems.first_error(Path(path)).removeprefix("; ")
        warnings.warn(f"{found.problems.errors} rows or cells could not be read, the first: {first}", stacklevel=2)
    [records] = found.values()
    return frames.DataFrame([{**score_records(records, metrics, encoder=encoder), "problems": found.problems.errors}])

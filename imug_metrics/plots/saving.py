# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Figures as files: reproducible, and whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imug_metrics._files import write_bytes_whole
from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.plots.style import FILES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
"""What the files of each format do not say, so that a figure drawn twice is the same file."""


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as SVG, PDF or PNG, as the path ends. The same figure gives the same bytes.

    Text stays text, which can be searched and edited; a PNG has 300 points an inch. A figure of the width of a column
    (`publication`) goes into the paper without scaling.

    Args:
        figure: any matplotlib figure.
        path: ends in `.svg`, `.pdf` or `.png`; its folder must be there. A file of this name is replaced as a whole.

    Returns:
        The path.

    Raises:
        ArgumentError: if the path ends otherwise, or its folder is not there.
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> import tempfile
        >>> from imug_metrics import plots
        >>> figure, _ = plots.curves({"mine": {1: 0.9, 2: 0.8}})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plots.save(figure, f"{folder}/curve.pdf").name
        'curve.pdf'
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ArgumentError("path", f"expected a name that ends in .svg, .pdf or .png, got {path.name!r}")
    if not path.parent.is_dir():
        raise ArgumentError("path", f"expected a file in a folder that is there, got {str(path)!r}")
    matplotlib = require("matplotlib", extra="report", purpose="Plotting")
    content = io.BytesIO()
    with matplotlib.rc_context(FILES):
        figure.savefig(content, format=kind, metadata=FORMATS[kind])
    return write_bytes_whole(path, content.getvalue())

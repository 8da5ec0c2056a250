# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a document: a PDF or Word file that opens, shows something, holds text, and has some structure."""

from __future__ import annotations

import os

from imug_metrics.quality.docx import docx_quality
from imug_metrics.quality.pdf import pdf_quality
from imug_metrics.quality.result import Quality
from imug_metrics.quality.source import BrokenError, UnjudgedError, as_quality, read_bytes, suffix_of

MAX_BYTES = 64 * 1024 * 1024
"""Largest document that is opened."""


def document_quality(source: str | os.PathLike[str] | bytes) -> Quality:
    """No-reference quality of a PDF or Word document.

    The format is told by the first bytes. `pdf_quality` and
    `docx_quality` say what is measured.

    Args:
        source: Path or bytes of a PDF or DOCX file.

    Returns:
        The quality in [0, 1]; 0 for a file that cannot be opened or is empty; NaN for one that is too large, encrypted
        or of another format.

    Raises:
        ModuleNotFoundError: If pypdfium2 or python-docx is not installed.
        TypeError: If ``source`` is of another kind.

    Example:
        >>> document_quality(b"no document").reason
        'The file is neither PDF nor DOCX.'
    """
    return as_quality(lambda: _measured(read_bytes(source, MAX_BYTES), suffix_of(source)))


def _measured(content: bytes, suffix: str) -> Quality:
    if b"%PDF-" in content[:1024]:
        return pdf_quality(content)
    if content[:4] == b"PK\x03\x04":
        return docx_quality(content)
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise UnjudgedError("Word files of the old format, and encrypted ones, are not read.")
    if suffix not in ("", ".pdf", ".docx"):
        raise UnjudgedError(f"Documents with the ending {suffix} are not read.")
    raise BrokenError("The file is neither PDF nor DOCX.")

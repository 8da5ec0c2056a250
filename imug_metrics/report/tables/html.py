# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as HTML, for notebooks; the page shows them through the same template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imug_metrics.report.pages.render import environment

if TYPE_CHECKING:
    from imug_metrics.report.tables.table import Table


def html_table(table: Table) -> str:
    """The table as HTML; everything that a model or a data set wrote is escaped.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> "&lt;b&gt;" in html_table(Table(("Model",), [[(Cell("<b>"),)]]))
        True
    """
    macros = environment().get_template("parts.html").module
    return str(macros.table(table))  # type: ignore[attr-defined]

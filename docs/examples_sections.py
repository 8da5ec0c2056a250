# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Show docstrings' `Example:` sections as code; the site's reader of docstrings knows only the plural as a section."""

from __future__ import annotations

import re
from typing import Any

import griffe


class ExamplesSections(griffe.Extension):
    """Reads the singular as the plural."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called with every object once it is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.M)

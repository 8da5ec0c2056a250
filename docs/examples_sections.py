# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Show docstrings' examples and formulas as code: the site knows only `Examples:` as a section, and no directives."""

from __future__ import annotations

import re
from typing import Any

import griffe


class ExamplesSections(griffe.Extension):
    """Reads the singular as the plural, and `.. math::` as a block of code."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called with every object once it is loaded."""
        if obj.docstring is not None:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.M)
            obj.docstring.value = re.sub(r"^\.\. math:: *(.*)", r"    \1", text, flags=re.M)

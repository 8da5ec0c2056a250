# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How the site reads docstrings and signatures that are written for Python's own help."""

from __future__ import annotations

import inspect
import re
from typing import Any

import griffe


class ExamplesSections(griffe.Extension):
    """Reads `Example:` as `Examples:`, the only such section the site knows, and `.. math::` as a block of code."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called with every object once it is loaded."""
        if obj.docstring is not None:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.M)
            obj.docstring.value = re.sub(r"^\.\. math:: *(.*)", r"    \1", text, flags=re.M)


class SpelledOutOptions(griffe.Extension):
    """Shows the options of a metric in its constructor, with their defaults, as `help` does."""

    def on_function(self, *, func: griffe.Function, **kwargs: Any) -> None:
        """Called with every function once it is loaded."""
        options = [p for p in func.parameters if str(p.annotation) == "Unpack[MetricOptions]"]
        if not options or not func.parent.is_class:
            return
        del func.parameters[options[0].name]
        for parameter in inspect.signature(griffe.dynamic_import(func.parent.path)).parameters.values():
            if parameter.name not in func.parameters:
                func.parameters.add(_as_shown(parameter))


def _as_shown(parameter: inspect.Parameter) -> griffe.Parameter:
    optional = parameter.default is not inspect.Parameter.empty
    return griffe.Parameter(
        parameter.name,
        annotation=inspect.formatannotation(parameter.annotation).replace("typing.", ""),
        kind=griffe.ParameterKind[parameter.kind.name.lower()],
        default=repr(parameter.default) if optional else None,
    )

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Other models that a strategy asks, by their roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import as_argument
from imug_metrics.inference.model import Model
from imug_metrics.inference.models.specs import load_model


def load_roles(roles: Mapping[str, Model | str], load: Callable[[str], Model] = load_model) -> dict[str, Model]:
    """The models of roles; a text that is there several times names one model.

    Args:
        roles: models by role, or texts that name them.
        load: makes a model of a text.

    Raises:
        ArgumentError: if a text names none.
    """
    with as_argument("roles"):
        loaded = {spec: load(spec) for spec in dict.fromkeys(each for each in roles.values() if isinstance(each, str))}
    return {role: loaded[model] if isinstance(model, str) else model for role, model in roles.items()}


def parse_roles(texts: Iterable[str]) -> dict[str, str]:
    """Roles and the texts that name their models, from `ROLE=SPEC`.

    Raises:
        ArgumentError: if a text is of another form, or a role is there twice.

    Example:
        >>> parse_roles(["checker=openai:gpt-4o", "judger=python:mine.py:name_step"])
        {'checker': 'openai:gpt-4o', 'judger': 'python:mine.py:name_step'}
    """
    found: dict[str, str] = {}
    for text in texts:
        role, equals, spec = text.partition("=")
        if not role or not equals or not spec:
            raise ArgumentError("roles", f"expected ROLE=SPEC, as in checker=openai:gpt-4o, got {text!r}")
        if role in found:
            raise ArgumentError("roles", f"expected one model as {role}, got {found[role]} and {spec}")
        found[role] = spec
    return found

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is run, and how: the settings of a run, checked before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.contexts import ContextPadding
from imug_metrics.inference.histories import HistoryChoice
from imug_metrics.inference.limits import SpendLimits
from imug_metrics.inference.model import Model
from imug_metrics.inference.turn import Strategy
from imug_metrics.reading.fields import meant
from imug_metrics.reading.files import as_name


@dataclass(frozen=True)
class Settings:
    """The arguments of `imug_metrics.infer`; see there."""

    model: Model
    benchmark: Path
    out: Path
    name: str
    history: HistoryChoice
    references: Path | None
    isolated: bool
    strategy: Strategy
    samples: int
    seed: int
    concurrency: int
    limits: SpendLimits
    contexts: tuple[int, ...]
    retry_errors: bool
    overwrite: bool
    limit: int | None
    roles: Mapping[str, Model]

    def __post_init__(self) -> None:
        if not callable(self.model):
            raise ArgumentError("model", f"expected a function, a model or a text that names one, got {self.model!r}")
        self._check_roles()
        if as_name(self.name) != self.name or self.name.startswith("."):
            raise ArgumentError("name", f"expected the name of one folder, got {self.name!r}")
        for argument in ("samples", "concurrency", "limit"):
            value = getattr(self, argument)
            if value is not None and not _is_whole(value):
                raise ArgumentError(argument, f"expected a whole number from 1, got {value}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ArgumentError("seed", f"expected a whole number, got {self.seed!r}")
        if not all(_is_whole(tokens) for tokens in self.contexts) or len({*self.contexts}) < len(self.contexts):
            raise ArgumentError("contexts", f"expected different whole numbers from 1, got {self.contexts}")
        if self.isolated and self.history.needs_references:
            raise ArgumentError("isolated", "expected without another history: there is none")
        if self.references is not None and not (self.history.needs_references or self.contexts):
            raise ArgumentError("references", "expected together with a reference history or context lengths")
        if self.references is not None and not self.references.is_dir():
            raise ArgumentError("references", f"expected a folder of one model's outputs, got {self.references}")
        if self.out.exists() and not self.out.is_dir():
            raise ArgumentError("out", f"expected a folder, {self.out} is a file")
        if self.out.resolve().is_relative_to(self.benchmark.resolve()):
            raise ArgumentError("out", f"expected a folder outside of {self.benchmark}, which is read")

    @property
    def leaves_traces(self) -> bool:
        """Whether a part of the strategy writes chains of evidence."""
        return "reasoner" in getattr(self.strategy, "roles", ())

    def _check_roles(self) -> None:
        known = getattr(self.strategy, "roles", ())
        for role, model in self.roles.items():
            if role not in known:
                has = f"the roles {', '.join(known)}" if known else "no roles"
                hint = meant(str(role), known)
                raise ArgumentError("roles", f"the strategy {self.strategy.name} has {has}, got {role!r}{hint}")
            if not callable(model):
                raise ArgumentError("roles", f"expected a model as {role}, or a text that names one, got {model!r}")

    def describe(self, padding: ContextPadding | None) -> dict[str, Any]:
        """What changes the outputs, for a later run to be compared with.

        Args:
            padding: fills histories up; None: they stay as they are.
        """
        counter = None if padding is None else padding.counter
        return {
            "model": model_identity(self.model),
            "history": self.history.name,
            "references": None if self.references is None else str(self.references.resolve()),
            "isolated": self.isolated,
            "strategy": f"{self.strategy.name} {getattr(self.strategy, 'settings', '')}".rstrip(),
            "roles": "; ".join(f"{role}={model_identity(self.roles[role])}" for role in sorted(self.roles)) or None,
            "seed": self.seed,
            "context": None if padding is None else padding.budget,
            "tokenizer": None if counter is None else counter.name,
            "image_tokens": None if counter is None else counter.image_tokens,
        }


def model_identity(model: Model) -> str:
    """The model and what changes its replies, by which recorded replies are found."""
    return f"{model_name(model)} {getattr(model, 'settings', '')}".rstrip()


def model_concurrency(model: Model) -> int:
    """How many requests the model takes at a time."""
    return max(1, int(getattr(model, "concurrency", 1)))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def model_name(model: Model) -> str:
    """The model's own name, else that of its function or class."""
    name = getattr(model, "name", None) or getattr(model, "__name__", None) or type(model).__name__
    return str(name)

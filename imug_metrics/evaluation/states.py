# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of one evaluation, scored apart, as one: their files of states are added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from imug_metrics._files import write_bytes_whole
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.state_file import SavedState
from imug_metrics.report.tables.table import Table
from imug_metrics.report.terminal_tables import score_tables
from imug_metrics.stats import Repeats
from imug_metrics.suite import ImugSuite, ModelScores
from imug_metrics.suite.saved_models import suites_from_bytes, suites_to_bytes

MAX_BYTES = 2**31
"""Size of the largest file of states that is read: each model's have about a megabyte."""


@dataclass(frozen=True)
class MergedStates:
    """What parts of an evaluation say together.

    Attributes:
        suites: by model, the suite that has seen all parts.
    """

    suites: dict[str, ImugSuite]

    @cached_property
    def models(self) -> list[ModelScores]:
        """The scores of each model; rows of records are in no file of states."""
        return [
            ModelScores(model, suite.compute(), [], suite.reasons(), suite.descriptions())
            for model, suite in self.suites.items()
        ]

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """By model, every score under its flat name; NaN where undefined."""
        return {model.model: model.scores for model in self.models}

    @property
    def repeated(self) -> dict[str, Repeats]:
        """By model, how many dialogues came more than once, where that was noticed."""
        found: dict[str, Repeats] = {}
        for model in self.models:
            suite = self.suites[model.model]
            metrics = [suite[name] for name in suite.names]
            seen = [metric.repeated_dialogues for metric in metrics if isinstance(metric, DialogueMetric)]
            noticed = [repeats for repeats in seen if repeats is not None and repeats.noticed]
            if noticed:
                found[model.model] = max(noticed, key=lambda repeats: repeats.repeated)
        return found

    def tables(self) -> list[Table]:
        """The main scores as tables, one row a model."""
        return score_tables(self.models)

    def save(self, path: Path | str) -> Path:
        """Write the states of all parts as one file, which can be a part again."""
        return write_states(self.suites, path)


def merge_states(*parts: Path | str, model: str = "model") -> MergedStates:
    """Add up files of states, as `Evaluation.save_states` and `ImugSuite.to_bytes` write them.

    Args:
        parts: the files, at least one. Nothing in them is run, imported or loaded.
        model: name of the model whose files hold one suite, which has no name.

    Returns:
        The scores, those of one evaluation of all records: sums are added, so nothing is estimated from parts.

    Raises:
        ArgumentError: if a file is no file of states, or one that the files before cannot be added to; it names the
            file.
        OSError: if a file cannot be opened.

    Example:
        >>> import tempfile
        >>> import imug_metrics
        >>> records = [imug_metrics.Record(name, 1, "text", "Which?", text="B", target=name) for name in "AB"]
        >>> folder = Path(tempfile.mkdtemp())
        >>> for place, record in enumerate(records):
        ...     found = imug_metrics.evaluate({"mine": [record]}, keep_states=True)
        ...     _ = found.save_states(folder / f"{place}.states")
        >>> merge_states(folder / "0.states", folder / "1.states").scores["mine"]["answer_accuracy"]
        0.5
    """
    if not parts:
        raise ArgumentError("parts", "expected at least one file")
    merged: dict[str, ImugSuite] = {}
    for part in map(Path, parts):
        try:
            for name, suite in suites_from_bytes(_read(part), name=model).items():
                if name in merged:
                    merged[name].merge_state(suite)
                else:
                    merged[name] = suite
        except ValueError as error:
            raise ArgumentError("parts", f"{part}: {_told(error)}") from error
    return MergedStates(merged)


def write_states(suites: Mapping[str, ImugSuite | SavedState], path: Path | str) -> Path:
    """Write suites by model as one file, whole or not at all; its folder is made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_bytes_whole(path, suites_to_bytes(suites))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ArgumentError("parts", f"{path}: expected a file of at most {MAX_BYTES} bytes")
    return content


def _told(error: ValueError) -> str:
    """What is wrong with a file, which its reader calls `data` or `other`."""
    if isinstance(error, InputError) and error.argument in ("data", "other"):
        return f"expected it {str(error).partition('` ')[2].rstrip('.')}"
    return str(error)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The hidden folder beside a model's outputs: replies as they came, settings, what each turn cost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._files import write_bytes_whole
from imug_metrics._version import __version__
from imug_metrics.errors import ArgumentError
from imug_metrics.protocols.imug.usage import usage_folder
from imug_metrics.reading.files import Problems, read_json


@dataclass(frozen=True)
class RunFolder:
    """What a run keeps beside the outputs of one model.

    Attributes:
        root: the folder.
    """

    root: Path

    @classmethod
    def beside(cls, model: Path) -> RunFolder:
        """The folder that belongs to a folder of outputs.

        Raises:
            ArgumentError: if a link stands in its place, which would lead elsewhere.
        """
        found = cls(usage_folder(model))
        for path in (model, found.root, found.journal, found.images, found.scratch, found.settings, found.traces):
            if path.is_symlink():
                raise ArgumentError("out", f"expected a folder of its own, {path} is a link")
        return found

    @property
    def journal(self) -> Path:
        """Every reply, as it came."""
        return self.root / "journal.jsonl"

    @property
    def images(self) -> Path:
        """Images of replies, by the digest of their content."""
        return self.root / "images"

    @property
    def traces(self) -> Path:
        """The chains of evidence of all answers that have one."""
        return self.root / "traces.jsonl"

    @property
    def scratch(self) -> Path:
        """Files that are not whole yet."""
        return self.root / "scratch"

    @property
    def settings(self) -> Path:
        """How the run is made."""
        return self.root / "run.json"

    def make(self) -> None:
        """Make the folders; what an interrupted run left half-written is removed."""
        self.images.mkdir(parents=True, exist_ok=True)
        self.scratch.mkdir(exist_ok=True)
        for path in self.scratch.glob(".*.tmp"):  # and nothing else: a domain may have the folder's name
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget everything."""
        if self.root.is_dir():
            shutil.rmtree(self.root)

    def keep_settings(self, settings: Mapping[str, Any], *, is_empty: bool = False) -> None:
        """Write how the run is made.

        Args:
            settings: by name.
            is_empty: an earlier run has left nothing that other settings would be mixed with.

        Raises:
            ArgumentError: if the folder tells of a run that was made otherwise; it says what has changed.
        """
        before = None if is_empty or not self.settings.is_file() else read_json(self.settings, Problems())
        if isinstance(before, dict):
            changed = [name for name, value in settings.items() if before.get(name) != value]
            told = [f"{name} {json.dumps(before.get(name))}, now {json.dumps(settings[name])}" for name in changed]
            if told:
                cure = "name another folder or another name, or forget that run (overwrite)"
                raise ArgumentError("out", f"{self.root} tells of other settings ({'; '.join(told)}): {cure}")
        text = json.dumps({**settings, "imug_metrics": __version__}, indent=1) + "\n"
        write_bytes_whole(self.settings, text.encode(), self.scratch)

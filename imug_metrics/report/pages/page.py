# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imug_metrics.report.pages.render import render
from imug_metrics.report.sections import Report, Section


def page(report: Report, version: str, sections: Sequence[Section]) -> str:
    """The whole page as HTML.

    Args:
        report: what was found.
        version: the library's version.
        sections: what it shows, from top to bottom.
    """
    return render("page.html", title="Dialogue report", lead=_lead(report), sections=sections, version=version)


def _lead(report: Report) -> str:
    models = report.models
    dialogues = {str(item["dialogue"]) for model in models for item in model.items}
    turns = {(str(item["dialogue"]), int(item["turn"])) for model in models for item in model.items}
    parts = [_count(len(models), "model"), _count(len(dialogues), "dialogue"), _count(len(turns), "turn")]
    encoder: Any = report.manifest.get("encoder")
    if encoder:
        name = encoder.get("name", "") if isinstance(encoder, Mapping) else encoder
        parts.append(f"images and prompts compared by the encoder “{name}”")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

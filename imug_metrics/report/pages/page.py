# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imug_metrics.report.pages.render import render
from imug_metrics.report.sections import SECTIONS, Build, Report


def page(report: Report, version: str, sections: Sequence[Build] = SECTIONS) -> str:
    """The whole page as HTML.

    Args:
        report: what was found.
        version: the library's version.
        sections: what makes each section; those that have nothing to show are left out.
    """
    found = [section for build in sections if (section := build(report)) is not None]
    return render("page.html", title="Dialogue report", lead=_lead(report), sections=found, version=version)


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

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `imug-metrics unim`."""

from __future__ import annotations

from typing import Any

from imug_metrics.cli.command import Command
from imug_metrics.cli.epilogs import WITH_OUT


def add(commands: Any) -> None:
    """Add the command and its options."""
    unim = Command(
        commands,
        "unim",
        "score answers to UniM, in seven modalities",
        "Score a model's interleaved answers to UniM: strict and lenient structure, and with a judge "
        "semantic quality and coherence, by field, domain and difficulty with 95 % intervals by instance.",
        WITH_OUT,
    )
    records = "file or folder of records, as JSON objects on one line or many, or in arrays"
    unim.folder("--references", records, required=True, metavar="F")
    unim.folder("--outputs", "the model's answers, likewise", required=True, metavar="F")
    unim.folder("--out", "where report, numbers and problems go")
    unim.choice(
        "--text",
        ("tags", "prose", "ignore"),
        "tags",
        "what counts as an item of text: <text1> tags, also prose, or nothing",
    )
    unim.choice("--repeated", ("once", "each"), "once", "a tag that comes twice is one item or two")
    unim.switch("--need-files", "a tag counts only if its file is below --outputs")
    unim.choice("--missing", ("skip", "zero"), "zero", "what an instance without an answer counts as")
    unim.names(
        "--supports",
        "MODALITY",
        "modalities that the model can read and write: adds relative scores",
        repeated=False,
    )
    unim.text("--judge-url", "URL", "server of the judge, as OpenAI's; its key: OPENAI_API_KEY")
    unim.text("--judge-model", "NAME", "model of the judge: adds SQCS and ICS")
    unim.switch("--retry-errors", "ask again where an earlier reply cannot be used")
    unim.folder("--captions", "descriptions of the answers' media for the judge", metavar="FILE")
    unim.folder("--reference-captions", "descriptions of the references' media", metavar="FILE")
    unim.choice("--scale", ("grade", "grade/5"), "grade", "how a judge's grade s becomes a share: (s - 1) / 4 or s / 5")

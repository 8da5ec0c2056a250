# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""UniM (arXiv 2603.05075): its records read, its structure scores, and its coupled scores with a judge of your own."""

from imug_metrics.protocols.unim.captions import captioned_text, read_captions
from imug_metrics.protocols.unim.records import Answer, Instance, Key, read_answers, read_references
from imug_metrics.protocols.unim.scoring import Grades, Scored, score_structure, summarize, with_grades
from imug_metrics.reading.json_stream import read_objects

__all__ = [
    "Answer",
    "Grades",
    "Instance",
    "Key",
    "Scored",
    "captioned_text",
    "read_answers",
    "read_captions",
    "read_objects",
    "read_references",
    "score_structure",
    "summarize",
    "with_grades",
]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Checklists of outputs: lists of yes/no questions that judges answer one by one."""

from imug_metrics.checklists.asking import ask_checklists
from imug_metrics.checklists.items import ChecklistItem, JudgedOutput, by_dialogue, items_of
from imug_metrics.checklists.questions import checklist_request, read_answers

__all__ = [
    "ChecklistItem",
    "JudgedOutput",
    "ask_checklists",
    "by_dialogue",
    "checklist_request",
    "items_of",
    "read_answers",
]

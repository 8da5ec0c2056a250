# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The recorded dialogues as a task: each sample is one turn, which its metadata name."""

from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.solver import generate

from imug_metrics.integrations.inspect_ai import answers


@task
def rooms(data: str) -> Task:
    fields = FieldSpec(input="question", target="answer", id="id", metadata=["dialogue", "turn"])
    return Task(dataset=json_dataset(data, fields), solver=generate(), scorer=answers())

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One word has one meaning: the vocabulary holds the arguments of every `update`; signatures show all options."""

import inspect

import pytest
from torchmetrics import Metric

import imug_metrics
from imug_metrics import DialogueMetric
from imug_metrics.metrics.vocabulary import ARGUMENTS

PUBLIC = [getattr(imug_metrics, name) for name in imug_metrics.__all__]
METRICS = [
    found for found in PUBLIC if inspect.isclass(found) and issubclass(found, Metric) and found != DialogueMetric
]
SPREAD = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
OPTIONS = [
    name
    for name, parameter in inspect.signature(DialogueMetric).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
]


def taken(metric):
    parameters = list(inspect.signature(metric.update).parameters.values())[1:]
    return [parameter.name for parameter in parameters if parameter.kind not in SPREAD]


@pytest.mark.parametrize("metric", METRICS)
def test_every_argument_of_update_is_in_the_vocabulary(metric):
    assert set(taken(metric)) <= ARGUMENTS.keys()


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_every_word_of_the_vocabulary_is_used(argument):
    assert any(argument in taken(metric) for metric in METRICS)


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_a_meaning_fits_into_a_cell_of_a_table(argument):
    assert ARGUMENTS[argument].endswith(".")
    assert not {"\n", "|"} & set(ARGUMENTS[argument])


def test_all_metrics_share_ten_options():
    assert len(OPTIONS) == 10


@pytest.mark.parametrize("metric", [metric for metric in METRICS if issubclass(metric, DialogueMetric)])
def test_every_constructor_shows_the_options_of_all_metrics(metric):
    parameters = inspect.signature(metric).parameters
    assert [option for option in OPTIONS if option not in parameters] == []
    assert all(parameters[option].annotation is not inspect.Parameter.empty for option in OPTIONS)

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The readers there are: the one list of formats."""

from __future__ import annotations

from imug_metrics.formats.deepeval import DeepEvalReader
from imug_metrics.formats.evalscope import EvalScopeReader
from imug_metrics.formats.imug_folder import ImugReader
from imug_metrics.formats.inspect_log import InspectReader
from imug_metrics.formats.lmms_eval import LmmsEvalReader
from imug_metrics.formats.messages import MessagesReader
from imug_metrics.formats.openai import OpenAIReader
from imug_metrics.formats.parquet import ParquetReader
from imug_metrics.formats.protocol import Reader
from imug_metrics.formats.sharegpt import ShareGPTReader
from imug_metrics.formats.table import TableReader
from imug_metrics.formats.vlmevalkit import VLMEvalKitReader
from imug_metrics.formats.webdataset import WebDatasetReader

READERS: tuple[Reader, ...] = (
    OpenAIReader(),
    MessagesReader(),
    ShareGPTReader(),
    WebDatasetReader(),
    TableReader(),
    ParquetReader(),
    LmmsEvalReader(),
    InspectReader(),
    EvalScopeReader(),
    DeepEvalReader(),
    VLMEvalKitReader(),
    ImugReader(),
)

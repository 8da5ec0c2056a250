# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Own data and finished logs to records, one file a format; which format a file has is found by its content."""

from imug_metrics.formats.protocol import Head, Reader, ReadOptions, RecordAt, RecordsByModel
from imug_metrics.formats.read import read_records
from imug_metrics.formats.readers import READERS
from imug_metrics.formats.write import write_records

__all__ = ["READERS", "Head", "ReadOptions", "Reader", "RecordAt", "RecordsByModel", "read_records", "write_records"]

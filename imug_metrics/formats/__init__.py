# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Own data and finished logs to records, one file a format; which format a file has is found by its content."""

from imug_metrics.formats.protocol import Head, Reader, ReadOptions, RecordsByModel

__all__ = ["Head", "ReadOptions", "Reader", "RecordsByModel"]

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The version, apart, so that packaging reads it without importing torch."""

__version__ = "0.1.0"

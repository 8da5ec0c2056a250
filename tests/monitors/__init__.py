# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of monitors, and the simulation behind docs/quality/monitors.md."""

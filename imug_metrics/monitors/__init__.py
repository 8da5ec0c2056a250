# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Monitors of running services, which may be looked at after every turn."""

from imug_metrics.monitors.pooled_status import pooled_status
from imug_metrics.monitors.status import Change, MonitorStatus, Rate
from imug_metrics.monitors.verdict_monitor import VerdictMonitor

__all__ = ["Change", "MonitorStatus", "Rate", "VerdictMonitor", "pooled_status"]

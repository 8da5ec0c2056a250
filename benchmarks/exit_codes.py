# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How a worker ends that cannot go on though nothing is wrong with the run."""

LOST = 75  # the device refuses everything, and another process has to go on

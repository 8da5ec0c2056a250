# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What tells the better of several candidates: the model itself, a judge, a metric, a vote, a function."""

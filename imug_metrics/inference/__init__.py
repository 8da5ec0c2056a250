# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From a model to outputs that can be scored: the thin runner and its strategies."""

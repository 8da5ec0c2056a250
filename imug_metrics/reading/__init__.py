# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What people and models wrote, to values: choices, numbers, exact answers, tags, files. No torch."""

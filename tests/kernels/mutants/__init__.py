# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every constant, comparison, operator and mask of the kernels is changed, one at a time; a small case must notice.

`make mutants` runs all; `python -m tests.kernels.mutants --only rbf` runs one file.
"""

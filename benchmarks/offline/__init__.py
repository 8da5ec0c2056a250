# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the compiler makes of every Triton kernel, without a GPU: `python -m benchmarks.offline`."""

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where Triton is not installed the files that hold its kernels cannot be looked through for examples."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("triton") else ["imug_kernels/triton_kernels/*"]

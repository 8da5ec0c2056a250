# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Triton kernels and their launchers. Only `imug_kernels.ops` imports these files, once a CUDA tensor has arrived."""

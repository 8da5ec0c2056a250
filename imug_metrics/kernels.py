# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The fused similarity operations on packed rows, under the name of this package; they are those of `imug_kernels`."""

from imug_kernels import *  # noqa: F403  one list of names, there
from imug_kernels import __all__ as __all__

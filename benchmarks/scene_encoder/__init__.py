# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How the weights of the embedded scene encoder were trained, and every figure of its model card."""

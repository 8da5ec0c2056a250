# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The plain PyTorch form of every operation, forward and backward; it runs on any device."""

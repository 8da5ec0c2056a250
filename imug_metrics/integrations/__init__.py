# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The metrics in other harnesses and trainers, one file each; a file is imported where its harness is installed."""

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Words that the help of several commands shares."""

SPECS = "open_clip:MODEL:WEIGHTS, hf:FOLDER-OR-NAME, timm:MODEL[:FILE], or scene, for rendered scenes alone"
BENCHMARK = "holds data/ and config/"
KINDS = ("choice", "numeric", "exact", "f1")

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How often dialogues in pieces are noticed, and whole ones taken for such: `python -m tests.pieces`."""

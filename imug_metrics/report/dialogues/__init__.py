# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Single dialogues: what became of their turns, which are shown, and how they are laid out."""

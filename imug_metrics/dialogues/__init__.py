# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The ground: packed batches of dialogues, ids, inputs, rollouts, records."""

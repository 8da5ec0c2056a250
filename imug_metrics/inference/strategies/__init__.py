# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How a turn is answered: directly, with a chain of thought, verified, as the best of several."""

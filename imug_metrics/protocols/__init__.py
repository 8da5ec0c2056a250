# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Published evaluation protocols: their file layouts, and their numbers reproduced exactly."""

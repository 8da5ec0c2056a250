# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Groups of cases, one a module with a function of its name; a module is imported when its group is run."""

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Exit codes, and the error that a user can correct on the command line."""

EXIT_FINE = 0
EXIT_PROBLEMS = 1
EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class UsageError(Exception):
    """An argument is not as expected; the message names it."""

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main(program=f"python -m {__package__}"))

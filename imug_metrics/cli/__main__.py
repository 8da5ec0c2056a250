# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`python -m imug_metrics.cli`, for where the console script is not on the path."""

import sys

from imug_metrics.cli import main

sys.exit(main())

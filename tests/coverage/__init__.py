# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether intervals cover as often as they say, and comparisons err as rarely: simulated data whose truth is known.

A part of it is among the tests; `make coverage` runs all, and writes docs/quality/coverage.md.
"""

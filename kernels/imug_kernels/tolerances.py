# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Bounds that every implementation shares."""

# Cosines this close are equal. Rounding a row to float32 changes a component by at most 2**-24 of itself, so a cosine
# of two rounded rows by about 1.2e-7 and the difference of two cosines by 2.4e-7: four times that is a tie. The float64
# noise of another batch split (1e-15) is nine orders smaller, so equal rows tie in every split.
TIE = 1e-6

# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""identity_verification and verification_scores against their definitions and scikit-learn."""

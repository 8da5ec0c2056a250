# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What readers of every kind share: heads, lines, images, keys, archives and usual names."""

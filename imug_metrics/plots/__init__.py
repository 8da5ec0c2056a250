# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Figures for papers: plain data in, a matplotlib figure and axis out. Needs the extra `report` when they are drawn.

Every function draws for one column of a paper by itself; `publication` sets another width or font. `save` writes SVG,
PDF and PNG that are the same bytes whenever they are drawn.
"""

from imug_metrics.plots.curve_plot import curves
from imug_metrics.plots.forest_plot import forest
from imug_metrics.plots.gap_plot import gaps
from imug_metrics.plots.heat_map_plot import heat_map
from imug_metrics.plots.pareto_plot import pareto
from imug_metrics.plots.roc_plot import roc
from imug_metrics.plots.saving import save
from imug_metrics.plots.style import publication
from imug_metrics.plots.values import Point, Value

__all__ = ["Point", "Value", "curves", "forest", "gaps", "heat_map", "pareto", "publication", "roc", "save"]

"""When a household needs a thing again: probabilities from its own history and its category's.

Pure: values in, values out. What the numbers mean and how they are judged: docs/forecasts.md.
"""

from zodra_cloud.forecast.levels.learning import fit_levels
from zodra_cloud.forecast.levels.model import LevelModel
from zodra_cloud.forecast.model import Model, fit
from zodra_cloud.forecast.values import (
    HORIZONS_DAYS,
    LEVELS,
    Explanation,
    Forecast,
    History,
    LevelHistory,
    State,
)

__all__ = [
    "HORIZONS_DAYS",
    "LEVELS",
    "Explanation",
    "Forecast",
    "History",
    "LevelHistory",
    "LevelModel",
    "Model",
    "State",
    "fit",
    "fit_levels",
]

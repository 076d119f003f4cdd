"""The example of the documentation runs as it stands."""

import re
from pathlib import Path
from typing import Any

from zodra_cloud.forecast import HORIZONS_DAYS, Forecast, State

PAGE = Path(__file__).parents[3] / "docs" / "forecasts.md"


def test_the_example_in_the_docs_runs() -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(compile(found[1], str(PAGE), "exec"), names)  # the page promises that this runs
    forecast = names["forecast"]
    assert isinstance(forecast, Forecast)
    assert tuple(forecast.within) == HORIZONS_DAYS
    assert forecast.state is State.ACTIVE

"""Settings files that the standard library reads back unchanged."""

import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.demo.toml import Rows, to_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.booleans())
KEYS = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)


@given(st.dictionaries(KEYS, st.one_of(SCALARS, st.dictionaries(KEYS, SCALARS))))
def test_what_is_written_is_read_back(document: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(document)) == document  # type: ignore[arg-type]


def test_rows_become_an_array_of_tables_with_inline_tables_and_lists() -> None:
    rows = Rows(({"name": "a", "topics": ["x/#", "y"]}, {"name": "b", "options": {"air": "h:1"}}))
    assert tomllib.loads(to_toml({"data_dir": Path("/tmp/x y"), "users": rows})) == {
        "data_dir": "/tmp/x y",
        "users": [
            {"name": "a", "topics": ["x/#", "y"]},
            {"name": "b", "options": {"air": "h:1"}},
        ],
    }

"""The agent tells who is near, in memory, and counts it when it cannot."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from edge_frames import advert, bthome
from zodra_edge.agent.ears import Neighbours
from zodra_edge.nearby import Strangers
from zodra_edge.status import Tally, look_nearby, sole_owner, status_file


def test_who_is_near_is_written_and_read(tmp_path: Path) -> None:
    data_dir, runtime_dir = tmp_path / "data", tmp_path / "run"
    data_dir.mkdir()
    runtime_dir.mkdir()
    strangers, tally = Strangers(), Tally()
    frame = advert(bthome(b"\x00\x07\x3a\x01"), address="B4:35:22:00:00:02")
    strangers.heard(frame.address, -70, 1.0, partial(replace, frame))
    near = Neighbours(data_dir, runtime_dir, strangers, tally)
    with sole_owner(data_dir, status_file(data_dir, runtime_dir)):
        near.write()
        found = look_nearby(data_dir)
    assert found is not None
    assert [(one.address, one.parser) for one in found.strangers] == [(frame.address, "bthome")]
    assert tally.counts() == {}
    runtime_dir.joinpath(next(runtime_dir.iterdir())).unlink()
    runtime_dir.rmdir()
    near.write()
    assert tally.counts() == {"nearby_not_written": 1}

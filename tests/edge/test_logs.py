"""Logs are JSON lines, and libraries that print payloads are silent."""

import json
import subprocess
import sys

SPEAKER = """
import logging, structlog
from zodra_edge import logs
logs.set_up("info")
for name in ("bleak.backends.bluezdbus", "bthome_ble.parser", "mqtt", "aiomqtt", "paho.mqtt"):
    logging.getLogger(name).error("payload 0102 of A4:C1:38:00:00:01")
logging.getLogger("asyncio").error("a task failed")
structlog.get_logger().debug("too_fine")
structlog.get_logger().info("need_kept", signal_id="p_1")
try:
    raise ValueError("odd")
except ValueError:
    structlog.get_logger().exception("part_broke", part="radio")
"""


def test_every_line_is_json_and_no_library_prints_a_payload() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SPEAKER], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["a task failed", "need_kept", "part_broke"]
    assert all({"level", "at"} <= line.keys() for line in lines)
    assert "ValueError: odd" in lines[2]["exception"]
    assert "payload" not in ran.stderr

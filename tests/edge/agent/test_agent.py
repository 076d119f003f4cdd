"""The whole gateway as a process: from a frame to a receipt, and through SIGKILL."""

import asyncio
import json
import signal
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_broker import Cloud, client_of, free_port, until
from edge_frames import ADDRESS
from edge_gateway import Gateway, process, running
from faults import harness
from faults.mounts import mounted, run
from zodra_contract.command import Command, CommandOutcome
from zodra_contract.envelope import CommandAnswer, NeedBatch, TelemetryBatch, to_bytes
from zodra_contract.outcome import SignalOutcome, SignalState
from zodra_contract.topics import Down


def states(lights: list[dict[str, str]], device_id: str = "btn-kitchen") -> list[str]:
    return [light["state"] for light in lights if light["device_id"] == device_id]


async def test_a_press_is_kept_shown_and_carried_and_its_outcome_comes_back(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    async with running(gateway) as child:
        gateway.press(100)
        await until(lambda: states(lights) == ["kept"])
        await until(their_cloud.needs)
        ((_, signal_id),) = their_cloud.needs()
        for state in (SignalState.ASKED, SignalState.RECEIVED, SignalState.ORDERED):
            outcome = SignalOutcome(
                signal_id=signal_id,
                device_id="btn-kitchen",
                slot_key="button-1",
                state=state,
                decided_at=datetime.now(UTC),
            )
            await their_cloud.tell(Down.OUTCOME, to_bytes(outcome))
        await until(lambda: states(lights) == ["kept", "asked", "ordered"])
        assert {light["signal_id"] for light in lights} == {signal_id}
        child.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(child.wait, 10) == 0
    assert gateway.status()["need"]["depth"] == 0


async def test_the_same_press_heard_after_a_kill_is_the_same_press(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    async with running(gateway) as child:
        gateway.press(100)
        await until(lambda: states(lights) == ["kept"])
        child.kill()
    async with running(gateway):
        gateway.press(100)
        gateway.press(101)
        await until(lambda: states(lights) == ["kept", "kept"])
        await until(lambda: len({name for _, name in their_cloud.needs()}) == 2)
    assert len({sequence for sequence, _ in their_cloud.needs()}) == 2


async def test_a_press_while_the_cloud_is_deaf_survives_a_kill_and_arrives(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    their_cloud.answers = False
    async with running(gateway):
        gateway.press(7)
        await until(lambda: states(lights) == ["kept"])
    their_cloud.answers = True
    async with running(gateway):
        await until(lambda: gateway.status()["need"]["depth"] == 0)
    assert len(set(their_cloud.needs())) == 1


async def test_diapers_are_counted_over_a_kill_and_nothing_intimate_leaves(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    async def change(number: int) -> None:
        body = {
            "schema": 1,
            "event_id": f"e-{number}",
            "cry": {"confidence": 0.93},
            "breathing": {"rate_bpm": 31},
            "diaper": {"event": "change", "kind": "wet"},
        }
        async with client_of(gateway.broker_port) as monitor:
            await monitor.publish(gateway.baby, json.dumps(body), qos=1)

    async with running(gateway):
        await change(1)
        await until(lambda: gateway.status()["frames"]["used"] == 1)
    async with running(gateway):
        await change(1)
        await change(2)
        await until(lambda: states(lights, "baby-nursery") == ["kept"])
        await until(lambda: their_cloud.needs() and gateway.status()["telemetry"]["depth"] == 0)
    kinds = {
        row.kind
        for batch in their_cloud.of(TelemetryBatch)
        if isinstance(batch, TelemetryBatch)
        for row in batch.rows
    }
    assert kinds == {"remaining_units"}


async def test_bad_input_is_counted_by_reason_and_stops_nothing(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    async with running(gateway):
        async with client_of(gateway.broker_port) as monitor:
            await monitor.publish(gateway.baby, b"{not json", qos=1)
            await monitor.publish(gateway.baby, b"x" * 70_000, qos=1)
        with socket.socket(type=socket.SOCK_DGRAM) as air:
            for address, data in ((ADDRESS, "41" + "00" * 12), ("11:22:33:44:55:66", "44")):
                said = json.dumps({"address": address, "bthome": data}).encode()
                air.sendto(said, ("127.0.0.1", gateway.air_port))
        gateway.press(9)
        await until(lambda: states(lights) == ["kept"])
        wanted = {"not_json", "oversized", "unknown_device"}
        await until(lambda: wanted <= gateway.status()["refusals"].keys())


async def test_a_command_makes_a_light_blink_and_is_answered(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    now = datetime.now(UTC)
    asked = (
        ("identify", "btn-kitchen", now + timedelta(hours=1), CommandOutcome.DONE),
        ("identify", "btn-attic", now + timedelta(hours=1), CommandOutcome.UNKNOWN_DEVICE),
        ("dance", "btn-kitchen", now + timedelta(hours=1), CommandOutcome.UNSUPPORTED),
    )
    async with running(gateway):
        for number, (kind, device_id, expires_at, _) in enumerate(asked):
            command = Command(
                command_id=f"c-{number}", kind=kind, device_id=device_id, expires_at=expires_at
            )
            await their_cloud.tell(Down.COMMAND, to_bytes(command))
        await until(lambda: len(their_cloud.of(CommandAnswer)) == len(asked))
        await until(lambda: states(lights) == ["identify"])
    answers = {
        message.command_id: message.outcome
        for message in their_cloud.heard
        if isinstance(message, CommandAnswer)
    }
    assert answers == {f"c-{number}": asked[number][3] for number in range(len(asked))}


async def test_status_is_truthful_about_running_and_not_running(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    assert gateway.cli("status").returncode == 2
    async with running(gateway):
        gateway.press(100)
        await until(lambda: gateway.status()["clock_quality"] == "synced")
        healthy = await asyncio.to_thread(gateway.cli, "status")
        as_json = await asyncio.to_thread(gateway.cli, "status", "--json")
        second = await asyncio.to_thread(gateway.cli, "run")
    stopped = gateway.cli("status")
    assert healthy.returncode == 0, healthy.stdout
    assert "healthy" in healthy.stdout
    assert "light: kept" in healthy.stdout
    assert json.loads(as_json.stdout)["running"] is True
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert stopped.returncode == 2
    assert "NOT RUNNING" in stopped.stdout
    shown = gateway.cli("outbox", "show")
    assert "empty: the cloud has confirmed everything" in shown.stdout


async def test_a_home_without_cloud_still_keeps_and_says_that_it_is_degraded(
    gateway: Gateway, lights: list[dict[str, str]]
) -> None:
    text = gateway.config.read_text()
    port = f"port = {gateway.broker_port}"
    gateway.config.write_text(text.replace(port, f"port = {free_port()}", 1))
    with process(gateway) as child:
        await until(
            lambda: (
                gateway.status().get("home_mqtt", {}).get("connected")
                and gateway.status()["radio"][0]["scanning"]
            )
        )
        gateway.press(1)
        await until(lambda: states(lights) == ["kept"])
        page = await asyncio.to_thread(gateway.cli, "status")
        child.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(child.wait, 10) == 0
    assert page.returncode == 1
    assert "! the cloud cannot be reached" in page.stdout
    assert "1 waiting for a receipt" in page.stdout


def test_settings_that_cannot_be_used_stop_the_start_with_a_sentence(gateway: Gateway) -> None:
    gateway.config.write_text(gateway.config.read_text().replace('slot_key = "diapers"', ""))
    ran = gateway.cli("run")
    assert ran.returncode == 1
    assert "devices.1.slot_key" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def proven(their_cloud: Cloud) -> list[bool]:
    """Whether each need that came up was authenticated, by the order of first arrival."""
    found = {
        row.signal.signal_id: row.signal.authenticated
        for batch in their_cloud.of(NeedBatch)
        if isinstance(batch, NeedBatch)
        for row in batch.rows
    }
    return list(found.values())


async def test_a_button_whose_counter_was_lost_only_asks_until_its_epoch_is_raised(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    async with running(gateway):
        gateway.press(100)
        await until(lambda: states(lights) == ["kept"])
        await until(lambda: gateway.status()["need"]["depth"] == 0)
    path = gateway.folder / "data/need.db"
    path.write_bytes(b"\xa5" * path.stat().st_size)
    (path.parent / "need.db-wal").unlink(missing_ok=True)
    async with running(gateway):
        await until(lambda: gateway.status()["storage"]["state"] == "salvaged")
        # Recorded before the loss and played back: the cloud knows this very press by its name.
        gateway.press(100)
        gateway.press(101)
        await until(lambda: len(proven(their_cloud)) == 2)
        await until(lambda: gateway.status()["need"]["depth"] == 0)
        page = gateway.cli("status")
        assert "COUNTER UNKNOWN, its presses only ask" in page.stdout
        assert "damaged file set aside: need.db.damaged-" in page.stdout
        assert page.returncode == 1
    gateway.config.write_text(
        gateway.config.read_text().replace(
            'bind_key_file = "key"', 'bind_key_file = "key"\ncounter_epoch = 2'
        )
    )
    async with running(gateway):
        gateway.press(102)
        await until(lambda: len(proven(their_cloud)) == 3)
        await until(lambda: not gateway.status()["devices"][0]["counter_unknown"])
    assert sorted(proven(their_cloud)) == [False, False, True]


async def test_a_gateway_on_a_read_only_disk_says_so_and_keeps_again_without_a_restart(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    harness.need("needs_tmpfs")
    data = gateway.folder / "data"
    with mounted(data, "-t", "tmpfs", "-o", "size=32m", "none"):
        async with running(gateway):
            gateway.press(100)
            await until(lambda: states(lights) == ["kept"])
        run("mount", "-o", "remount,ro", data)

        def said() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(gateway.cli("status", "--json").stdout)
            return found

        with process(gateway) as child:
            await until(lambda: "storage_read_only" in said()["problems"])
            assert said()["running"]
            # Heard by the radio once that is up; it is told that it is not kept, each time.
            while "not_kept" not in states(lights):
                gateway.press(101)
                await asyncio.sleep(0.1)
            assert states(lights)[0] == "kept"
            assert "kept" not in states(lights)[1:]
            run("mount", "-o", "remount,rw", data)
            await until(lambda: "storage_read_only" not in said()["problems"], 15)
            gateway.press(102)
            await until(lambda: states(lights)[-1] == "kept")
            await until(lambda: len({name for _, name in their_cloud.needs()}) == 2)
            child.kill()
            child.wait(10)

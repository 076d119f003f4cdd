"""The whole examination: real files, a real broker with and without TLS, a radio without air."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aiomqtt
import pytest

import edge_air
from edge_broker import PASSWORD, USER
from edge_patient import ADDRESS, Patient, fill, running
from zodra_edge.doctor import Verdict, examine
from zodra_edge.outbox import Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import RadioPart, sole_owner


async def test_a_gateway_that_works_gets_ok_along_the_whole_way(patient: Patient) -> None:
    patient.rest = (
        f'[home_mqtt]\nhost = "127.0.0.1"\nport = {patient.port}\nusername = "{USER}"\n'
        'password_file = "password"\n[[devices]]\ndevice_id = "baby"\nfamily = "baby_monitor"\n'
        'slot_key = "diapers"\ntopic = "home/baby"\n'
    )
    patient.write()
    await fill(patient.data_dir)
    found = await patient.examine()
    fine = ("settings", "secret files", "dns", "cloud broker", "home broker", "outbox need")
    assert {name: found[name].verdict for name in fine} == dict.fromkeys(fine, Verdict.OK)
    assert f"down/hh-1/{patient.gateway_id}/+ (SUBACK code 1)" in found["cloud broker"].found
    assert "1 rows wait" in found["outbox need"].found
    assert "1 checksums match" in found["outbox need"].found
    assert found["quarantine"].found == "empty"
    assert "synced write took" in found["storage"].found
    assert found["connection"].verdict is Verdict.SKIPPED
    assert found["agent"].verdict is Verdict.WARN
    assert found["radio"].verdict is Verdict.SKIPPED
    assert not list(patient.data_dir.glob(".doctor*"))


async def test_the_session_of_a_running_agent_is_left_alone(patient: Patient) -> None:
    async with aiomqtt.Client(
        "127.0.0.1", patient.port, username=USER, password=PASSWORD, identifier=patient.gateway_id
    ) as agent:
        await agent.subscribe("still/here")
        found = await patient.examine()
        assert found["cloud broker"].verdict is Verdict.OK
        await agent.publish("still/here", b"yes", qos=1)
        async with asyncio.timeout(20):
            assert (await anext(agent.messages)).payload == b"yes"


async def test_settings_that_do_not_parse_leave_the_rest_unchecked(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("gateway_id = [")
    first, *rest = await examine(config)
    assert (first.name, first.verdict) == ("settings", Verdict.FAIL)
    assert "is not TOML" in first.found
    assert {finding.verdict for finding in rest} == {Verdict.SKIPPED}
    assert {"clock", "cloud broker", "outbox need", "radio"} <= {one.name for one in rest}


@pytest.mark.parametrize(
    ("rest", "found", "step"),
    [
        ("", "cannot read", "Put the file where the settings name it"),
        ("prot = 3", "cloud.prot: there is no such setting", "Correct the file"),
        ("[metrics]", "give either a port or a socket", "Correct the file"),
    ],
)
async def test_settings_that_cannot_be_used_say_which_and_what_to_do(
    patient: Patient, rest: str, found: str, step: str
) -> None:
    patient.cloud = rest
    config = patient.write()
    if not rest:
        (patient.folder / "password").unlink()
    first, secrets, *_ = await examine(config)
    assert found in first.found
    assert first.next_step.startswith(step)
    assert secrets.verdict is (Verdict.OK if rest else Verdict.FAIL)


async def test_settings_that_are_not_there_are_told_from_wrong_ones(tmp_path: Path) -> None:
    first, *_ = await examine(tmp_path / "gateway.toml")
    assert "No such file or directory" in first.found
    assert first.next_step.startswith("Write one, or name the right one with --config")


async def test_a_secret_that_others_may_read_is_a_warning(patient: Patient) -> None:
    config = patient.write()
    (patient.folder / "password").chmod(0o644)
    findings = {one.name: one for one in await examine(config, listen_s=0)}
    assert findings["secret files"].verdict is Verdict.WARN
    assert "chmod 600" in findings["secret files"].next_step


async def test_damage_to_the_outbox_is_found_and_nothing_is_changed(patient: Patient) -> None:
    patient.write()
    await fill(patient.data_dir)
    path = patient.data_dir / "need.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE need SET body = replace(body, 'PRESS', 'press') || ' '")
        connection.execute(
            "INSERT INTO quarantine (buffer_id, sequence, reason, body, set_aside_ms) "
            "VALUES ('b', 9, 'malformed', '{}', 0)"
        )
    found = await patient.examine()
    assert found["outbox need"].verdict is Verdict.WARN
    assert "1 of 1 rows looked at were changed on disk" in found["outbox need"].found
    assert "1 of need" in found["quarantine"].found
    before = path.read_bytes()
    broken = before[:1024] + bytes(len(before) - 1024)
    path.write_bytes(broken)
    found = await patient.examine()
    assert found["outbox need"].verdict is Verdict.FAIL
    assert "outbox salvage" in found["outbox need"].next_step
    assert found["outbox telemetry"].verdict is Verdict.OK
    assert path.read_bytes() == broken
    async with Outbox(patient.data_dir, OutboxLimits()):
        with sole_owner(patient.data_dir):
            found = await patient.examine()
    assert found["outbox need"].verdict is Verdict.OK
    assert found["set aside"].verdict is Verdict.WARN
    assert "need.db.damaged-" in found["set aside"].next_step


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE meta SET value = 1 WHERE name = 'next_sequence'", "counters were changed on disk"),
        (
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('zodra_need', '9999_future', '')",
            "written by a newer zodra-edge",
        ),
    ],
    ids=["counters", "newer"],
)
async def test_what_the_agent_would_set_aside_is_told_before_it_does(
    patient: Patient, statement: str, said: str
) -> None:
    patient.write()
    await fill(patient.data_dir)
    path = patient.data_dir / "need.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    found = (await patient.examine())["outbox need"]
    assert found.verdict is Verdict.FAIL
    assert said in found.found
    assert found.next_step


async def test_a_database_of_another_program_is_not_taken_for_ours(patient: Patient) -> None:
    patient.write()
    with contextlib.closing(sqlite3.connect(patient.data_dir / "need.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    assert "another program" in (await patient.examine())["outbox need"].found


async def test_the_agent_that_runs_is_asked_instead_of_disturbed(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.rest = '[radio]\nbackend = "nobody.there:create"\n'
    patient.write()
    radio = RadioPart(name="hci0", scanning=True, adverts_per_min=41, last_advert_age_s=1.0)
    with sole_owner(patient.data_dir):
        running(patient.data_dir, radio=(radio,))
        found = await patient.examine()
        assert found["agent"].verdict is Verdict.OK
        assert (
            found["radio"].found == "hci0 hears 41 advertisements a minute, says the running agent"
        )
        assert found["clock"].verdict is Verdict.OK
        deaf = radio.model_copy(update={"last_advert_age_s": None})
        running(patient.data_dir, radio=(deaf,), uptime_s=200)
        found = await patient.examine()
        assert found["radio"].verdict is found["agent"].verdict is Verdict.WARN
        running(patient.data_dir, radio=(radio.model_copy(update={"scanning": False}),))
        assert (await patient.examine())["radio"].verdict is Verdict.FAIL
    running(patient.data_dir)
    found = await patient.examine()
    assert "does not run" in found["agent"].found
    assert "cannot be loaded" in found["radio"].found


AIR = edge_air.Air()


async def create(_: Mapping[str, str]) -> edge_air.Backends:
    """Make a radio on which the kitchen's button is pressed as soon as somebody listens."""
    AIR.scanners.clear()
    loop = asyncio.get_running_loop()

    def press() -> None:
        AIR.advertise(ADDRESS, {})
        if AIR.scanners:
            loop.call_later(0.05, press)

    loop.call_later(0.05, press)
    return AIR.backends()


async def test_the_radio_is_listened_to_until_the_home_was_heard(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = type(sys)("air_of_doctor")
    module.create = create  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "air_of_doctor", module)
    patient.rest = (
        '[radio]\nbackend = "air_of_doctor:create"\n[[devices]]\ndevice_id = "btn-kitchen"\n'
        f'family = "button"\nslot_key = "button-1"\naddress = "{ADDRESS}"\n'
    )
    found = await patient.examine(listen_s=15)
    assert found["radio"].verdict is Verdict.OK
    assert "btn-kitchen at -61 dBm" in found["radio"].found
    assert AIR.closed
    assert AIR.scanners == []
    assert found["bluez"].verdict is Verdict.SKIPPED


async def test_what_does_not_answer_ends_at_its_limit(patient: Patient) -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    async with server:
        patient.port = server.sockets[0].getsockname()[1]
        plain = await patient.examine(limit_s=1)
        patient.cloud = "tls = true"
        tls = await patient.examine(limit_s=1)
        for writer in held:
            writer.close()
            await writer.wait_closed()
    assert plain["dns"].verdict is tls["dns"].verdict is Verdict.OK
    assert "says nothing in MQTT" in plain["cloud broker"].found
    assert "needs cloud.tls = true" in plain["cloud broker"].next_step
    assert "does not answer in TLS" in tls["connection"].found
    assert "TLS port, usually 8883" in tls["connection"].next_step
    assert tls["cloud broker"].verdict is Verdict.SKIPPED
    assert plain["storage"].verdict is not Verdict.SKIPPED


def test_the_command_prints_a_page_or_json_and_ends_with_the_code(patient: Patient) -> None:
    config = patient.write()
    command = [sys.executable, "-m", "zodra_edge", "doctor", "--config", str(config)]
    page = subprocess.run(command, capture_output=True, text=True, check=False)
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert "✓ ok" in page.stdout
    assert page.stderr == ""
    said = json.loads(told.stdout)
    verdicts = {finding["verdict"] for finding in said["findings"]}
    expected = 2 if "fail" in verdicts else 1
    assert told.returncode == said["exit_code"] == page.returncode == expected

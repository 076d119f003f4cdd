"""The way from the gateway to the cloud: its name, its port, TLS, the password and the time."""

import asyncio
from pathlib import Path

from edge_broker import USER, amqtt, free_port
from edge_certificates import write_certificate
from edge_patient import Patient
from zodra_edge.doctor import Verdict

from .test_sntp import Server as TimeServer


async def test_a_wrong_password_is_told_from_a_broker_that_is_away(
    patient: Patient, closed_broker_port: int
) -> None:
    patient.port = closed_broker_port
    refused = (await patient.examine())["cloud broker"]
    assert refused.verdict is Verdict.FAIL
    assert f"refuses the log-in of {USER}" in refused.found
    patient.port = free_port()
    away = await patient.examine()
    assert away["connection"].verdict is Verdict.FAIL
    assert away["connection"].found.endswith("cannot be reached: Connection refused")
    assert away["cloud broker"].verdict is Verdict.SKIPPED


async def test_a_name_that_nobody_knows_ends_the_way_there(patient: Patient) -> None:
    patient.host = "nowhere.invalid"
    found = await patient.examine()
    assert found["dns"].verdict is Verdict.FAIL
    assert "getent hosts nowhere.invalid" in found["dns"].next_step
    assert found["connection"].verdict is found["cloud broker"].verdict is Verdict.SKIPPED


async def test_tls_is_followed_to_the_day_on_which_it_ends(
    tmp_path: Path, patient: Patient
) -> None:
    trusted = write_certificate(tmp_path, "broker", days_left=60)
    other = write_certificate(tmp_path, "other")
    patient.port = free_port()
    with amqtt(tmp_path / "tls", patient.port, certificate=trusted):
        patient.cloud = f'tls = true\nca_file = "{trusted}"'
        good = await patient.examine()
        assert good["connection"].verdict is Verdict.OK
        assert "60 days left" in good["connection"].found
        assert good["cloud broker"].verdict is Verdict.OK
        patient.cloud = f'tls = true\nca_file = "{other}"'
        bad = await patient.examine()
        assert bad["connection"].verdict is Verdict.FAIL
        assert "is not trusted" in bad["connection"].found
        assert "it is of CN=broker, made by CN=broker" in bad["connection"].found
        assert bad["cloud broker"].verdict is Verdict.SKIPPED
        patient.cloud = 'tls = true\nca_file = "missing.pem"'
        assert "cloud.ca_file" in (await patient.examine())["connection"].found


async def test_a_certificate_that_ended_is_told_from_one_that_nobody_vouches_for(
    tmp_path: Path, patient: Patient
) -> None:
    ended = write_certificate(tmp_path, "broker", days_left=-3)
    patient.port = free_port()
    with amqtt(tmp_path / "tls", patient.port, certificate=ended):
        patient.cloud = f'tls = true\nca_file = "{ended}"'
        old = (await patient.examine())["connection"]
        patient.cloud = "tls = true"
        strange = (await patient.examine())["connection"]
    assert old.verdict is strange.verdict is Verdict.FAIL
    assert "certificate has expired" in old.found
    assert "renewed" in old.next_step
    assert "self-signed certificate" in strange.found
    assert "cloud.ca_file" in strange.next_step


async def test_a_certificate_near_its_end_is_a_warning(tmp_path: Path, patient: Patient) -> None:
    soon = write_certificate(tmp_path, "broker", days_left=5)
    patient.port = free_port()
    patient.cloud = f'tls = true\nca_file = "{soon}"'
    with amqtt(tmp_path / "tls", patient.port, certificate=soon):
        found = await patient.examine()
    assert found["connection"].verdict is Verdict.WARN
    assert "5 days left" in found["connection"].found


async def test_tls_towards_a_port_without_it_is_said(patient: Patient) -> None:
    def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no tls here\r\n" * 9)
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    async with server:
        patient.port = server.sockets[0].getsockname()[1]
        patient.cloud = "tls = true"
        found = await patient.examine()
    assert found["connection"].verdict is Verdict.FAIL
    assert "not with TLS" in found["connection"].found


async def test_the_clock_is_held_against_a_time_server_and_its_own_past(patient: Patient) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        TimeServer, local_addr=("127.0.0.1", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        patient.rest = f'[network_time]\nhost = "127.0.0.1"\nport = {port}\n'
        behind = (await patient.examine())["clock"]
        patient.write()
        (patient.data_dir / "time-floor").write_text("2099-01-01T00:00:00+00:00")
        back = (await patient.examine())["clock"]
    finally:
        transport.close()
    assert behind.verdict is Verdict.WARN
    assert "behind 127.0.0.1 (SNTP)" in behind.found
    assert back.verdict is Verdict.FAIL
    assert "it was 2099-01-01 00:00 here already" in back.found

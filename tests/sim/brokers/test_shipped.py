"""The files of deploy/broker, run as they are but for their paths, ports and addresses."""

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sim.brokers.brokers import (
    RunningBroker,
    cloud,
    free_port,
    password,
    require,
    running,
    until,
    write_config,
)
from zodra_contract.envelope import MESSAGE_BYTES_MAX
from zodra_sim.brokers import amqtt_server, mosquitto
from zodra_sim.brokers.access import Role, grants, subjects
from zodra_sim.brokers.programs import find
from zodra_sim.brokers.settings import HEADER_BYTES_MAX, User, load
from zodra_sim.clock import SystemClock

SHIPPED = Path(__file__).parents[3] / "deploy" / "broker"
SOON_S = 0.4
PACKET_BYTES_MAX = MESSAGE_BYTES_MAX + HEADER_BYTES_MAX


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.crt"
        self.path.write_bytes(
            self._build(self._name, self._key, authority=True).public_bytes(
                serialization.Encoding.PEM
            )
        )

    def issue(self, name: str, common_name: str) -> tuple[Path, Path]:
        """Sign a certificate; answer the paths of it and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate = self._build(subject, key, authority=False)
        crt, pem = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        crt.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return crt, pem

    def _build(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = SystemClock().now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self._key, hashes.SHA256())
        )


@contextmanager
def shipped_mosquitto(folder: Path, *names: str) -> Iterator[RunningBroker]:
    """Run mosquitto on shipped files, in the way Debian's own configuration includes them."""
    require("mosquitto")
    port = free_port()
    parts = folder / "conf.d"
    parts.mkdir()
    for name in names:
        text = (SHIPPED / name).read_text().replace("/etc/mosquitto/zodra", str(folder))
        text = re.sub(r"^listener \d+.*$", f"listener {port} 127.0.0.1", text, flags=re.M)
        (parts / name).write_text(text)
    for name in ("cloud.acl", "home.acl"):
        shutil.copy(SHIPPED / name, folder / name)
    main = folder / "mosquitto.conf"
    main.write_text(f"user root\nlog_dest stderr\ninclude_dir {parts}\n")
    broker = RunningBroker("mosquitto", folder, port)
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with open(folder / "broker.log", "ab") as log:
        broker.process = subprocess.Popen([program, "-c", str(main)], stdout=log, stderr=log)
    until(broker._listens, "mosquitto listens")
    try:
        yield broker
    finally:
        broker.end()


def passwords(folder: Path, *usernames: str) -> None:
    path = folder / "passwords"
    path.write_text("".join(f"{name}:{password(name)}\n" for name in usernames))
    subprocess.run(["mosquitto_passwd", "-U", str(path)], check=True, capture_output=True)


def over_tls(
    port: int,
    server_ca: Authority,
    *,
    username: str | None = None,
    certificate: tuple[Path, Path] | None = None,
) -> aiomqtt.Client:
    context = ssl.create_default_context(cafile=str(server_ca.path))
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return aiomqtt.Client(
        "localhost",
        port,
        username=username,
        password=password(username) if username else None,
        tls_context=context,
        timeout=10,
    )


def is_turned_away(port: int, server_ca: Authority, certificate: tuple[Path, Path] | None) -> bool:
    """Say whether a client is hung up on; in TLS 1.3 that shows when it first reads."""
    context = ssl.create_default_context(cafile=str(server_ca.path))
    if certificate is not None:
        context.load_cert_chain(*certificate)
    hello = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04gw-1"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                secured.sendall(hello)
                return secured.recv(4) == b""
        except (ssl.SSLError, ConnectionError):
            return True


async def speaks_for_itself_alone(gateway: aiomqtt.Client, ingest: aiomqtt.Client) -> None:
    """Check that one gateway's honest message comes, and its forged one does not."""
    async with ingest, gateway:
        await ingest.subscribe("up/+/+", qos=1)
        await gateway.publish("up/hh-1/gw-2", b"forged", qos=1)
        await gateway.publish("up/hh-1/gw-1", b"honest", qos=1)
        async with asyncio.timeout(10):
            first = await anext(aiter(ingest.messages))
        assert (str(first.topic), first.payload) == ("up/hh-1/gw-1", b"honest")
        await asyncio.sleep(SOON_S)
        assert len(ingest.messages) == 0


async def test_mosquitto_with_passwords_over_tls(tmp_path: Path) -> None:
    require("mosquitto")
    server_ca = Authority(tmp_path, "server-ca")
    server_ca.issue("server", "localhost")
    passwords(tmp_path, "gw-1", "cloud")
    with shipped_mosquitto(tmp_path, "cloud-passwords.conf", "limits.conf") as broker:
        await speaks_for_itself_alone(
            over_tls(broker.port, server_ca, username="gw-1"),
            over_tls(broker.port, server_ca, username="cloud"),
        )
        with pytest.raises(aiomqtt.MqttError):
            async with over_tls(broker.port, server_ca):
                pass


async def test_mosquitto_with_certificates(tmp_path: Path) -> None:
    require("mosquitto")
    server_ca, gateways_ca = Authority(tmp_path, "server-ca"), Authority(tmp_path, "gateways-ca")
    strangers_ca = Authority(tmp_path, "strangers-ca")
    server_ca.issue("server", "localhost")
    with shipped_mosquitto(tmp_path, "cloud-certificates.conf", "limits.conf") as broker:
        await speaks_for_itself_alone(
            # A user name in the packet does not count against the certificate's.
            over_tls(
                broker.port,
                server_ca,
                username="gw-2",
                certificate=gateways_ca.issue("gw", "gw-1"),
            ),
            over_tls(broker.port, server_ca, certificate=gateways_ca.issue("cloud", "cloud")),
        )
        for certificate in (None, strangers_ca.issue("stranger", "gw-1")):
            assert is_turned_away(broker.port, server_ca, certificate)


async def test_mosquitto_at_home(tmp_path: Path) -> None:
    require("mosquitto")
    passwords(tmp_path, "gw-home", "zigbee2mqtt", "baby-nursery")
    with (
        shipped_mosquitto(tmp_path, "home.conf", "limits.conf") as broker,
        cloud(broker.port, username="gw-home", topics=("zigbee2mqtt/#", "zodra/home/#")) as gateway,
        cloud(broker.port, username="baby-nursery", topics=("zodra/+/light/#",)) as baby,
        cloud(broker.port, username="zigbee2mqtt", topics=("zigbee2mqtt/#",)) as zigbee,
    ):
        baby.publish("zigbee2mqtt/trv-living", b"forged")
        baby.publish("zodra/home/baby/baby-nursery", b"diaper")
        zigbee.publish("zigbee2mqtt/trv-living", b"heating")
        gateway.publish("zodra/gw-home/light/baby-nursery", b"kept")
        for payload in (b"diaper", b"heating"):
            gateway.wait_for(payload)
        baby.wait_for(b"kept")
        assert b"forged" not in [payload for _, payload in gateway.heard + zigbee.heard]


def rules(text: str) -> set[str]:
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def test_the_shipped_list_is_the_one_that_is_tested() -> None:
    users = tuple(
        User.model_validate({"username": name, "role": role, "password_file": "x"})
        for name, role in (("gw-1", "gateway"), ("gw-2", "gateway"), ("cloud", "cloud"))
    )
    assert rules(mosquitto.access_list(users)) == rules((SHIPPED / "cloud.acl").read_text())


def test_the_shipped_limits_are_the_contracts() -> None:
    limits = (SHIPPED / "limits.conf").read_text()
    assert f"message_size_limit {MESSAGE_BYTES_MAX}\n" in limits
    assert f"max_packet_size {PACKET_BYTES_MAX}\n" in limits
    assert f"max_payload: {PACKET_BYTES_MAX}\n" in (SHIPPED / "nats.conf").read_text()


@pytest.mark.parametrize(("role", "name"), [(Role.CLOUD, "cloud"), (Role.GATEWAY, "gw-1")])
def test_nats_grants_what_the_others_grant(role: Role, name: str) -> None:
    text = (SHIPPED / "nats.conf").read_text()
    [entry] = re.findall(rf"user: {name}\n.*?subscribe {{ allow: \[.*?\]", text, re.S)
    own = grants(role, name)
    for kind, filters in (("publish", own.publish), ("subscribe", own.subscribe)):
        [allowed] = re.findall(rf"{kind} {{ allow: \[(.*?)\]", entry)
        assert re.findall(r'"(.*?)"', allowed) == [s for one in filters for s in subjects(one)]


def test_nats_accepts_the_shipped_file(tmp_path: Path) -> None:
    require("nats")
    Authority(tmp_path, "ca").issue("server", "localhost")
    config = tmp_path / "nats.conf"
    config.write_text(
        (SHIPPED / "nats.conf")
        .read_text()
        .replace("/etc/nats", str(tmp_path))
        .replace("/var/lib/nats", str(tmp_path / "store"))
    )
    checked = subprocess.run(
        [str(find("nats-server", None, "")), "-t", "-c", str(config)],
        env={"CLOUD_PASSWORD": "a-long-secret", "GW_1_PASSWORD": "another-secret"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_plain_amqtt_runs_on_the_shipped_file(tmp_path: Path) -> None:
    port = free_port()
    write_config("amqtt", tmp_path, port)
    written = amqtt_server.prepare(load(tmp_path / "broker.toml"))
    shipped = (SHIPPED / "amqtt.yaml").read_text().replace("/etc/zodra/broker", str(written.parent))
    plain = tmp_path / "amqtt.yaml"
    plain.write_text(shipped.replace("127.0.0.1:1883", f"127.0.0.1:{port}"))
    broker = RunningBroker("amqtt", tmp_path, port)
    program = Path(sys.executable).parent / "amqtt"
    with open(tmp_path / "broker.log", "ab") as log:
        broker.process = subprocess.Popen([str(program), "-c", str(plain)], stdout=log, stderr=log)
    try:
        until(broker._listens, "amqtt listens")
        with (
            cloud(port) as ingest,
            cloud(port, username="gw-1", topics=("down/hh-1/gw-1/+",)) as gateway,
        ):
            gateway.publish("up/hh-1/gw_2", b"forged")
            gateway.publish("up/hh-1/gw-1", b"honest")
            ingest.wait_for(b"honest")
            assert [payload for _, payload in ingest.heard] == [b"honest"]
    finally:
        broker.process.kill()
        broker.process.wait()


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    with running("amqtt", tmp_path):
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    assert modes == {"passwords": 0o600, "access.json": 0o600, "amqtt.yaml": 0o600}
    assert password("gw-1") not in (tmp_path / "data" / "passwords").read_text()

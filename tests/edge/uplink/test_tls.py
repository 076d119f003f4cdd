"""The way to the cloud under TLS: a certificate that is trusted, and one that is not."""

import gc
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from edge_broker import free_port, mosquitto, until
from zodra_edge.link import LinkState
from zodra_edge.settings import Cloud

from .test_uplink import edge, settings


def write_certificate(folder: Path, name: str) -> Path:
    """Write a key and a certificate of this machine that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


async def test_a_certificate_that_is_trusted_carries_the_conversation(
    tmp_path: Path, data_dir: Path, gateway_id: str
) -> None:
    port = free_port()
    trusted = write_certificate(tmp_path, "broker")
    wanted = settings(port, gateway_id, data_dir)
    cloud = Cloud(host="127.0.0.1", port=port, tls=True, ca_file=trusted)
    with mosquitto(tmp_path, port, certificate=trusted):
        async with edge(wanted.model_copy(update={"cloud": cloud})) as made:
            await until(lambda: made.uplink.status.state is LinkState.ONLINE)


# paho leaves the socket of a failed handshake to the collector, here and in the product.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_certificate_that_is_not_trusted_is_named_as_the_reason(
    tmp_path: Path, data_dir: Path, gateway_id: str
) -> None:
    port = free_port()
    other = write_certificate(tmp_path, "other")
    wanted = settings(port, gateway_id, data_dir)
    cloud = Cloud(host="127.0.0.1", port=port, tls=True, ca_file=other)
    with mosquitto(tmp_path, port, certificate=write_certificate(tmp_path, "broker")):
        async with edge(wanted.model_copy(update={"cloud": cloud})) as made:
            await until(lambda: made.uplink.status.reason == "certificate_not_trusted")
            assert made.uplink.status.state is not LinkState.ONLINE
    gc.collect()

"""Goes the way to the cloud step by step, and says at which one it ends."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, Final

import aiomqtt
from cryptography import x509

from zodra_contract.topics import Address, down_filter
from zodra_edge.clock import wall
from zodra_edge.doctor import judge
from zodra_edge.doctor.aside import aside, said
from zodra_edge.doctor.finding import Finding, fail, ok, skipped, warn
from zodra_edge.errors import LinkFault
from zodra_edge.settings import Cloud, Settings
from zodra_edge.uplink import connection

STEP_S_MAX: Final = 6.0
"""For each of the three steps, so that one which hangs does not hide what the others found."""


async def way(settings: Settings, step_s: float = STEP_S_MAX) -> list[Finding]:
    """Look the name up, open a connection, check its certificate, log in and subscribe.

    Args:
        settings: of the gateway.
        step_s: the longest that one of the three may take.
    """
    named = await _within(step_s, _dns(settings.cloud), _name_hangs(settings.cloud))
    if not named.verdict.lets_go_on:
        return [named, *_not_reached("connection", "cloud broker", why="its name is not known")]
    reached = await _within(step_s, _transport(settings.cloud), _port_hangs(settings.cloud))
    if not reached.verdict.lets_go_on:
        return [named, reached, *_not_reached("cloud broker", why="it could not be reached safely")]
    return [
        named,
        reached,
        await _within(step_s, _log_in(settings), _broker_hangs(settings.cloud)),
    ]


async def _within(step_s: float, step: Awaitable[Finding], otherwise: Finding) -> Finding:
    try:
        async with asyncio.timeout(step_s):
            return await step
    except TimeoutError:
        return otherwise


def _name_hangs(cloud: Cloud) -> Finding:
    return fail(
        "dns",
        f"no name server answers for {cloud.host}",
        "See that the network is up, and which name servers are asked: cat /etc/resolv.conf",
    )


def _port_hangs(cloud: Cloud) -> Finding:
    step = "See that cloud.host is right and that no firewall swallows the connection."
    if cloud.tls:
        step = f"{step[:-1]}, or set cloud.port to the broker's TLS port, usually 8883."
    what = "in TLS" if cloud.tls else "at all"
    return fail("connection", f"{cloud.host}:{cloud.port} does not answer {what}", step)


def _broker_hangs(cloud: Cloud) -> Finding:
    step = "See that an MQTT broker listens there."
    if not cloud.tls:
        step = "See that an MQTT broker listens there; one that expects TLS needs cloud.tls = true."
    return fail("cloud broker", f"{cloud.host}:{cloud.port} says nothing in MQTT", step)


def _not_reached(*names: str, why: str) -> list[Finding]:
    return [skipped(name, why) for name in names]


async def _dns(cloud: Cloud) -> Finding:
    name = "dns"
    try:
        ipaddress.ip_address(cloud.host)
    except ValueError:
        pass
    else:
        return ok(name, f"{cloud.host} is an address already")
    try:
        answers = await aside(
            lambda: socket.getaddrinfo(cloud.host, cloud.port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError) as fault:
        return fail(
            name,
            f"{cloud.host} has no address: {getattr(fault, 'strerror', None) or fault}",
            "See that the network is up and cloud.host is spelled right: getent hosts "
            f"{cloud.host}",
        )
    addresses = sorted({str(answer[4][0]) for answer in answers})
    return ok(name, f"{cloud.host} is {', '.join(addresses[:4])}")


async def _transport(cloud: Cloud) -> Finding:
    name = "connection"
    where = f"{cloud.host}:{cloud.port}"
    try:
        context = connection.tls_context(cloud) if cloud.tls else None
        _, writer = await asyncio.open_connection(cloud.host, cloud.port, ssl=context)
    except ssl.SSLCertVerificationError as fault:
        return await _not_trusted(cloud, fault)
    except ssl.SSLError as fault:
        return fail(
            name,
            f"{where} answers, but not with TLS ({fault.reason or fault})",
            "Set cloud.port to the broker's TLS port, usually 8883, or cloud.tls = false.",
        )
    except LinkFault as fault:
        return fail(name, str(fault), "Name a readable file of certificates as cloud.ca_file.")
    except OSError as fault:
        return fail(
            name,
            f"{where} cannot be reached: {said(fault)}",
            "See that the broker runs and that no firewall is in between; presses are kept "
            "meanwhile.",
        )
    try:
        return _judged(cloud, context, writer)
    finally:
        writer.transport.abort()


def _judged(cloud: Cloud, context: ssl.SSLContext | None, writer: asyncio.StreamWriter) -> Finding:
    if context is None:
        return _plain(cloud)
    ends = {"the broker's certificate": _end(writer.get_extra_info("peercert"))}
    if cloud.ca_file is not None:
        for trusted in context.get_ca_certs():
            ends[f"a certificate in {cloud.ca_file.name}"] = _end(trusted)
    whose = min(ends, key=lambda one: ends[one])
    version = writer.get_extra_info("ssl_object").version()
    return judge.certificate(ends[whose], whose, version, wall())


def _plain(cloud: Cloud) -> Finding:
    if _is_loopback(cloud.host):
        return skipped(
            "connection", "not used, and not needed on this machine itself; the port is open"
        )
    return warn(
        "connection",
        "the port is open, but the password and every press travel in the clear",
        "Set cloud.tls = true, and cloud.port to the broker's TLS port.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _end(certificate: Any) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


async def _not_trusted(cloud: Cloud, fault: ssl.SSLCertVerificationError) -> Finding:
    """Look at the certificate again without trusting it, to say what is wrong with it."""
    unsure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unsure.check_hostname = False
    unsure.verify_mode = ssl.CERT_NONE
    words = ""
    try:
        _, writer = await asyncio.open_connection(cloud.host, cloud.port, ssl=unsure)
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        shown = x509.load_der_x509_certificate(raw)
        words = (
            f"; it is of {shown.subject.rfc4514_string()}, made by "
            f"{shown.issuer.rfc4514_string()}, valid {shown.not_valid_before_utc:%Y-%m-%d} to "
            f"{shown.not_valid_after_utc:%Y-%m-%d}"
        )
    except (OSError, ValueError):
        words = ""
    return fail(
        "connection",
        f"the broker's certificate is not trusted: {fault.verify_message.rstrip('.')}{words}",
        judge.trust_step(fault.verify_code),
    )


async def _log_in(settings: Settings) -> Finding:
    name = "cloud broker"
    cloud, address = settings.cloud, Address(settings.household_id, settings.gateway_id)
    account = cloud.username or settings.gateway_id
    try:
        async with connection.client(
            cloud, settings.gateway_id, identifier=f"{settings.gateway_id}-doctor"
        ) as client:
            codes = await client.subscribe(down_filter(address), qos=1)
    except aiomqtt.MqttError as raised:
        fault = connection.fault(raised)
        if isinstance(fault, connection.Denied):
            return fail(
                name,
                f"refuses the log-in of {account}",
                "Have the account made, or write its present password in cloud.password_file.",
            )
        return fail(
            name,
            f"no MQTT conversation: {fault}",
            "See that cloud.host and cloud.port are those of an MQTT broker.",
        )
    except LinkFault as fault:
        return fail(name, str(fault), "Name a readable file of certificates as cloud.ca_file.")
    granted = [connection.number(code) for code in codes]
    if any(code >= connection.SUBSCRIPTION_REFUSED for code in granted):
        return fail(
            name,
            f"takes {account}, but refuses {down_filter(address)} (code {granted[0]})",
            "Without receipts nothing leaves the gateway: check household_id, gateway_id and the "
            "account's rights.",
        )
    return ok(
        name, f"takes {account}, and grants {down_filter(address)} (SUBACK code {granted[0]})"
    )

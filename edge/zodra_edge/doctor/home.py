"""Looks whether the home's own broker takes us."""

import aiomqtt

from zodra_edge.doctor.aside import said
from zodra_edge.doctor.finding import Finding, fail, ok, skipped
from zodra_edge.settings import Settings
from zodra_edge.uplink.connection import SUBSCRIPTION_REFUSED, Denied, fault, number

NAME = "home broker"
TIMEOUT_S = 10.0


async def broker(settings: Settings) -> list[Finding]:
    """Log in and subscribe to the topics of the home's devices."""
    home = settings.home_mqtt
    if home is None:
        return [skipped(NAME, "the settings name none")]
    topics = [device.topic for device in settings.devices if device.topic is not None]
    try:
        async with aiomqtt.Client(
            home.host,
            home.port,
            username=home.username,
            password=home.password.get_secret_value() if home.password else None,
            identifier=f"zodra-{settings.gateway_id}-doctor",
            clean_session=True,
            timeout=TIMEOUT_S,
        ) as client:
            codes = await client.subscribe([(topic, 0) for topic in topics]) if topics else ()
    except aiomqtt.MqttError as raised:
        return [_refused(settings, raised)]
    refused = [
        topic
        for topic, code in zip(topics, codes, strict=False)
        if number(code) >= SUBSCRIPTION_REFUSED
    ]
    if refused:
        return [
            fail(
                NAME,
                f"refuses {', '.join(refused[:3])}",
                "Give the account of [home_mqtt] the right to read these topics.",
            )
        ]
    return [ok(NAME, f"{home.host}:{home.port}, {len(topics)} topics granted")]


def _why(raised: aiomqtt.MqttError, known: Exception) -> str:
    cause = raised.__context__
    return said(cause) if isinstance(cause, OSError) else str(known)


def _refused(settings: Settings, raised: aiomqtt.MqttError) -> Finding:
    assert settings.home_mqtt is not None  # noqa: S101 - asked about by the only caller
    where = f"{settings.home_mqtt.host}:{settings.home_mqtt.port}"
    known = fault(raised)
    if isinstance(known, Denied):
        return fail(
            NAME,
            f"{where} refuses the log-in",
            "Correct home_mqtt.username and the file home_mqtt.password_file.",
        )
    return fail(
        NAME,
        f"{where} cannot be reached: {_why(raised, known)}",
        "See that the broker runs, for example: systemctl status mosquitto",
    )

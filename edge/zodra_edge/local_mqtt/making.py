"""The connections to the home's broker that its devices need."""

from collections.abc import Callable, Sequence

from zodra_edge.clock import Clock
from zodra_edge.decode.mqtt.registry import dialect_of, subscriptions
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.spoken import Dialect
from zodra_edge.local_mqtt.conversations import Conversations
from zodra_edge.local_mqtt.home import Deliver, HomeBroker, Statement
from zodra_edge.settings import HomeMqtt


def connections(
    settings: HomeMqtt,
    gateway_id: str,
    profiles: Sequence[DeviceProfile],
    clock: Clock,
    deliver: Deliver,
    count: Callable[[str], None],
) -> tuple[HomeBroker, HomeBroker | None]:
    """Make them.

    Returns:
        One for all devices, and another for those that speak Sparkplug, if there are any: there a
        host says by its last will that it is gone, and a connection has one will.
    """

    def make(name: str, of: list[DeviceProfile], statement: Statement | None) -> HomeBroker:
        topics = [topic for profile in of for topic in subscriptions(profile)]
        return HomeBroker(
            settings,
            name,
            tuple(dict.fromkeys(topics)),
            clock,
            deliver,
            count,
            Conversations(of),
            statement,
            tuple(profile.topic for profile in profiles if profile.topic is not None),
        )

    sparkplug = [p for p in profiles if dialect_of(p) is Dialect.SPARKPLUG]
    others = [p for p in profiles if dialect_of(p) is not Dialect.SPARKPLUG]
    if not sparkplug:
        return make(gateway_id, others, None), None
    from zodra_edge.decode.mqtt.sparkplug import session

    statement = Statement(session.state_topic(f"zodra-{gateway_id}"), session.state)
    return make(gateway_id, others, None), make(f"{gateway_id}-sparkplug", sparkplug, statement)

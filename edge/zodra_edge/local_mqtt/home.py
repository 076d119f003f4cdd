"""One connection to the home's broker.

paho on its own thread, not aiomqtt: as subscriber it takes 23,700 messages a second here against
12,100, and it lets a message be acknowledged after it was dealt with. The session is a lasting one
at QoS 1, so that a broker holds a message sent to it with QoS 1 while the gateway restarts.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from zodra_edge.clock import Clock
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.result import DecodeRefusal
from zodra_edge.decode.unread import UnreadList
from zodra_edge.errors import LinkFault
from zodra_edge.heard import Heard
from zodra_edge.local_mqtt.conversations import Conversations
from zodra_edge.local_mqtt.flood import Flood
from zodra_edge.local_mqtt.strangers import NEARBY, Copies, Strangers
from zodra_edge.local_mqtt.waiting import Waiting
from zodra_edge.settings import HomeMqtt

KEEPALIVE_S: Final = 20
CONNECT_S_MAX: Final = 10.0
USER_TIMEOUT_MS: Final = 20_000
LIGHTS_WAITING_MAX: Final = 256
"""One a device; the newest state of each waits for the broker to come back."""
FULL_WAIT_S: Final = 0.005
FULL_WAITS_MAX: Final = 1_000
"""Up to five seconds the broker is made to wait while the frame queue is full, by not reading from
it; then the message is dropped and counted, since a thread stuck for longer would miss a ping."""
TOPIC_CHARS_MAX: Final = 512
"""MQTT allows 65,535 bytes; topics are remembered, and no device needs that many."""
TOPICS_MAX: Final = 4_096
"""Topics that are known to have spoken since the connection began."""
SOURCE: Final = "home_mqtt"

Deliver = Callable[[MqttMessage, Callable[[], None]], bool]
"""Take a frame, and how to acknowledge it; False if the queue is full. Called on paho's thread."""


@dataclass(slots=True)
class HomeStatus:
    """How the connection stands."""

    connected: bool = False
    reason: str = "not_connected_yet"
    messages: int = 0
    strangers: int = 0
    """Topics heard on which devices speak that the settings do not name."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of us, retained, when we come and when we go: Sparkplug's STATE."""

    topic: str
    said: Callable[[bool, int], bytes]
    """Whether we are there, and when we came, in milliseconds since 1970."""


@dataclass(slots=True)
class _Session:
    client: paho.Client
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    subscribed: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""


class HomeBroker:
    """Hears the home's devices and sets their lights. `run` lasts until the connection is lost."""

    def __init__(
        self,
        settings: HomeMqtt,
        gateway_id: str,
        topics: Sequence[str],
        clock: Clock,
        deliver: Deliver,
        count: Callable[[str], None],
        conversations: Conversations | None = None,
        statement: Statement | None = None,
        devices: Sequence[str] = (),
    ) -> None:
        """Take the parts.

        Args:
            settings: where the broker is.
            gateway_id: names the session.
            topics: what to subscribe to; filters.
            clock: dates each message.
            deliver: takes each message.
            count: counts a refusal by reason; must bear being called on another thread.
            conversations: what messages build on; nothing if not given.
            statement: what is said of us; nothing if not given. With it, strangers are not heard.
            devices: the home's, as the settings name them, whoever hears them: no strangers.
        """
        self._settings = settings
        self._gateway_id = gateway_id
        self._topics = topics
        self._clock = clock
        self._deliver = deliver
        self._count = count
        self._client: paho.Client | None = None
        self._lights: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._strangers = Strangers(topics, devices)
        self._copies = Copies()
        self._spoken: set[str] = set()
        self._flood = Flood(settings.device_messages_per_s_max)
        self._conversations = conversations or Conversations(())
        self._statement = statement
        self._came_ms = 0
        self.unread = UnreadList()
        self.status = HomeStatus()

    async def run(self) -> None:
        """Connect, subscribe and hear until the connection ends.

        Raises:
            LinkFault: when it ends, or never began. The supervisor comes back after a while.
        """
        loop = asyncio.get_running_loop()
        session = _Session(self._make_client())
        self._attach(session, loop)
        host, port = self._settings.host, self._settings.port
        try:
            await asyncio.to_thread(session.client.connect, host, port, KEEPALIVE_S)
        except OSError as fault:
            raise self._fault("unreachable", f"{host}:{port}: {fault.strerror}") from fault
        self._set_up_tcp(session.client)
        session.client.loop_start()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await session.subscribed.wait()
            if not session.reason:
                self._online(session.client)
                await session.ended.wait()
            raise self._fault(session.reason or "lost", f"{host}:{port}")
        except TimeoutError as fault:
            raise self._fault("no_answer", f"{host}:{port}") from fault
        finally:
            self._client = None
            if self.status.connected:
                # Whoever leaves by the door takes the will along.
                self._state(session.client, False)
            self.status.connected = False
            session.client.disconnect()
            await asyncio.to_thread(session.client.loop_stop)

    def publish(self, topic: str, payload: bytes) -> None:
        """Set a light; the newest state waits if the broker is away."""
        with self._lock:
            client = self._client
            if client is None:
                if topic in self._lights or len(self._lights) < LIGHTS_WAITING_MAX:
                    self._lights[topic] = payload
                else:
                    self._count("light_dropped")
                return
        client.publish(topic, payload, qos=1)

    def _online(self, client: paho.Client) -> None:
        with self._lock:
            waiting, self._lights = self._lights, {}
            self._client = client
        for topic, payload in waiting.items():
            client.publish(topic, payload, qos=1)
        self._state(client, True)
        self.status.connected = True
        self.status.reason = ""

    def _state(self, client: paho.Client, online: bool) -> None:
        if self._statement is not None:
            said = self._statement.said(online, self._came_ms)
            client.publish(self._statement.topic, said, qos=1, retain=True)

    def _fault(self, reason: str, where: str) -> LinkFault:
        self.status.reason = reason
        return LinkFault(reason, f"the home's broker at {where}: {reason}")

    def _make_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"zodra-{self._gateway_id}",
            clean_session=False,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_queued_messages_set(LIGHTS_WAITING_MAX)
        if self._statement is not None:
            self._came_ms = int(self._clock.now().at.timestamp() * 1000)
            last = self._statement.said(False, self._came_ms)
            client.will_set(self._statement.topic, last, qos=1, retain=True)
        if self._settings.username is not None:
            password = self._settings.password
            client.username_pw_set(
                self._settings.username, password.get_secret_value() if password else None
            )
        return client

    def _attach(self, session: _Session, loop: asyncio.AbstractEventLoop) -> None:
        """Set the callbacks; they run on paho's thread."""

        def tell(event: asyncio.Event, reason: str = "") -> None:
            session.reason = session.reason or reason
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

        def on_connect(
            client: paho.Client, _: Any, flags: paho.ConnectFlags, code: ReasonCode, __: Any
        ) -> None:
            if not code.is_failure:
                self._waiting.connected(flags.session_present, self._clock.now().monotonic_ms)
                self._spoken.clear()
            if code.is_failure:
                tell(session.subscribed, "not_authorised")
            elif self._topics:
                ours = [(topic, 1) for topic in self._topics]
                nearby = (
                    [] if self._statement else [(t, 0) for t in NEARBY if t not in self._topics]
                )
                client.subscribe(ours if self._statement else ours + nearby)
            else:
                tell(session.subscribed)

        def on_subscribe(_: Any, __: Any, ___: Any, codes: list[ReasonCode], ____: Any) -> None:
            # A broker may keep strangers from us, but not our own devices.
            refused = any(code.is_failure for code in codes[: len(self._topics)])
            tell(session.subscribed, "subscription_refused" if refused else "")

        def on_disconnect(_: Any, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
            self._waiting.lost(self._clock.now().monotonic_ms)
            tell(session.subscribed, "lost")
            tell(session.ended)

        session.client.on_connect = on_connect
        session.client.on_subscribe = on_subscribe
        session.client.on_disconnect = on_disconnect
        session.client.on_message = self._on_message

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        self.status.messages += 1
        mid, qos = message.mid, message.qos

        def done() -> None:
            if qos:
                client.ack(mid, qos)

        frame = self._frame(client, message)
        if frame is None:
            done()
            return
        for _wait in range(FULL_WAITS_MAX):
            if self._deliver(frame, done):
                return
            threading.Event().wait(FULL_WAIT_S)
        self._count("frame_queue_full")
        done()

    def _frame(self, client: paho.Client, message: paho.MQTTMessage) -> MqttMessage | None:
        """Make a frame of a message, or count why it is none."""
        topic, payload, heard = message.topic, bytes(message.payload), self._clock.now()
        if len(topic) > TOPIC_CHARS_MAX:
            self._count(DecodeRefusal.OVERSIZED)
            return None
        device = self._strangers.owner(topic)
        if device is None:
            self._hear_stranger(topic, payload, heard)
            return None
        if self._copies.is_copy(topic, payload, message.qos, heard.monotonic_ms):
            return None
        if not self._flood.lets(device, heard.monotonic_ms):
            self._count("flood")
            return None
        if len(payload) > self._settings.message_bytes_max:
            self._count(DecodeRefusal.OVERSIZED)
            detail = f"at most {self._settings.message_bytes_max} bytes"
            self.unread.note(topic, payload, DecodeRefusal.OVERSIZED, detail, heard.at)
            return None
        context, reply = self._conversations.follow(topic, payload, heard.monotonic_ms, heard.at)
        if reply is not None:
            self._count("rebirth_asked")
            client.publish(reply.topic, reply.payload, qos=0)
        is_first = topic not in self._spoken and len(self._spoken) < TOPICS_MAX
        if is_first:
            self._spoken.add(topic)
        return MqttMessage(
            SOURCE,
            topic,
            payload,
            message.retain,
            heard,
            self._waiting.ms_max(heard.monotonic_ms),
            self._waiting.away_ms_max if is_first else 0,
            context,
        )

    def _hear_stranger(self, topic: str, payload: bytes, heard: Heard) -> None:
        reason = DecodeRefusal.UNKNOWN_DEVICE
        for where, what in self._strangers.introduce(topic, payload):
            self.unread.note(where, payload, reason, what, heard.at)
            if self._strangers.is_new(where):
                self.status.strangers = len(self._strangers)
                self._count(reason)

    @staticmethod
    def _set_up_tcp(client: paho.Client) -> None:
        opened = client.socket()
        if not isinstance(opened, socket.socket):
            return
        # Acknowledgements and lights are small, and none should wait for the one before it.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)

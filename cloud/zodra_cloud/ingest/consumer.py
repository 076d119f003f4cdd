"""Takes messages from the broker, has them stored, answers, and only then acknowledges.

Three parts, two threads: paho's thread fills the inbox; the worker drains it into one transaction,
publishes the receipts and acknowledges. When the inbox is full, paho's thread waits and the broker
is not read from: what the cloud cannot store waits in the broker and at the gateways, in order,
and nothing is dropped.

A message is acknowledged after the commit of what it holds. No correctness rests on that, since a
gateway keeps its rows until the receipt; it saves the resending.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt
import psycopg
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from sqlalchemy.exc import SQLAlchemyError

from zodra_cloud.ingest.reader import Delivery, Reader, Received, Refusal
from zodra_cloud.ingest.writer import Answer, Writer
from zodra_cloud.kit.broker import BrokerDown
from zodra_cloud.store.jobs import backoff_s
from zodra_contract.topics import UP_FILTER

ROWS_PER_COMMIT_MAX: Final = 5_000
"""Measured: from 500 to 5,000 rows a commit PostgreSQL gains 60 %, beyond that next to nothing."""
INBOX_MESSAGES_MAX: Final = 2_000
INBOX_COMMITS: Final = 4
"""The inbox holds at most the rows of so many commits: about 50 MB once read."""
KEEPALIVE_S: Final = 30
SEND_TIMEOUT_S: Final = 5.0
FAULT_WAIT_S_MAX: Final = 10.0
RECONNECT_S_MAX: Final = 10

_FAULTS: Final = (SQLAlchemyError, sqlite3.Error, psycopg.Error, OSError)

_log = structlog.get_logger("zodra_cloud.ingest")


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Where the broker is and who we are there."""

    host: str
    port: int
    username: str
    password: str
    client_id: str
    """The same after each restart: the broker keeps what came meanwhile for this name. Random,
    since mosquitto and NATS throw a session out for any client that knows its name (measured,
    docs/brokers.md)."""
    tls: bool = False
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that was read and not yet stored."""

    message: Received | Refusal
    token: tuple[int, int, int]
    """Connection, message number and QoS, to acknowledge it by."""

    @property
    def rows(self) -> int:
        """What it counts for towards the bounds."""
        return max(1, getattr(self.message, "row_count", 1))


class Inbox:
    """A bounded queue whose full state holds the producer up."""

    def __init__(self, messages_max: int, rows_max: int) -> None:
        self._messages_max = messages_max
        self._rows_max = rows_max
        self._waiting: deque[Waiting] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._closed = False

    def put(self, one: Waiting) -> bool:
        """Add a message, after waiting for room; False once closed."""
        with self._changed:
            # One message alone always fits, however large.
            while (
                not self._closed
                and self._waiting
                and (
                    len(self._waiting) >= self._messages_max
                    or self._rows + one.rows > self._rows_max
                )
            ):
                self._changed.wait()
            if self._closed:
                return False
            self._waiting.append(one)
            self._rows += one.rows
            self._changed.notify_all()
            return True

    def take(self, rows_max: int) -> list[Waiting]:
        """Wait for messages, and give those that are there, up to about `rows_max` rows.

        Empty once closed.
        """
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            taken: list[Waiting] = []
            rows = 0
            while self._waiting and rows < rows_max:
                taken.append(self._waiting.popleft())
                rows += taken[-1].rows
            self._rows -= rows
            self._changed.notify_all()
            return taken

    @property
    def used(self) -> float:
        """Say how much of it is used, from 0 to 1."""
        with self._changed:
            messages = len(self._waiting) / self._messages_max
            return min(1.0, max(messages, self._rows / self._rows_max))

    def close(self) -> None:
        """Let everyone who waits go on; what is in it is forgotten, unacknowledged."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._rows = 0
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._waiting)


class Consumer:
    """The cloud's one connection to the broker; also the rooms' `Broker` for the way down."""

    def __init__(
        self,
        access: BrokerAccess,
        writer: Writer,
        *,
        rows_per_commit_max: int = ROWS_PER_COMMIT_MAX,
        inbox_messages_max: int = INBOX_MESSAGES_MAX,
    ) -> None:
        self._access = access
        self._writer = writer
        self._rows_max = rows_per_commit_max
        self._inbox = Inbox(inbox_messages_max, INBOX_COMMITS * rows_per_commit_max)
        self._reader = Reader()
        self._stopping = threading.Event()
        self._subscribed = threading.Event()
        self._generation = 0
        self._worker = threading.Thread(target=self._work, name="ingest", daemon=True)
        self._client = self._make_client()
        self.fault: str | None = None
        """Name of the database fault that holds ingest up now, for /healthz; None if none does."""

    def start(self) -> None:
        """Begin; the connection is made, and made again, in the background."""
        self._worker.start()
        self._client.connect_async(self._access.host, self._access.port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self, timeout_s: float) -> None:
        """End within about `timeout_s`; what is not committed stays with the broker."""
        self._stopping.set()
        self._inbox.close()
        self._worker.join(timeout_s)
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Whether the broker has us and has confirmed the subscription."""
        return self._subscribed.is_set()

    def send(self, topic: str, payload: bytes) -> None:
        """Send down at QoS 1 and wait for the broker's word; see `Broker.send`."""
        self.send_all([(topic, payload)])

    def send_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send many down and wait once for the broker's word on all; see `Broker.send_all`."""
        if not messages:
            return
        if not self._client.is_connected():
            raise BrokerDown("not connected")
        sent = [self._client.publish(topic, payload, qos=1) for topic, payload in messages]
        try:
            # A broker acknowledges in the order of arrival (MQTT 3.1.1, 4.6).
            sent[-1].wait_for_publish(SEND_TIMEOUT_S)
            taken = all(message.is_published() for message in sent)
        except (RuntimeError, ValueError) as fault:
            raise BrokerDown(str(fault)) from fault
        if not taken:
            raise BrokerDown(f"not acknowledged within {SEND_TIMEOUT_S} s")

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._access.client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )
        client.username_pw_set(self._access.username, self._access.password)
        if self._access.tls:
            client.tls_set(ca_certs=self._access.ca_file)
        client.reconnect_delay_set(min_delay=1, max_delay=RECONNECT_S_MAX)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _props: Any
    ) -> None:
        if code.is_failure:
            _log.error("broker_refused_us", code=str(code))
            return
        self._generation += 1
        client.subscribe(UP_FILTER, qos=1)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: Any,
        _mid: int,
        codes: list[ReasonCode],
        _props: Properties | None,
    ) -> None:
        if any(code.is_failure for code in codes):
            _log.error("broker_refused_subscription", filter=UP_FILTER)
            return
        self._subscribed.set()
        _log.info("broker_connected", host=self._access.host, port=self._access.port)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _props: Any
    ) -> None:
        self._subscribed.clear()
        if not self._stopping.is_set():
            _log.warning("broker_gone", code=str(code))

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        # Read in this thread, so that it goes on while the worker waits for the database.
        read = self._reader.read(Delivery(message.topic, bytes(message.payload)))
        self._inbox.put(Waiting(read, (self._generation, message.mid, message.qos)))

    def _work(self) -> None:
        while taken := self._inbox.take(self._rows_max):
            self._writer.look_at_queue(self._inbox.used)
            answers = self._store([each.message for each in taken])
            if answers is None:
                return
            self._publish(answers)
            self._acknowledge(taken)

    def _store(self, messages: list[Received | Refusal]) -> list[Answer] | None:
        """Store until it succeeds; None if the service stops first."""
        failures = 0
        while True:
            try:
                answers = self._writer.store(messages)
            except _FAULTS as fault:
                failures += 1
                self.fault = type(getattr(fault, "orig", None) or fault).__name__
                wait_s = min(FAULT_WAIT_S_MAX, backoff_s(failures))
                _log.error(
                    "ingest_held_up", fault=self.fault, messages=len(messages), wait_s=wait_s
                )
                if self._stopping.wait(wait_s):
                    return None
            else:
                if self.fault is not None:
                    _log.info("ingest_goes_on", failures=failures)
                self.fault = None
                return answers

    def _publish(self, answers: list[Answer]) -> None:
        for answer in answers:
            # QoS 0: a receipt that is lost is sent again when the rows come again.
            self._client.publish(answer.topic, answer.payload, qos=0)

    def _acknowledge(self, stored: list[Waiting]) -> None:
        generation = self._generation
        for each in stored:
            heard_in, message_id, qos = each.token
            # A number from before a reconnect may name another message by now.
            if heard_in == generation:
                self._client.ack(message_id, qos)

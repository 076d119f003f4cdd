"""The shop's SQLite file: what it has answered yes to survives a SIGKILL and a power cut."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from zodra_sim.shop.documents import Order, OrderEvent, OrderStatus, Session, SessionStatus
from zodra_sim.shop.faults import Faults

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS stock (
    sku TEXT PRIMARY KEY,
    units INTEGER NOT NULL CHECK (units >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS price_history (
    sku TEXT NOT NULL,
    since INTEGER NOT NULL,
    price INTEGER NOT NULL CHECK (price > 0),
    PRIMARY KEY (sku, since)
) STRICT;
CREATE TABLE IF NOT EXISTS checkout_sessions (
    session_id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES checkout_sessions (session_id),
    reference TEXT NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    placed_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ship_at INTEGER NOT NULL,
    deliver_at INTEGER NOT NULL,
    canceled_for TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_reference ON orders (reference);
CREATE INDEX IF NOT EXISTS orders_under_way ON orders (ship_at)
    WHERE status IN ('placed', 'shipped');
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (order_id)
) STRICT;
CREATE TABLE IF NOT EXISTS refunds (
    key TEXT PRIMARY KEY,
    refund_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    amount INTEGER NOT NULL CHECK (amount > 0)
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_by_order ON refunds (order_id);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    body TEXT,
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_order ON events (order_id);
CREATE INDEX IF NOT EXISTS events_due ON events (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL
) STRICT;
"""

APPLICATION_ID: Final = 0x5A4F5348
"""ZOSH: tells a shop's file from any other SQLite file."""

_SESSION = TypeAdapter(Session)

_ORDERS: Final = (
    "SELECT o.order_id, s.document, o.status, o.revision, o.placed_at, o.updated_at, "
    "o.ship_at, o.deliver_at, o.canceled_for "
    "FROM orders o JOIN checkout_sessions s USING (session_id)"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """An order event that the merchant's customer has not taken yet."""

    event_id: str
    order_id: str
    body: str
    occurred_at: datetime
    attempts: int


class Store:
    """One connection and one lock: whoever has the lock is alone with the file.

    Args:
        path: the file; it is made if missing.
        readonly: only look, beside the shop that has the file open.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._lock = threading.RLock()
        self._faults: Faults | None = None
        """As committed; this process alone changes them, and asks for each request."""
        if readonly:
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Do several things or none of them; on disk when it ends."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    # Stock and prices

    def open_stock(self, units: Iterable[tuple[str, int]]) -> None:
        """Put items on the shelf that were never there."""
        self._db.executemany("INSERT OR IGNORE INTO stock (sku, units) VALUES (?, ?)", units)

    def units(self, sku: str) -> int:
        """Count what is left of an item."""
        row = self._db.execute("SELECT units FROM stock WHERE sku = ?", (sku,)).fetchone()
        return int(row[0]) if row else 0

    def move_stock(self, sku: str, by: int) -> None:
        """Take units off the shelf, or put them back; going below zero fails."""
        self._db.execute("UPDATE stock SET units = units + ? WHERE sku = ?", (by, sku))

    def note_price(self, sku: str, price: int, at: datetime) -> None:
        """Add to the price history if this is not the latest price already."""
        row = self._db.execute(
            "SELECT price FROM price_history WHERE sku = ? ORDER BY since DESC LIMIT 1", (sku,)
        ).fetchone()
        if row is None or row[0] != price:
            self._db.execute(
                "INSERT OR REPLACE INTO price_history (sku, since, price) VALUES (?, ?, ?)",
                (sku, _ms(at), price),
            )

    def prices(self, sku: str) -> list[tuple[datetime, int]]:
        """List what an item has cost, and since when."""
        rows = self._db.execute(
            "SELECT since, price FROM price_history WHERE sku = ? ORDER BY since", (sku,)
        )
        return [(_at(since), price) for since, price in rows.fetchall()]

    # Checkout sessions

    def put_session(self, session: Session) -> None:
        """Keep a session as it now is."""
        self._db.execute(
            "INSERT INTO checkout_sessions (session_id, status, document) VALUES (?, ?, ?) "
            "ON CONFLICT (session_id) DO UPDATE SET "
            "status = excluded.status, document = excluded.document",
            (session.session_id, session.status, _SESSION.dump_json(session).decode()),
        )

    def session(self, session_id: str) -> Session | None:
        """Find a session."""
        row = self._db.execute(
            "SELECT document FROM checkout_sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        return _SESSION.validate_json(row[0]) if row else None

    # Orders

    def put_order(self, order: Order) -> None:
        """Keep an order as it now is."""
        self._db.execute(
            "INSERT INTO orders (order_id, session_id, reference, status, revision, placed_at, "
            "updated_at, ship_at, deliver_at, canceled_for) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (order_id) DO UPDATE SET status = excluded.status, "
            "revision = excluded.revision, updated_at = excluded.updated_at, "
            "canceled_for = excluded.canceled_for",
            (
                order.order_id,
                order.session.session_id,
                order.session.reference,
                order.status,
                order.revision,
                _ms(order.placed_at),
                _ms(order.updated_at),
                _ms(order.ship_at),
                _ms(order.deliver_at),
                order.canceled_for,
            ),
        )

    def order(self, order_id: str) -> Order | None:
        """Find an order."""
        found = self._orders("WHERE o.order_id = ?", order_id)
        return found[0] if found else None

    def orders_with(self, reference: str) -> list[Order]:
        """Find the orders under a client's reference, oldest first."""
        return self._orders("WHERE o.reference = ?", reference)

    def order_of(self, session_id: str) -> Order | None:
        """Find the order that a session became."""
        found = self._orders("WHERE o.session_id = ?", session_id)
        return found[0] if found else None

    def orders(self) -> list[Order]:
        """List all orders, oldest first."""
        return self._orders("")

    def orders_due(self, now: datetime) -> list[Order]:
        """List the orders that should have moved on by now."""
        return self._orders(
            # What an index can answer: a hundred thousand delivered orders are not read ten
            # times a second. A parcel that has not left is not there either.
            "WHERE o.status IN ('placed', 'shipped') AND o.ship_at <= ? "
            "AND (o.status = 'placed' OR o.deliver_at <= ?)",
            _ms(now),
            _ms(now),
        )

    def _orders(self, where: str, *bound: object) -> list[Order]:
        with self._lock:
            rows = self._db.execute(
                f"{_ORDERS} {where} ORDER BY o.placed_at, o.rowid", bound
            ).fetchall()
            return [
                Order(
                    order_id=row[0],
                    session=_SESSION.validate_json(row[1]),
                    status=OrderStatus(row[2]),
                    revision=row[3],
                    placed_at=_at(row[4]),
                    updated_at=_at(row[5]),
                    ship_at=_at(row[6]),
                    deliver_at=_at(row[7]),
                    canceled_for=row[8],
                    events=self._events(row[0]),
                )
                for row in rows
            ]

    def _events(self, order_id: str) -> tuple[OrderEvent, ...]:
        rows = self._db.execute(
            "SELECT event_id, type, occurred_at FROM events WHERE order_id = ? ORDER BY number",
            (order_id,),
        ).fetchall()
        return tuple(OrderEvent(row[0], row[1], _at(row[2])) for row in rows)

    # Idempotency keys

    def order_under(self, key: str) -> tuple[str, Order] | None:
        """Find what a key was used for: the fingerprint of the request, and its order."""
        row = self._db.execute(
            "SELECT fingerprint, order_id FROM idempotency_keys WHERE key = ?", (key,)
        ).fetchone()
        order = self.order(row[1]) if row else None
        return (row[0], order) if order else None

    def keep_key(self, key: str, fingerprint: str, order_id: str) -> None:
        """Remember what a key was used for; the first use stays."""
        self._db.execute(
            "INSERT OR IGNORE INTO idempotency_keys (key, fingerprint, order_id) VALUES (?, ?, ?)",
            (key, fingerprint, order_id),
        )

    # Refunds

    def refund_under(self, key: str) -> tuple[str, str, int] | None:
        """Find what a key gave back: the refund's id, its order and its amount."""
        row = self._db.execute(
            "SELECT refund_id, order_id, amount FROM refunds WHERE key = ?", (key,)
        ).fetchone()
        return (row[0], row[1], row[2]) if row else None

    def refunded(self, order_id: str) -> int:
        """Add up what was given back on an order."""
        row = self._db.execute(
            "SELECT coalesce(sum(amount), 0) FROM refunds WHERE order_id = ?", (order_id,)
        ).fetchone()
        return int(row[0])

    def add_refund(self, key: str, refund_id: str, order_id: str, amount: int) -> None:
        """Note that money was given back."""
        self._db.execute(
            "INSERT INTO refunds (key, refund_id, order_id, amount) VALUES (?, ?, ?, ?)",
            (key, refund_id, order_id, amount),
        )

    # Events

    def add_event(self, order_id: str, event: OrderEvent) -> None:
        """Note that something happened to an order."""
        self._db.execute(
            "INSERT INTO events (event_id, order_id, type, occurred_at) VALUES (?, ?, ?, ?)",
            (event.event_id, order_id, event.type, _ms(event.occurred_at)),
        )

    def post(self, event_id: str, body: str, at: datetime) -> None:
        """Queue an event for the webhook."""
        self._db.execute(
            "UPDATE events SET body = ?, due_at = ? WHERE event_id = ?", (body, _ms(at), event_id)
        )

    def letters(self, now: datetime, limit: int) -> list[Letter]:
        """List events that are due at the webhook, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT event_id, order_id, body, occurred_at, attempts FROM events "
                "WHERE due_at <= ? ORDER BY number LIMIT ?",
                (_ms(now), limit),
            ).fetchall()
        return [Letter(row[0], row[1], row[2], _at(row[3]), row[4]) for row in rows]

    def answered(self, event_id: str, answer: str, again_at: datetime | None) -> None:
        """Note the webhook's answer to an event, and when to try again, if at all."""
        self._db.execute(
            "UPDATE events SET attempts = attempts + 1, last_answer = ?, due_at = ? "
            "WHERE event_id = ?",
            (answer, _ms(again_at) if again_at else None, event_id),
        )

    # Faults

    def faults(self) -> Faults:
        """Tell what is wrong with the shop just now."""
        faults = self._faults
        if faults is None:
            with self._lock:
                row = self._db.execute("SELECT document FROM faults WHERE id = 1").fetchone()
                faults = Faults.model_validate_json(row[0]) if row else Faults()
                if not self._db.in_transaction:
                    self._faults = faults
        return faults

    def put_faults(self, faults: Faults) -> None:
        """Change what is wrong with the shop; it stays so over a restart."""
        self._db.execute(
            "INSERT OR REPLACE INTO faults (id, document) VALUES (1, ?)",
            (faults.model_dump_json(),),
        )
        # Read anew after the commit: a unit that is rolled back has changed nothing.
        self._faults = None


def expired(session: Session, now: datetime) -> bool:
    """Tell whether a session has run out."""
    return session.status is SessionStatus.READY and session.expires_at <= now


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)

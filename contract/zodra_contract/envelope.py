"""What a gateway sends up and what comes back as receipt: version, buffer id, sequence, bytes.

A row's identity is (gateway, buffer id, sequence). Two lanes never share a buffer: need-moments
go first and are never given up for telemetry.

Growth. Fields may be added to any message, and columns to the end of a telemetry row; a reader of
this version ignores them. A change that an old reader must not ignore raises `VERSION`; a reader
answers a version above its own with `newer_version`, which makes the sender keep the row.

Compression. A sender may put any message in one zstd frame. The reader tells by the frame's magic
number, which no JSON text begins with; see `is_compressed`.
"""

import json
from collections.abc import Sequence as Rows
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BeforeValidator, Field, TypeAdapter, ValidationError

from zodra_contract.command import Command, CommandOutcome
from zodra_contract.errors import MalformedMessage, NewerVersion
from zodra_contract.ids import BootId, BufferId, CommandId, DeviceId, GatewayId, Id, Sequence
from zodra_contract.message import Message
from zodra_contract.outcome import RejectReason, SignalOutcome
from zodra_contract.reading import ReadingValue
from zodra_contract.signal import NeedSignal, TimeQuality

VERSION: Final = 1
"""Major version of every message; see Growth above."""

MESSAGE_BYTES_MAX: Final = 256 * 1024
"""As sent, compressed or not; larger is refused as oversized at the first hop."""
MESSAGE_BYTES_UNPACKED_MAX: Final = 1024 * 1024
"""After decompression; a reader stops unpacking here, so a small frame cannot fill its memory."""
NEED_ROWS_MAX: Final = 500
TELEMETRY_ROWS_MAX: Final = 1_000

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


def is_compressed(raw: bytes) -> bool:
    """Tell a zstd frame from JSON text by its first four bytes (RFC 8878, section 3.1.1)."""
    return raw[:4] == _ZSTD_MAGIC


class _Header(Message):
    version: int = VERSION
    gateway_id: GatewayId
    """Must equal the gateway of the topic, and the account that published it."""
    boot_id: BootId
    sent_at: AwareDatetime


class _Batch(_Header):
    buffer_id: BufferId
    kept_from: Sequence
    """Every row of this buffer below this sequence is receipted, or was given up and counted. The
    watermark may pass over what the gateway no longer has."""


class NeedRow(NamedTuple):
    """One need-moment in its place in the buffer."""

    sequence: Sequence
    signal: NeedSignal


class NeedBatch(_Batch):
    """Need-moments, in the order of their sequence."""

    lane: Literal["need"] = "need"
    rows: Annotated[tuple[NeedRow, ...], Field(min_length=1, max_length=NEED_ROWS_MAX)]


class TelemetryRow(NamedTuple):
    """One reading in its place in the buffer; five columns, since most bytes sent are these."""

    sequence: Sequence
    device_id: DeviceId
    kind: Id
    """A `ReadingKind` that goes up. A plain string, so that one unknown kind refuses one row."""
    value: ReadingValue
    offset_ms: Annotated[int, Field(ge=-(2**53), le=2**53)]
    """`observed_at` as milliseconds after the batch's `base_at`."""


class TelemetryBatch(_Batch):
    """Readings that may leave the home."""

    lane: Literal["telemetry"] = "telemetry"
    base_at: AwareDatetime
    quality: TimeQuality
    error_ms: Annotated[int, Field(ge=0)]
    rows: Annotated[tuple[TelemetryRow, ...], Field(min_length=1, max_length=TELEMETRY_ROWS_MAX)]


class AdapterHealth(Message):
    """How one radio is doing. A quiet home and a deaf radio look alike; so show the silence."""

    name: str
    last_advert_age_s: Annotated[float, Field(ge=0)] | None
    """None until the first advertisement since the start."""
    adverts_per_min: Annotated[float, Field(ge=0)]
    strangers: Annotated[int, Field(ge=0)] = 0
    """Advertisers heard within the last minute that are nobody's here. Usual, and no refusal."""
    stage: Id | None = None
    """Where it stands on the recovery ladder, such as `hearing` or `cycled`. A plain string, like
    the next two, so that a name which is new to the reader does not cost the report."""
    mode: Id | None = None
    """How it listens: `active` or `passive`."""
    rungs: Annotated[dict[Id, Annotated[int, Field(ge=0)]], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """What the ladder did since the start, counted by rung; also `alarm` and `recovered`. What
    happened between two reports is told so, too."""


class HealthReport(_Header):
    """The gateway's own account of itself, on change and at a steady pace."""

    lane: Literal["health"] = "health"
    uptime_s: Annotated[float, Field(ge=0)]
    need_depth: Annotated[int, Field(ge=0)]
    need_oldest_age_s: Annotated[float, Field(ge=0)]
    """Age of the oldest need-moment without a receipt; 0 if there is none."""
    telemetry_depth: Annotated[int, Field(ge=0)]
    quarantine_depth: Annotated[int, Field(ge=0)]
    refusals: Annotated[dict[str, Annotated[int, Field(ge=0)]], Field(max_length=64)]
    """Count by reason since the start, of everything the gateway turned away."""
    adapters: Annotated[tuple[AdapterHealth, ...], Field(max_length=8)]
    clock_quality: TimeQuality
    rss_bytes: Annotated[int, Field(ge=0)]
    local_mqtt_connected: bool
    storage: Id = "ok"
    """The worst that is true of the gateway's disk: io_error, read_only, full, low, salvaged or ok.
    A plain string, so that a state that is new to the reader does not cost the report."""
    disk_used_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    clock_error_ms: Annotated[int, Field(ge=0)] | None = None
    """The most that the gateway's clock is off, as far as it knows."""
    dropped: Annotated[dict[str, Annotated[int, Field(ge=0)]], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Rows given up since the file was made, by lane and cause, such as `telemetry_full` (the
    oldest, to make room) and `telemetry_age`. What was never kept is in `refusals`."""
    restarts: Annotated[int, Field(ge=0)] | None = None
    """Starts of the agent on its data folder, after the first."""
    part_restarts: Annotated[int, Field(ge=0)] | None = None
    """How often a part of the agent, such as a radio, had to be started again since the start."""


class CommandAnswer(_Header):
    """The gateway's answer to one command."""

    lane: Literal["answer"] = "answer"
    command_id: CommandId
    outcome: CommandOutcome


UpMessage = NeedBatch | TelemetryBatch | HealthReport | CommandAnswer

_UP: TypeAdapter[UpMessage] = TypeAdapter(Annotated[UpMessage, Field(discriminator="lane")])


_REASONS: Final = frozenset(RejectReason)


def _known(reason: object) -> object:
    return RejectReason.OTHER if isinstance(reason, str) and reason not in _REASONS else reason


ReceivedReason = Annotated[RejectReason, BeforeValidator(_known)]
"""A list of reasons may grow. If one unknown name made a whole receipt unreadable, the rows that it
is about would be sent again for ever, and all behind them would wait."""


class Rejection(NamedTuple):
    """One row that the cloud will not store, by its sequence."""

    sequence: Sequence
    reason: ReceivedReason


class BatchName(NamedTuple):
    """Which batch of a buffer: its first sequence and how many rows it had.

    Both, since a batch that was halved begins where the whole one began: the late refusal of eight
    rows must not count against the first of them, sent alone by then.
    """

    first: Sequence
    rows: Annotated[int, Field(ge=1)]


def _is_none(value: object) -> bool:
    return value is None


class Receipt(Message):
    """Proof of the cloud's commit; the only thing on which a row leaves the gateway."""

    version: int = VERSION
    buffer_id: BufferId | None = None
    """None if the message was refused before its buffer could be read, and for a health report,
    which has no rows: its receipt only tells the time, so that a gateway knows it from the first
    contact on."""
    upto: Annotated[int, Field(ge=0)] = 0
    """Contiguous watermark: every row of the buffer up to here is stored, or in `rejected`."""
    rejected: tuple[Rejection, ...] = ()
    """Rows that the cloud did not store, from the batch's `kept_from` on. Final reasons lie at or
    below `upto`; a row whose reason asks for a retry holds the watermark back."""
    refused: ReceivedReason | None = None
    """Set if the whole message was refused and nothing of it stored."""
    committed_at: AwareDatetime
    """The cloud's clock at the commit; a gateway without time may learn it from here."""
    batch: Annotated[BatchName | None, Field(exclude_if=_is_none)] = None
    """Which batch was refused. None with any other receipt, from an older cloud, and if it could
    not be read; then no row may be blamed."""
    pace_ms: Annotated[int | None, Field(ge=0, exclude_if=_is_none)] = None
    """The cloud's queue is long: leave this much between two batches of telemetry, until another
    receipt says otherwise. Need-moments do not wait. None if there is no such wish."""


DownMessage = Receipt | Command | SignalOutcome


def to_bytes(message: UpMessage | DownMessage) -> bytes:
    """Write a message as JSON text, UTF-8, without white space."""
    return message.model_dump_json().encode()


class ReadUp(NamedTuple):
    """A message from a gateway, and the rows of it that could not be read."""

    message: UpMessage | None
    """None if no row of a batch could be read; then `buffer` still says which batch it was."""
    buffer: tuple[BufferId, Sequence] | None
    """Buffer id and `kept_from` of a batch; None for a message without rows."""
    unreadable: tuple[Rejection, ...] = ()


def read_up(raw: bytes) -> ReadUp:
    """Read a message from a gateway, row by row where one bad row would spoil a batch.

    Args:
        raw: JSON text, already unpacked, at most `MESSAGE_BYTES_UNPACKED_MAX` bytes.

    Raises:
        NewerVersion: the message says a version above `VERSION`.
        MalformedMessage: it is no message, or a batch whose rows cannot even be numbered.
    """
    try:
        message = _UP.validate_json(raw)
    except ValidationError as fault:
        return _read_loosely(raw, fault)
    if message.version > VERSION:
        raise NewerVersion(message.version, VERSION)
    if isinstance(message, NeedBatch | TelemetryBatch):
        return ReadUp(message, (message.buffer_id, message.kept_from))
    return ReadUp(message, None)


def _read_loosely(raw: bytes, fault: ValidationError) -> ReadUp:
    """Read a message that the strict reader refused: newer, longer rows, or a bad row."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise MalformedMessage("not JSON text") from fault
    if not isinstance(body, dict):
        raise MalformedMessage("not a JSON object")
    version = body.get("version")
    if isinstance(version, int) and version > VERSION:
        raise NewerVersion(version, VERSION)
    rows = body.get("rows")
    if body.get("lane") not in ("need", "telemetry") or not isinstance(rows, list):
        raise MalformedMessage(_first_error(fault))
    good, unreadable = _sort_rows(rows, body["lane"])
    if not good:
        return _all_unreadable(body, unreadable, fault)
    try:
        message = _UP.validate_python({**body, "rows": good}, strict=False)
    except ValidationError as still:
        raise MalformedMessage(_first_error(still)) from still
    assert isinstance(message, NeedBatch | TelemetryBatch)  # noqa: S101 - `lane` was checked above
    return ReadUp(message, (message.buffer_id, message.kept_from), unreadable)


_NEED_ROW: TypeAdapter[NeedRow] = TypeAdapter(NeedRow)
_TELEMETRY_ROW: TypeAdapter[TelemetryRow] = TypeAdapter(TelemetryRow)
_NUMBER: TypeAdapter[int] = TypeAdapter(Sequence)


def _sort_rows(
    rows: list[Any], lane: str
) -> tuple[list[NeedRow | TelemetryRow], tuple[Rejection, ...]]:
    reader: TypeAdapter[Any] = _NEED_ROW if lane == "need" else _TELEMETRY_ROW
    columns = len((NeedRow if lane == "need" else TelemetryRow)._fields)
    good: list[NeedRow | TelemetryRow] = []
    unreadable: list[Rejection] = []
    for row in rows:
        try:
            known = row[:columns] if isinstance(row, list) else row
            good.append(reader.validate_python(known))
        except ValidationError as bad:
            unreadable.append(Rejection(_sequence_of(row, bad), RejectReason.MALFORMED))
    return good, tuple(unreadable)


def _sequence_of(row: Any, bad: ValidationError) -> int:
    if not isinstance(row, list) or not row:
        raise MalformedMessage("a row without a sequence") from bad
    try:
        return _NUMBER.validate_python(row[0])
    except ValidationError as unnumbered:
        raise MalformedMessage("a row without a sequence") from unnumbered


class _BatchHeader(_Batch):
    """A batch's header alone, to answer one of which no row could be read."""


def _all_unreadable(
    body: dict[str, Any], unreadable: Rows[Rejection], fault: ValidationError
) -> ReadUp:
    try:
        header = _BatchHeader.model_validate(body)
    except ValidationError as bad_header:
        raise MalformedMessage(_first_error(bad_header)) from fault
    if not unreadable:
        raise MalformedMessage("a batch without rows") from fault
    return ReadUp(None, (header.buffer_id, header.kept_from), tuple(unreadable))


_Down = TypeVar("_Down", Receipt, Command, SignalOutcome)


def read_receipt(raw: bytes) -> Receipt:
    """Read a receipt. Raises `MalformedMessage` or `NewerVersion`."""
    return _read_down(Receipt, raw)


def read_command(raw: bytes) -> Command:
    """Read a command. Raises `MalformedMessage` or `NewerVersion`."""
    return _read_down(Command, raw)


def read_outcome(raw: bytes) -> SignalOutcome:
    """Read what became of a need. Raises `MalformedMessage` or `NewerVersion`."""
    return _read_down(SignalOutcome, raw)


def _read_down(model: type[_Down], raw: bytes) -> _Down:
    try:
        message = model.model_validate_json(raw)
    except ValidationError as fault:
        raise MalformedMessage(_first_error(fault)) from fault
    if message.version > VERSION:
        raise NewerVersion(message.version, VERSION)
    return message


def _first_error(fault: ValidationError) -> str:
    first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "message"
    return f"{where}: {first['msg']}"

"""What a person asks of a running agent, through files in the data folder.

Only the agent may write to the outbox (two writers on one file can corrupt it, before SQLite
3.51.3), so a command leaves a request there and the agent answers it. Files, not a socket: the path
of a socket may be no longer than 107 bytes, and data folders are.

    request-ID.json   left by a command
    taken-ID.json     the agent is at it; no command takes that back
    answer-ID.json    what became of it; the command takes it away
"""

import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from zodra_contract.ids import DeviceId
from zodra_edge.clock import boot_id, monotonic_s
from zodra_edge.errors import SpoolFault
from zodra_edge.identify import RELEARN_S_MAX
from zodra_edge.words import Said, say
from zodra_edge.words.en import EN

REQUEST_BYTES_MAX: Final = 256 * 1024
ROWS_MAX: Final = 10_000
TAKE_MAX: Final = 16
"""In one round; the rest waits for the next."""
AGE_S_MAX: Final = 60.0
"""A request whose command is long gone is not carried out when the agent starts some day."""
_POLL_S: Final = 0.05


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplayRequest(_Value):
    """Put rows of the quarantine back; all of them where nothing narrows it."""

    kind: Literal["replay"] = "replay"
    lane: Literal["need", "telemetry"] | None = None
    reason: Annotated[str, Field(max_length=64)] | None = None
    rows: Annotated[tuple[int, ...], Field(max_length=ROWS_MAX)] = ()

    def wants(self, lane: str, row: int, reason: str) -> bool:
        """Whether a row is meant."""
        return (
            self.lane in (None, lane)
            and self.reason in (None, reason)
            and (not self.rows or row in self.rows)
        )


class RelearnRequest(_Value):
    """Let a device's next frame set its counter."""

    kind: Literal["relearn"] = "relearn"
    device_id: DeviceId
    within_s: Annotated[float, Field(gt=0, le=RELEARN_S_MAX)]


class BuyingRequest(_Value):
    """Pause buying, or go on with it."""

    kind: Literal["buying"] = "buying"
    paused: bool


class DevicesRequest(_Value):
    """Take up the devices of the settings as they are now."""

    kind: Literal["devices"] = "devices"


Request = ReplayRequest | RelearnRequest | BuyingRequest | DevicesRequest


class _Letter(_Value):
    """A request with when it was made; good for this boot, and for a minute."""

    asked_monotonic_s: float
    boot_id: str
    request: Annotated[Request, Field(discriminator="kind")]


class ReplayedRow(_Value):
    """What became of one row that was to be sent again."""

    lane: str
    row: int
    sequence: int | None
    """Its new place in the lane; None if it stayed where it was."""
    kept_aside: str = ""
    """Why it stayed."""


class Answer(_Value):
    """What became of a request."""

    refused: str = ""
    """Why nothing was done; empty if it was."""
    why: str = ""
    """The same by the name of its sentence, for a person who reads another language."""
    fields: dict[str, str] = Field(default_factory=dict, max_length=8)
    replayed: tuple[ReplayedRow, ...] = ()
    until: AwareDatetime | None = None

    @classmethod
    def no(cls, said: Said) -> Self:
        """Answer that nothing was done, and why."""
        fields = {name: str(value) for name, value in said.fields.items()}
        return cls(refused=said.in_language("en"), why=said.key, fields=fields)

    def why_said(self) -> Said:
        """Give the sentence of why nothing was done; a newer agent's may be English only."""
        return say(self.why, **self.fields) if self.why in EN else say("as_told", why=self.refused)


_LETTER: Final = TypeAdapter(_Letter)


def ask(
    data_dir: Path, request: Request, timeout_s: float, lives: Callable[[], bool]
) -> Answer | None:
    """Leave a request for the agent and wait for its answer.

    Args:
        data_dir: of the agent.
        request: what to do.
        timeout_s: how long to wait.
        lives: whether the agent still holds the folder.

    Returns:
        The answer; None if the agent ended without taking the request up.

    Raises:
        SpoolFault: it cannot be left there, or no answer came.
    """
    name = secrets.token_hex(8)
    letter = _Letter(asked_monotonic_s=monotonic_s(), boot_id=boot_id(), request=request)
    try:
        _replace(_path(data_dir, "request", name), letter.model_dump_json())
    except OSError as fault:
        said = say("request_not_left", folder=data_dir, why=fault.strerror)
        raise SpoolFault.told(said) from fault
    end_s = monotonic_s() + timeout_s
    while monotonic_s() < end_s:
        answer = _take_answer(_path(data_dir, "answer", name))
        if answer is not None:
            return answer
        if not lives() and _withdraw(data_dir, name):
            return None
        time.sleep(_POLL_S)
    if _withdraw(data_dir, name):
        raise SpoolFault.told(say("request_not_taken", seconds=timeout_s))
    raise SpoolFault.told(say("request_unanswered", seconds=timeout_s))


def _withdraw(data_dir: Path, name: str) -> bool:
    try:
        _path(data_dir, "request", name).unlink()
    except OSError:
        return False
    return True


def _take_answer(path: Path) -> Answer | None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return None
    with contextlib.suppress(OSError):
        path.unlink()
    try:
        return Answer.model_validate_json(text)
    except ValidationError as fault:
        raise SpoolFault.told(say("answer_strange")) from fault


def take(data_dir: Path) -> list[tuple[str, Request | None]]:
    """Take up the requests that are there, for the agent.

    Returns:
        Their names, each to be answered; without a request where it cannot be read or is too old.
    """
    taken: list[tuple[str, Request | None]] = []
    for path in sorted(data_dir.glob("request-*.json"))[:TAKE_MAX]:
        name = path.stem.partition("-")[2]
        mine = _path(data_dir, "taken", name)
        try:
            path.replace(mine)
            with mine.open("rb") as file:
                raw = file.read(REQUEST_BYTES_MAX)
        except OSError:
            # Withdrawn in this moment, or on a disk that takes no writes.
            continue
        taken.append((name, _read(raw)))
    return taken


def _read(raw: bytes) -> Request | None:
    try:
        letter = _LETTER.validate_json(raw)
    except ValidationError:
        return None
    age_s = monotonic_s() - letter.asked_monotonic_s
    return letter.request if letter.boot_id == boot_id() and age_s <= AGE_S_MAX else None


def answer(data_dir: Path, name: str, said: Answer) -> None:
    """Answer a request. Raises `OSError` if the disk refuses; the command then waits in vain."""
    _replace(_path(data_dir, "answer", name), said.model_dump_json())
    _path(data_dir, "taken", name).unlink(missing_ok=True)


def sweep(data_dir: Path) -> None:
    """Throw away what an earlier agent left half done, and answers that nobody fetched."""
    for pattern in ("taken-*.json", "answer-*.json", "request-*.new"):
        for path in data_dir.glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()


def _path(data_dir: Path, what: str, name: str) -> Path:
    return data_dir / f"{what}-{name}.json"


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    # A command may run as root; the agent's own account must be able to read it.
    fresh.chmod(0o644)
    fresh.replace(path)

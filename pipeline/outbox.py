"""The outbox: what is to be sent to whom, and what came of it. Nothing of it is sent twice without an operator's word.

    outbox/
    ├── messages/3f0c….eml    what is sent, byte by byte, named after its SHA-256; .json where it is for a webhook
    ├── 2026-11.jsonl         a line for each message that was made in that month, and for each change of its state
    ├── suppressed.jsonl      who is sent nothing more (`pipeline.suppressed`)
    ├── state.json            how all of it stood when something was last sent (`pipeline.outbox_state`)
    └── .sending.lock         held by the one process that sends

First the bytes are kept, then the record of the digest names them, and by that record they are to be sent. Whoever
sends takes the record's entries into the journal, which knows each by its key, once. What was being sent when its
sender died is `unknown`: nobody can tell whether it arrived, so nobody sends it again but by an operator's word.
"""

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.archive_files import make_folder, sync_folder, temporary_file
from pipeline.errors import ArchiveError, InputError
from pipeline.failpoints import hit
from pipeline.line_files import SUFFIX, append, locked, month_of, read_on, time_of
from pipeline.outbox_types import WAITING, Batch, Channel, Entry, Row, State, key_of, receiver_of

__all__ = ["WAITING", "Batch", "Channel", "Entry", "Outbox", "Row", "State", "batch_of", "key_of", "receiver_of"]
"""The types, too: whoever uses the outbox imports them from here."""

log = logging.getLogger(__name__)

FOLDER: Final = "outbox"
MESSAGES: Final = "messages"
SENDING_LOCK: Final = ".sending.lock"

OPEN_FOR: Final = timedelta(days=35)
"""A message is sent, or given up, long before it is that old: older months are only read by those who ask for them."""

KEPT_FOR: Final = timedelta(days=90)
"""For so long the bytes of what was sent are kept."""

LISTS: Final = ("mails", "hooks")
"""Where a record of a digest names its messages."""

_QUEUED, _STATE, _BOUNCED = "queued", "state", "bounced"


def batch_of(document: Mapping[str, Any], subscription: str, digest: str) -> Batch:
    """The messages that a record of a digest names. Raises ArchiveError where it is no such record."""
    try:
        made_at = time_of(document["made_at"])
        entries = tuple(_entry(one) for name in LISTS for one in document.get(name, ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveError(f"the record of {subscription}, {digest}, can't be understood: {error}") from error
    return Batch(subscription, digest, made_at, entries)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Month:
    """What was read of a month's file so far."""

    offset: int = 0
    rows: dict[str, Row] = field(default_factory=dict)


class Outbox:
    """The outbox of a data folder. Any number of processes may read it and change states; one at a time sends.

    All methods raise ArchiveError where a file can't be read or written.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], datetime] = _now) -> None:
        self.folder = data_dir / FOLDER
        self._clock = clock
        self._read: dict[Path, _Month] = {}

    def now(self) -> datetime:
        """The time by its clock, UTC."""
        return self._clock()

    def keep(self, contents: Iterable[bytes], suffix: str = ".eml") -> list[str]:
        """Keep messages on the disk, before the record that names them is written. Returns the SHA-256 of each."""
        folder = self.folder / MESSAGES
        with _explained(folder):
            make_folder(folder)
            hashes = [self._keep(folder, content, suffix) for content in contents]
            sync_folder(folder)
        hit("outbox.kept")
        return hashes

    def message(self, entry: Entry) -> bytes:
        """The bytes of a message. Raises InputError where they are no longer kept, ArchiveError where they changed."""
        path = self._path(entry)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise InputError(
                f"{entry.key}: its message is not there any more", hint=f"They are kept for {KEPT_FOR.days} days."
            ) from None
        except OSError as error:
            raise ArchiveError(f"{path}: can't be read: {error.strerror or error}") from error
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise ArchiveError(f"{path}: its bytes are not those that were kept", hint="Restore it from a backup.")
        return content

    def take_in(self, batches: Iterable[Batch]) -> int:
        """Have the messages of these digests sent, each once however often it is taken in. Returns how many are new."""
        new = 0
        with self._writing():
            for batch in batches:
                month = self._month(batch.made_at)
                fresh = [entry for entry in batch.entries if entry.key not in month.rows]
                if fresh:
                    self._append(batch.made_at, [_queued(batch, entry) for entry in fresh])
                    new += len(fresh)
        hit("outbox.queued")
        return new

    def rows(self, since: date | None = None) -> list[Row]:
        """The messages made in the month of `since` and later, by default all that can be open; the oldest first."""
        first = since or (self._clock() - OPEN_FOR).date()
        with _explained(self.folder):
            for path in self._paths(first):
                self._refresh(path)
        found = (row for path, month in sorted(self._read.items()) if month_of(path) >= first.replace(day=1)
                 for row in month.rows.values())  # fmt: skip
        return sorted(found, key=lambda row: row.queued_at)

    def find(self, key: str) -> Row:
        """The message whose key is, or alone begins or ends with, `key`. Raises InputError where that is none."""
        rows = self.rows(date.min)
        exact = [row for row in rows if row.key == key]
        found = exact or [row for row in rows if key and (row.key.startswith(key) or row.key.endswith(key))]
        if len(found) != 1:
            raise InputError(
                f"{key}: {f'{len(found)} messages are' if found else 'no message is'} called so",
                hint="`clampdown outbox list` names them.",
            )
        return found[0]

    def move(
        self,
        row: Row,
        state: State,
        detail: str = "",
        *,
        of: Collection[State] = WAITING,
        next_at: datetime | None = None,
    ) -> Row | None:
        """Note a new state of a message, on the disk before this returns. None where its state is none of `of` now."""
        with self._writing():
            now = self._month(row.queued_at).rows.get(row.key)
            if now is None or now.state not in of:
                return None
            # One that is declined before it is on its way was tried, too. An operator's word begins anew.
            is_try = state is State.SENDING or (state is State.FAILED and now.state is not State.SENDING)
            tries = 0 if state is State.QUEUED else now.tries + is_try
            line = {
                "event": _STATE,
                "key": row.key,
                "at": self._clock().isoformat(),
                "state": state.value,
                "tries": tries,
                "next_at": None if next_at is None else next_at.isoformat(),
                "detail": detail,
            }
            self._append(row.queued_at, [line])
            return self._month(row.queued_at).rows[row.key]

    def bounce(self, row: Row, words: str) -> None:
        """Note that a message came back, in the words of who sent it back."""
        line = {"event": _BOUNCED, "key": row.key, "at": self._clock().isoformat(), "detail": words}
        with self._writing():
            self._append(row.queued_at, [line])

    def doubt(self, detail: str) -> int:
        """Call all that waits to be sent unknown: in a restored outbox, it may have been sent since."""
        waiting = [row for row in self.rows() if row.state in (*WAITING, State.SENDING)]
        for row in waiting:
            self.move(row, State.UNKNOWN, detail, of=(row.state,))
        return len(waiting)

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Be the one who sends, for as long as the block lasts. Yields False where another process is."""
        with _explained(self.folder):
            make_folder(self.folder)
            lock = (self.folder / SENDING_LOCK).open("ab")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def tidy(self, now: datetime) -> int:
        """Remove messages that were made long ago. Returns how many went. The journal keeps what came of them."""
        gone = 0
        with _explained(self.folder / MESSAGES):
            for found in os.scandir(self.folder / MESSAGES) if (self.folder / MESSAGES).is_dir() else ():
                if now.timestamp() - found.stat().st_mtime > KEPT_FOR.total_seconds():
                    Path(found.path).unlink(missing_ok=True)
                    gone += 1
        return gone

    def _keep(self, folder: Path, content: bytes, suffix: str) -> str:
        name = hashlib.sha256(content).hexdigest()
        path = folder / f"{name}{suffix}"
        if not path.exists():
            with temporary_file(folder) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
        return name

    def _path(self, entry: Entry) -> Path:
        suffix = ".eml" if entry.channel is Channel.MAIL else ".json"
        return self.folder / MESSAGES / f"{entry.sha256}{suffix}"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _explained(self.folder):
            make_folder(self.folder)
            with locked(self.folder):
                yield

    def _append(self, made_at: datetime, lines: Sequence[Mapping[str, Any]]) -> None:
        path = self._file(made_at)
        append(path, lines)
        self._refresh(path)

    def _month(self, made_at: datetime) -> _Month:
        """The month of a message, as it is on the disk now."""
        return self._refresh(self._file(made_at))

    def _refresh(self, path: Path) -> _Month:
        month = self._read.setdefault(path, _Month())
        lines, month.offset = read_on(path, month.offset)
        for line in lines:
            _apply(month.rows, line)
        return month

    def _file(self, made_at: datetime) -> Path:
        return self.folder / f"{made_at.astimezone(UTC):%Y-%m}{SUFFIX}"

    def _paths(self, first: date) -> list[Path]:
        months = sorted(self.folder.glob(f"????-??{SUFFIX}"))
        return [path for path in months if month_of(path) >= first.replace(day=1)]


def _entry(told: Mapping[str, Any]) -> Entry:
    channel = Channel(told.get("channel", Channel.MAIL))
    return Entry(str(told["key"]), str(told["to"]), str(told["sha256"]), str(told.get("message_id", "")), channel)


def _queued(batch: Batch, entry: Entry) -> dict[str, Any]:
    return {
        "event": _QUEUED,
        "key": entry.key,
        "at": batch.made_at.isoformat(),
        "subscription": batch.subscription,
        "digest": batch.digest,
        **entry.as_record(),
    }


def _apply(rows: dict[str, Row], line: Mapping[str, Any]) -> None:
    """Take a line of the journal into account. One that is not ours, or of a version to come, is passed over."""
    try:
        key, at = str(line["key"]), time_of(line["at"])
        row = rows.get(key)
        if line["event"] == _QUEUED and row is None:
            rows[key] = Row(_entry(line), str(line["subscription"]), str(line["digest"]), at, at, State.QUEUED, at)
        elif line["event"] == _STATE and row is not None:
            next_at = None if line["next_at"] is None else time_of(line["next_at"])
            state, tries, detail = State(line["state"]), int(line["tries"]), str(line["detail"])
            asked_at = at if state is State.QUEUED else row.asked_at
            rows[key] = replace(row, asked_at=asked_at, state=state, at=at, tries=tries, next_at=next_at, detail=detail)
        elif line["event"] == _BOUNCED and row is not None:
            rows[key] = replace(row, bounced=str(line["detail"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        log.debug("a line of the outbox is passed over: %s", line)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            f"{path}: can't be used: {error.strerror or error}", hint="is the disk full, or read-only?"
        ) from error

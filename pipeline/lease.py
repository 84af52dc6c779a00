"""The lease on a data folder: who may write into it, one process at a time.

It is a lock on a file, which the system takes back whatever the process dies of; so nothing is ever to be cleared up.
The file's text says who holds it. A lake has leases of its own on top, for writers on several machines.
"""

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import WarehouseError, WarehouseLocked
from pipeline.failpoints import hit

log = logging.getLogger(__name__)

LOCK_NAME = ".lock"
QUEUE_NAME = ".lock.next"
_GRACE = 0.1
"""Seconds for which also those try who don't wait: a look at who holds the lease may lock it for a moment."""
_LOOKS = 30.0
"""Seconds for which those who only look, many at once, may be in the way of one who is next."""

_FIRST_GAP, _LONGEST_GAP = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lease. Empty words, 0 and None stand for what is not known."""

    flow: str = ""
    run: str = ""
    pid: int = 0
    host: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        """As in "ingest (process 4711), since 14:03"."""
        where = f" on {self.host}" if self.host and self.host != socket.gethostname() else ""
        who = f"{self.flow or 'another program'} (process {self.pid or 'unknown'}{where})"
        return who if self.since is None else f"{who}, since {_clock(self.since)}"


@dataclass(slots=True)
class _Held:
    """A lease of this process. `lent` while a block within works under it, or where none may."""

    holder: Holder
    lent: bool = False


_held: dict[tuple[int, int], _Held] = {}
"""The leases of this process, by the device and number of their files."""
_guard = threading.Lock()
_within: ContextVar[frozenset[tuple[int, int]]] = ContextVar("leases", default=frozenset())
"""Those of them that the present code works under: another thread's work is none of it."""


@contextmanager
def lease(data_dir: Path, *, holder: str, run: str = "", wait: float = 0.0, lends: bool = True) -> Iterator[None]:
    """Hold the data folder as `holder` (a flow or a command); `run` names its run, where it has one.

    Waits up to `wait` seconds. Those who wait come before one that has just let go. Where it `lends`, a lease within
    it, of the same process, passes, one at a time: who has taken it for a whole job may open the warehouse. Raises
    WarehouseLocked, which names who holds it and since when, or WarehouseError where the folder can't be written to.
    """
    with ExitStack() as stack:
        if not _shared(stack, data_dir):
            file = _locked(stack, data_dir, wait)
            mine = Holder(holder, run, os.getpid(), socket.gethostname(), datetime.now(UTC))
            _sign(file, mine)
            stack.callback(_sign, file, None)
            _enter(stack, _key(file), _Held(mine, lent=not lends))
            hit("lease.taken")
        yield


def holder(data_dir: Path) -> Holder | None:
    """Who holds the lease, or None where it is free. Never waits, and never keeps anyone from taking it."""
    try:
        with (data_dir / LOCK_NAME).open("rb") as file:
            told = file.read()
            if not told:
                # Let go in order; or taken just now, which is as good as in a moment.
                return None
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                return _read(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WarehouseError(f"{data_dir / LOCK_NAME}: can't be read: {error.strerror or error}") from error
    # It died with the lease: its name is still there, and nobody's lock.
    return None


def refuse(data_dir: Path) -> None:
    """Raise the WarehouseLocked that taking the lease would, where another process holds it at this moment."""
    who = holder(data_dir)
    if who is not None and who.pid != os.getpid():
        raise _refused(data_dir, who)


def _shared(stack: ExitStack, data_dir: Path) -> bool:
    """Work under the lease that this process holds. Returns False where it holds none."""
    try:
        found = (data_dir / LOCK_NAME).stat()
    except OSError:
        return False
    key = found.st_dev, found.st_ino
    with _guard:
        held = _held.get(key) if key in _within.get() else None
        if held is None:
            return False
        if held.lent:
            raise _refused(data_dir, held.holder)
        held.lent = True

    def give_back() -> None:
        with _guard:
            held.lent = False

    stack.callback(give_back)
    return True


def _enter(stack: ExitStack, key: tuple[int, int], held: _Held) -> None:
    before = _within.get()
    with _guard:
        _held[key] = held
    _within.set(before | {key})

    def leave() -> None:
        _within.set(before)
        with _guard:
            _held.pop(key, None)

    stack.callback(leave)


def _locked(stack: ExitStack, data_dir: Path, wait: float) -> BinaryIO:
    """Take the lock, waiting in line for it. Returns its open file, which the stack closes."""
    until = time.monotonic() + max(wait, _GRACE)
    with ExitStack() as line:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            # Whoever waits stands in this line, so that one that lets go for a moment can't come first again.
            if wait > 0 and _taken(line, data_dir / QUEUE_NAME, until) is None:
                raise _refused(data_dir, holder(data_dir))
            file = _taken(stack, data_dir / LOCK_NAME, until)
        except OSError as error:
            raise WarehouseError(
                f"{data_dir}: can't be written to: {error.strerror or error}", hint="is the disk full, or read-only?"
            ) from error
    if file is None:
        raise _refused(data_dir, holder(data_dir))
    return file


def _taken(stack: ExitStack, path: Path, until: float) -> BinaryIO | None:
    """The open file with its lock, or None where others keep it until then."""
    gap, is_told = _FIRST_GAP, False
    while True:
        with ExitStack() as attempt:
            file = attempt.enter_context(path.open("ab+"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                late = time.monotonic() - until
                if late >= _LOOKS or (late >= 0 and not _is_looked_at(file)):
                    return None
                if late >= 0:
                    gap = _FIRST_GAP
            else:
                # A restore may have put the folder in another's place since it was opened.
                if _is_at(path, file):
                    stack.push(attempt.pop_all())
                    return file
        if gap >= _LONGEST_GAP and not is_told:
            is_told = True
            log.info("waiting for %s", holder(path.parent) or "others")
        time.sleep(gap)
        gap = min(gap * 2, _LONGEST_GAP)


def _is_looked_at(file: BinaryIO) -> bool:
    """Whether those who have the lock only look who has it. Our share in it goes when the file is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return _key(file) == (found.st_dev, found.st_ino)


def _sign(file: BinaryIO, mine: Holder | None) -> None:
    """Write who holds the lease, or nobody."""
    told = b"" if mine is None else json.dumps(_fields(mine)).encode()
    try:
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), told)
    except OSError as error:
        # The disk is full. The lock holds all the same, and what it is taken for may make room.
        log.warning("the lease can't be signed: %s", error.strerror or error)


def _fields(mine: Holder) -> dict[str, object]:
    since = None if mine.since is None else mine.since.isoformat()
    return {"flow": mine.flow, "run": mine.run, "pid": mine.pid, "host": mine.host, "since": since}


def _read(file: BinaryIO) -> Holder:
    try:
        told = json.loads(file.read())
        since = datetime.fromisoformat(told["since"])
        return Holder(str(told["flow"]), str(told["run"]), int(told["pid"]), str(told["host"]), since)
    except (ValueError, TypeError, KeyError):
        return Holder()


def _key(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino


def _refused(data_dir: Path, who: Holder | None) -> WarehouseLocked:
    return WarehouseLocked(
        f"the warehouse in {data_dir} is in use by {who or 'another process'}",
        hint="Wait until that ends, or stop it. To read meanwhile, open the published snapshot.",
    )


def _clock(at: datetime) -> str:
    """The local time, with the day where that is not today."""
    local = at.astimezone()
    is_today = local.date() == datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M}" if is_today else f"{local:%Y-%m-%d %H:%M}"

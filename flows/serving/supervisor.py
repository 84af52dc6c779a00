"""What `clampdown serve` is: a small process that keeps Prefect's server and the runner of our flows going.

It imports neither prefect nor duckdb. Whatever dies is started again; what hangs is ended first. Where it dies itself,
its children die with it, and the next `clampdown serve` goes on: nothing that must not be lost is kept here.
"""

import fcntl
import json
import logging
import os
import selectors
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from flows.serving.children import Child
from flows.serving.growth import Growth
from flows.serving.notify import notify
from flows.serving.prefect_home import base_url, database, environment, fault, forget_blocks, joined, put_aside
from flows.serving.sender import Sender
from flows.serving.stopgap import Stopgap
from pipeline.errors import ServeError
from pipeline.settings import Settings

log = logging.getLogger(__name__)

LOCK_NAME = ".serve.lock"

LOOK_EVERY = 15.0
"""Seconds between two looks at the children, if they say nothing."""

STOP_WITHIN = 25.0
"""Seconds that a child has to end in order. Flows that run are told to stop, and end at the next step."""

PORT_WITHIN = 10.0
"""Seconds to wait for a port: the server of a `serve` that was killed may need a moment to be gone."""

BROKEN_AFTER = 3
"""Failed starts of the server after which its database is put aside."""

LEAST_ROOM = 50_000_000
"""Bytes without which nothing can be said of a database: a full disk lets no server start."""

EVERY_MINUTE = 60.0


@dataclass(slots=True)
class Supervisor:
    """Runs until it is told to stop (SIGTERM, SIGINT, SIGHUP). `on_ready` is called once, when flows can run."""

    settings: Settings
    environ: Mapping[str, str]
    on_ready: Callable[[], None] | None = None
    children: list[Child] = field(default_factory=list)
    began_at: float = field(default_factory=time.monotonic)
    growth: Growth = field(init=False)
    stopgap: Stopgap = field(init=False)
    sender: Sender = field(init=False)
    _stop_signals: int = 0
    _was_ready: bool = False
    _is_first: bool = True

    def __post_init__(self) -> None:
        environ = environment(self.settings, self.environ)
        if not joined(self.environ):
            self.children.append(Child("server", [sys.executable, "-m", "flows.serving.server"], environ))
        self.children.append(Child("runner", [sys.executable, "-m", "flows.serving.runner"], environ, waits=True))
        self.growth = Growth(self.settings)
        self.stopgap = Stopgap(self.settings, environ)
        self.sender = Sender(self.settings, environ)

    def not_ready(self) -> list[str]:
        """Why flows can't run just now; empty where all is well. May be called from any thread."""
        names = {
            "server": "Prefect's server is starting",
            "runner": "the runner of flows waits for Prefect's server",
        }
        return [names[child.name] for child in self.children if not child.is_ready]

    def run(self) -> None:
        """Serve until a signal comes. Raises ServeError where going on makes no sense."""
        with _signals(self._on_signal) as wake:
            try:
                while not self._stop_signals:
                    self._start_due()
                    self._await(wake, self._pause())
                    self._look()
            finally:
                self._stop(wake)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._stop_signals += 1

    def _start_due(self) -> None:
        for child in self.children:
            if child.pid is None and time.monotonic() >= child.restart_at:
                self._start(child)

    def _start(self, child: Child) -> None:
        if child.name == "server":
            self._look_at_database(child)
        try:
            child.start()
        except OSError as error:
            # Too many processes, or no memory for one more: that passes.
            log.error("%s can't be started: %s", child.name, error)
            child.restart_at = time.monotonic() + LOOK_EVERY

    def _look_at_database(self, server: Child) -> None:
        path = database(self.settings, self.environ)
        if path is None:
            return
        # Read whole only where the server ended before its time; it takes a while for a large one.
        why = fault(path) if server.starts == 0 or server.failures else ""
        if not why and server.failures >= BROKEN_AFTER:
            why, server.failures = self._suspicion(server.failures), 0
        if why and path.exists():
            put_aside(path, why)
        forget_blocks(path)

    def _suspicion(self, failures: int) -> str:
        """Why the database may be what keeps the server from starting, or "" where something else does."""
        serve = self.settings.serve
        if why := _taken(serve.host, serve.port):
            log.error("Prefect's server can't have port %d of %s: %s", serve.port, serve.host, why)
            return ""
        if shutil.disk_usage(self.settings.data_dir).free < LEAST_ROOM:
            log.error("Prefect's server can't be started: the disk is full")
            return ""
        return f"the server could not be started {failures} times"

    def _pause(self) -> float:
        """Seconds until something is to be done unasked."""
        now = time.monotonic()
        due = [now + LOOK_EVERY, *(child.restart_at for child in self.children if child.pid is None)]
        return max(0.0, min(due) - now)

    def _await(self, wake: int, seconds: float) -> None:
        """Wait for a signal, for something that a child says, or for so many seconds."""
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            for child in self.children:
                if child.notes is not None:
                    selector.register(child.notes, selectors.EVENT_READ)
            selector.select(seconds)
        try:
            os.read(wake, 4096)
        except BlockingIOError:
            pass

    def _look(self) -> None:
        for child in self.children:
            list(child.hear())
            is_renewed, status = child.is_renewed, child.ended()
            if child.refusal:
                raise ServeError(child.refusal)
            if status is not None and not self._stop_signals and not is_renewed:
                log.warning(
                    "%s ended (%s): it is started again in %.0f s",
                    _CALLED[child.name],
                    _said(status),
                    child.restart_at - time.monotonic(),
                )
            if why := child.overdue():
                log.error("%s hangs (%s): it is ended", _CALLED[child.name], why)
                child.kill()
            if child.name == "server":
                self._renew_if_grown(child)
        self._tell_ready()
        self.stopgap.look(is_ready=not self.not_ready())
        self.sender.look()
        notify("WATCHDOG=1")

    def _renew_if_grown(self, server: Child) -> None:
        if server.pid is None or not server.is_ready or server.is_renewed or self._stop_signals:
            return
        if sizes := self.growth.too_much(server.pid, server.begun_at):
            log.info("%s has grown %s: it is started anew", _CALLED[server.name], sizes)
            server.renew()

    def _tell_ready(self) -> None:
        is_ready = not self.not_ready()
        if is_ready and not self._was_ready:
            log.info("ready%s", f" after {time.monotonic() - self.began_at:.1f} s" if self._is_first else " again")
            notify("READY=1\nSTATUS=serving")
            if self._is_first and self.on_ready is not None:
                self.on_ready()
            self._is_first = False
        self._was_ready = is_ready

    def _stop(self, wake: int) -> None:
        """End the children in order, the runner first: it tells the server how its flows ended."""
        notify("STOPPING=1")
        asked = self._stop_signals
        self.stopgap.stop()
        self.sender.stop()
        for child in reversed(self.children):
            until = time.monotonic() + STOP_WITHIN
            child.signal(signal.SIGTERM)
            while child.pid is not None and child.ended() is None:
                if time.monotonic() > until or self._stop_signals > asked:
                    child.kill()
                self._await(wake, 0.5)
        log.info("stopped")


@contextmanager
def each_minute(work: Callable[[], object]) -> Iterator[None]:
    """Have `work` done in a thread, at once and then every minute. What it raises is logged, and nothing more."""
    is_over = threading.Event()

    def go_on() -> None:
        while True:
            try:
                work()
            except Exception:
                log.exception("what is to be done each minute failed")
            if is_over.wait(EVERY_MINUTE):
                return

    threading.Thread(target=go_on, name="minutely", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


_CALLED = {"server": "Prefect's server", "runner": "the runner of flows"}


def _said(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], Any]) -> Iterator[int]:
    """Have signals handled, and a byte written for each to the descriptor that this yields."""
    theirs, ours = os.pipe()
    for end in (theirs, ours):
        os.set_blocking(end, False)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.signal(number, handler) for number in numbers}
    waked = signal.set_wakeup_fd(ours, warn_on_full_buffer=False)
    try:
        yield theirs
    finally:
        signal.set_wakeup_fd(waked)
        for number, old in before.items():
            signal.signal(number, old)
        os.close(theirs)
        os.close(ours)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the only `serve` of the data folder. Raises ServeError, which names the other one."""
    path = settings.data_dir / LOCK_NAME
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+")
    except OSError as error:
        raise ServeError(f"{path}: can't be written: {error.strerror or error}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _runs_already(path) from None
        told = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "page": base_url(settings.serve.host, settings.serve.port),
        }
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), json.dumps(told).encode())
        try:
            yield
        finally:
            os.ftruncate(file.fileno(), 0)


def _runs_already(path: Path) -> ServeError:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(told["since"]).astimezone()
        who = f": process {told['pid']} on {told['host']}, since {since:%Y-%m-%d %H:%M}, pages at {told['page']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = ""
    return ServeError(
        f"another `clampdown serve` has the data folder {path.parent}{who}",
        hint="Nothing was started. Stop that one first, or give this one another data_dir and serve.name.",
    )


def claim_ports(wanted: Sequence[tuple[str, str, int]]) -> None:
    """See that nobody listens on these ports: (setting, host, port). Raises ServeError for the first that is taken."""
    until = time.monotonic() + PORT_WITHIN
    for setting, host, port in wanted:
        while (why := _taken(host, port)) and time.monotonic() < until:
            time.sleep(0.25)
        if why:
            hint = f"Set {setting} to another, or stop what listens there."
            if setting == "serve.port":
                hint += " To share a Prefect server that runs there, set PREFECT_API_URL to its API."
            raise ServeError(f"port {port} of {host} can't be used: {why}", hint=hint)


def _taken(host: str, port: int) -> str:
    """Why a port can't be listened on, or ""."""
    with ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            probe = stack.enter_context(closing(socket.socket(family, kind, protocol)))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""

"""What monitors ask a `clampdown serve` over HTTP: /health, /ready and /metrics. It answers from small files.

Light enough for the supervisor: the standard library's server, in one thread and a few more while it is asked.
"""

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from types import TracebackType
from typing import Any, Final, Self

from flows.serving.watching import Watch
from pipeline.errors import ServeError

log = logging.getLogger(__name__)

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"

MOST_AT_ONCE: Final = 16
"""Connections that are answered at a time; more wait, and those that say nothing are closed after SILENCE."""

SILENCE: Final = 10.0
"""Seconds that a client may say nothing."""

LONGEST: Final = 30.0
"""Seconds for a whole answer, also to a client that takes it byte by byte."""

INDEX: Final = """\
/health   is all well? 200, or 503 with what is wrong
/ready    can flows run?
/metrics  figures for Prometheus
"""

Answer = tuple[HTTPStatus, str, bytes]


class Endpoint:
    """Listens on `address` (port 0: any that is free) from `with` to its end.

    Raises ServeError where the port can't be had.
    """

    def __init__(self, address: tuple[str, int], watch: Watch) -> None:
        self._address = address
        self._answers = _Answers(watch)
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None, "asked between `with` and its end"
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        host, port = self._address
        try:
            self._server = _Server(self._address, self._answers)
        except OSError as error:
            raise ServeError(
                f"port {port} of {host} can't be used for the status: {error.strerror or error}",
                hint="Set serve.status_port to another, or to 0 for none.",
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.5,), name="endpoint", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None, "it was entered"
        self._server.shutdown()
        self._server.server_close()


class _Answers:
    """What is answered to which path."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.of: Mapping[str, Callable[[str], Answer]] = {
            "/": lambda _: (HTTPStatus.OK, TEXT, INDEX.encode()),
            "/health": self._health,
            "/ready": self._ready,
            "/metrics": self._metrics,
        }

    def _health(self, _accept: str) -> Answer:
        status, waiting = self._watch.status(), self._watch.waiting_for()
        problems = [asdict(problem) | {"key": problem.key} for problem in status.problems]
        told = {"healthy": status.healthy, "at": status.at, "waiting_for": list(waiting), "problems": problems}
        return _told(told, good=status.healthy)

    def _ready(self, _accept: str) -> Answer:
        waiting = self._watch.waiting_for()
        return _told({"ready": not waiting, "waiting_for": list(waiting)}, good=not waiting)

    def _metrics(self, accept: str) -> Answer:
        # Some megabytes that only those pay who ask for them.
        from flows.serving import metrics

        kind, body = metrics.exposed(self._watch, accept)
        return HTTPStatus.OK, kind, body


def _told(told: Mapping[str, Any], *, good: bool) -> Answer:
    body = json.dumps(told, indent=2, default=datetime.isoformat) + "\n"
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, JSON, body.encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thread of a client that says nothing must not hold up the end.
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], answers: _Answers) -> None:
        self.answers = answers
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = _family(address)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, as soon as one of those that there may be is free."""
        if not self._free.acquire(timeout=SILENCE):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """What the thread does."""
        too_long = threading.Timer(LONGEST, _cut, [request])
        too_long.daemon = True
        too_long.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            too_long.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news, and an error of ours is no traceback on the terminal's last line."""
        log.debug("an answer could not be given", exc_info=True)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It has ended by itself.
        pass


def _family(address: tuple[str, int]) -> socket.AddressFamily:
    return socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]


class _Handler(BaseHTTPRequestHandler):
    server_version = "clampdown"
    sys_version = ""
    timeout = SILENCE
    server: BaseServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        assert isinstance(self.server, _Server), "it makes handlers of its own requests"
        answer = self.server.answers.of.get(self.path.partition("?")[0])
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            status, kind, body = answer(self.headers.get("Accept", ""))
        except Exception:
            log.exception("%s can't be answered", self.path)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Monitors ask each minute: no line for each."""
        log.debug("%s %s", self.address_string(), format % args)

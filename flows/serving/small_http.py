"""A small server of HTTP in a few threads, for what few ask; it waits for no client for long."""

import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from pipeline.errors import ServeError

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 16
"""Connections that are answered at a time; more wait, and those that say nothing are closed after SILENCE."""

SILENCE: Final = 10.0
"""Seconds that a client may say nothing."""

LONGEST: Final = 30.0
"""Seconds for a whole answer, also to a client that takes it byte by byte."""


class Listener:
    """Listens on `address` (port 0: any that is free) from `with` to its end; `handler` answers.

    `setting` names the port for whoever finds it taken, `use` is what it is for. Raises ServeError where the port can't
    be had.
    """

    def __init__(
        self, address: tuple[str, int], handler: type["Handler"], answers: object, *, setting: str, use: str
    ) -> None:
        self._address = address
        self._handler = handler
        self._answers = answers
        self._setting = setting
        self._use = use
        self._server: Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None, "asked between `with` and its end"
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        host, port = self._address
        try:
            self._server = Server(self._address, self._handler, self._answers)
        except OSError as error:
            raise ServeError(
                f"port {port} of {host} can't be used for {self._use}: {error.strerror or error}",
                hint=f"Set {self._setting} to another, or to 0 for none.",
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.5,), name=self._setting, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None, "it was entered"
        self._server.shutdown()
        self._server.server_close()


class Server(ThreadingHTTPServer):
    """The server; `answers` are what its handlers ask."""

    daemon_threads = True
    # A thread of a client that says nothing must not hold up the end.
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: type["Handler"], answers: object) -> None:
        self.answers = answers
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = _family(address)
        super().__init__(address, handler)

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


class Handler(BaseHTTPRequestHandler):
    """What the handlers of all our servers have in common."""

    server_version = "clampdown"
    sys_version = ""
    timeout = SILENCE

    def log_message(self, format: str, *args: Any) -> None:
        """Monitors ask each minute: no line for each."""
        log.debug("%s %s", self.address_string(), format % args)

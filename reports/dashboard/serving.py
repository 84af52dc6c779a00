"""The dashboard's server: it listens, says where, and ends without a word when it is told to."""

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from pipeline.errors import ServeError

_GRACE: Final = 2
"""Seconds that requests under way have when the server is to end."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; 0 is any free port. Raises ServeError where that can't be."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(family)
    except OSError as error:
        raise ServeError(f"{host} is no address to listen on: {error.strerror or error}") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise ServeError(
                f"port {port} is taken", hint="`--port 0` takes any that is free; so does another number."
            ) from error
        raise ServeError(f"can't listen on {host}, port {port}: {os.strerror(error.errno or 0)}") from error
    return made


def address_of(listening: socket.socket) -> str:
    """Where a browser on this machine finds what listens there."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what is compared, not listened on
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None] | None = None) -> None:
    """Serve until interrupted or told to end. `ready` is called when requests are answered."""
    _Server(_config(app), ready).run(sockets=[listening])


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of the application while it is served from a thread of this process, on any free port."""
    listening, ready = listen("127.0.0.1", 0), threading.Event()
    server = _Server(_config(app), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="dashboard", daemon=True)
    thread.start()
    try:
        while thread.is_alive() and not ready.wait(1):
            pass
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


class _Server(uvicorn.Server):
    """Says when it answers, and ends well when it is told to: what the process has still to tidy up, it can."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End; at once where it is said twice. uvicorn's own raises the signal once more afterwards."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",  # what fails is in our own log
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=200,
        h11_max_incomplete_event_size=32_000,
    )

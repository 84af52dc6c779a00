"""Mail servers on loopback: one that keeps what it is given, and odd ones."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clampdown.proofs.mail_server import PASSWORD, USER, MailServer, Received, mail_server

__all__ = ["PASSWORD", "USER", "MailServer", "Received", "mail_server", "odd_server"]


@contextmanager
def odd_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that talks as it likes to the first who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)

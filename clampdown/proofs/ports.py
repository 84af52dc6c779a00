"""Ports for servers that must be told theirs before they start."""

import random
import socket
from contextlib import ExitStack
from typing import Final

RANGE: Final = range(15_000, 30_000)
"""Below those that a system gives to whoever asks for any: else a connection of somebody else may have it by then."""

_DICE = random.SystemRandom()


def free_ports(number: int) -> list[int]:
    """Different ports of 127.0.0.1 on which nobody listens."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < number:
            port = _DICE.choice(RANGE)
            probe = stack.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found

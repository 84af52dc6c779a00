"""Telling systemd how a service is (sd_notify), in the few lines that it takes."""

import os
import socket


def notify(state: str) -> None:
    """Send a state such as "READY=1" to who started this process, if that asks for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A name that begins with @ stands for one in the abstract namespace.
    path = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto(state.encode(), path)
    except OSError:
        # The service runs on all the same; its keeper will say what it misses.
        pass

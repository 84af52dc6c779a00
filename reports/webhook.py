"""Webhooks: one POST of JSON to an address that the operator has named, and nowhere else."""

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from pipeline.errors import WebhookError
from pipeline.retrying import parse_retry_after
from reports.inert import line

TIMEOUT: Final = 20.0
"""Seconds for each step, from connecting to the answer."""

IN_ALL: Final = 60.0
"""Seconds for all of it, after which the connection is cut."""

_SAID: Final = 300
_READ: Final = 4096


def post(
    url: str,
    content: Mapping[str, Any] | bytes,
    headers: Mapping[str, str] | None = None,
    *,
    setting: str = "alerts.webhook",
    in_all: float = IN_ALL,
) -> None:
    """Send `content` as JSON, bytes as they are. No redirect is followed: what is told is for the address named.

    `headers` come on top of our own, `setting` is where errors say that the address stands. The proxy of the
    environment ($https_proxy, $http_proxy, $no_proxy) is used. Raises WebhookError, which names the host alone: the
    rest of an address may be a password.
    """
    try:
        target, where = urlsplit(url), place(url)
    except ValueError:
        raise WebhookError(f"{setting} is no address", retryable=False) from None
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    sent = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"clampdown/{version('clampdown')}",
        "Host": target.netloc.rpartition("@")[2],
        "Connection": "close",
        **(headers or {}),
    }
    asked = _Asked()
    try:
        connection, path = _connection(target)
        answer = asked.ask(connection, path, body, sent, in_all)
    except ssl.SSLCertVerificationError as error:
        raise WebhookError(f"{where}: its certificate is not accepted: {error.verify_message}") from None
    except TimeoutError:
        raise WebhookError(f"{where}: no answer within {TIMEOUT:g} s", uncertain=asked.sent) from None
    except socket.gaierror as error:
        raise WebhookError(f"{where}: the name is not known ({error.strerror})") from None
    except ConnectionRefusedError:
        raise WebhookError(f"{where}: nothing listens there", hint=f"Look at {setting}.") from None
    except (OSError, HTTPException, ValueError) as error:
        # Some of these repeat the address.
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise WebhookError(f"{where}: {why}", uncertain=asked.sent) from None
    if not 200 <= answer.status < 300:
        raise _refused(where, answer, setting)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Status, Location and Retry-After of an answer and, where it is no success, its first words."""

    status: int
    location: str | None
    retry_after: str | None
    words: str


class _Asked:
    """One request, which knows whether all of it was on its way."""

    sent = False

    def ask(
        self, connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str], in_all: float
    ) -> _Answer:
        """Post, and return what was answered."""
        try:
            connection.connect()
            # http.client forgets its socket as soon as it knows that the answer is the last one.
            watch = threading.Timer(in_all, _cut, [connection.sock])
            watch.daemon = True
            watch.start()
            try:
                connection.request("POST", path, body, headers)
                self.sent = True
                with connection.getresponse() as answer:
                    is_done = 200 <= answer.status < 300
                    words = "" if is_done else answer.read(_READ).decode("utf-8", "replace")
                    location, retry_after = answer.getheader("Location"), answer.getheader("Retry-After")
                    return _Answer(answer.status, location, retry_after, words)
            finally:
                watch.cancel()
        finally:
            connection.close()


def place(url: str) -> str:
    """What may be shown of a webhook's address: the scheme and the host."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _refused(where: str, answer: _Answer, setting: str) -> WebhookError:
    status, said = answer.status, line(answer.words, _SAID)
    if 300 <= status < 400:
        return WebhookError(
            f"{where}: it answered {status}, a redirect{_to(answer.location)}",
            hint=f"Set {setting} to the address that it leads to.",
            retryable=False,
        )
    return WebhookError(
        f"{where}: it answered {status} {said}".rstrip(),
        hint=f"Look at {setting}: is it the whole address?" if status in (401, 403, 404, 405, 410) else None,
        retryable=status in (408, 425, 429) or status >= 500,
        retry_after=parse_retry_after(answer.retry_after),
    )


def _to(location: str | None) -> str:
    try:
        return f" to {line(place(location), _SAID)}" if location and "://" in location else ""
    except ValueError:
        return ""


def _connection(target: SplitResult) -> tuple[HTTPConnection, str]:
    """A connection to the receiver or to its proxy, and what to ask for there."""
    host, port = target.hostname or "", target.port
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    is_tls = target.scheme == "https"
    kind = HTTPSConnection if is_tls else HTTPConnection
    proxy = None if _is_near(host) or proxy_bypass(host) else getproxies().get(target.scheme)
    if proxy is None:
        return kind(host, port, timeout=TIMEOUT), path
    by = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = kind(by.hostname or "", by.port or 8080, timeout=TIMEOUT)
    if is_tls:
        connection.set_tunnel(host, port or 443)
        return connection, path
    return connection, f"http://{target.netloc.rpartition('@')[2]}{path}"


def _is_near(host: str) -> bool:
    """Whether this machine itself is meant, to which no proxy leads."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cut(sock: socket.socket) -> None:
    """End a connection from another thread: whoever waits for an answer is told that there will be none."""
    with suppress(OSError):
        # TLS's own way to say goodbye would change what the other thread works with.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

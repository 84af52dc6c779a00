"""Of the network, only where asked for: names, one connection per kind of server, no page and no mail."""

import os
import socket
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from clampdown.doctor.finding import Check
from pipeline.errors import MailError

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings

AT_ONCE: Final = 16
SHOWN: Final = 4


def proxies(loaded: "LoadedSettings") -> Check:
    """Whether somebody relies on a proxy: feeds are fetched without one, so that each address can be checked."""
    names = [
        name
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
        if os.environ.get(name) or os.environ.get(name.lower())
    ]
    if names:
        hint = "Feeds are fetched directly: allow that in the firewall, or run where there is a direct way out."
        return Check("proxies", "warn", f"{', '.join(names)} is set and not used", hint)
    return Check("proxies", "ok", "none is set")


def names(loaded: "LoadedSettings") -> Iterator[Check]:
    """Whether the hosts of the enabled feeds can be resolved."""
    from pipeline.sources import load_sources

    path = loaded.settings.sources
    listed = load_sources(path) if path.exists() else ()
    hosts = sorted({urllib.parse.urlsplit(source.url).hostname or "" for source in listed if source.enabled} - {""})
    if not hosts:
        yield Check("names", "ok", "no feed to look up")
        return
    with ThreadPoolExecutor(AT_ONCE) as threads:
        unknown = [host for host, is_known in zip(hosts, threads.map(_is_known, hosts), strict=True) if not is_known]
    if len(unknown) == len(hosts):
        detail = f"none of {len(hosts)} hosts of feeds can be resolved"
        yield Check(
            "names", "fail", detail, "Is this machine on the network? Look at its name server (/etc/resolv.conf)."
        )
    elif unknown:
        some = ", ".join(unknown[:SHOWN]) + (" …" if len(unknown) > SHOWN else "")
        yield Check(
            "names", "warn", f"{len(unknown)} of {len(hosts)} can't be resolved: {some}", "Look for a typing error."
        )
    else:
        yield Check("names", "ok", f"all {len(hosts)} hosts of feeds can be resolved")


def _is_known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


def mail(loaded: "LoadedSettings") -> Iterator[Check]:
    """Whether the mail server answers and lets us log in; nothing is sent."""
    from reports.mail import greeted

    settings = loaded.settings.mail
    if not settings.host:
        return
    try:
        greeted(settings)
    except MailError as error:
        yield Check("smtp", "fail", str(error), error.hint)
        return
    user = f", {settings.user} may log in" if settings.user else ""
    yield Check(
        "smtp", "ok", f"{settings.host}:{settings.port} answers with {settings.security}{user}; nothing was sent"
    )

"""The bundled sample as a small web of news sites on loopback, one port of 127.0.0.1 per outlet.

    with SampleSite() as site:
        ...  # poll site.sources() with fetch.allow_hosts = site.allow_hosts and fetch.timeout = site.patience

The server behaves as publishers' servers do: ETag and Last-Modified with 304, gzip, robots.txt, redirects, feeds that
are broken, empty or gone, pages that answer 404, 410, 500 or too late. What it serves lies in `samples/`.
"""

import gzip
import hashlib
import socketserver
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from clampdown.sample_content import Outlet, Sample, load
from clampdown.sample_pages import BUILT, Page, render
from pipeline.errors import InputError
from pipeline.types import Source

HOST = "127.0.0.1"
PREFERRED_PORT = 47310
HOLD = 9.0
"""Seconds for which a held page is kept back: well over `SampleSite.patience`."""

_TRACKING = ("utm_", "fbclid", "gclid", "mc_cid")


class LoggedRequest(NamedTuple):
    """One request as the server saw it; `path` includes the query."""

    method: str
    path: str
    status: int


def samples_folder() -> Path:
    """Return the folder of the sample's content: inside the installed package, or beside it in a checkout."""
    packaged = Path(str(resources.files("clampdown"))) / "samples"
    return packaged if packaged.is_dir() else packaged.parent.parent / "samples"


class SampleSite:
    """Serves the sample until closed; a context manager.

    `port` is the first of the consecutive ports to listen on, one per outlet; 0 takes any free ones. None prefers
    PREFERRED_PORT, so that URLs stay the same from run to run, and falls back to free ports where one is taken.
    """

    patience: float = 3.0
    """Seconds: the `fetch.timeout` to read the sample with. One page is held back longer than that."""

    def __init__(self, port: int | None = None) -> None:
        self._port = port
        self._sample = load(samples_folder())
        self._servers: dict[str, _Server] = {}
        self._stopped = threading.Event()
        self._log: list[tuple[str, LoggedRequest]] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def sample(self) -> Sample:
        """The content that is served."""
        return self._sample

    def start(self) -> None:
        """Bind all ports and serve from threads; raise InputError where an explicitly given port is taken."""
        servers = self._bind()
        self._servers = dict(zip((outlet.id for outlet in self._sample.outlets), servers, strict=True))
        self._render()
        for outlet, server in self._servers.items():
            # A daemon: a program that forgets to stop the site can still end.
            threading.Thread(target=server.serve_forever, args=(0.05,), name=f"sample-{outlet}", daemon=True).start()

    def revise(self, article: str, **changes: object) -> None:
        """Serve an article otherwise from now on, on its page and in its feeds; `changes` are fields of `Article`."""
        articles = tuple(one.model_copy(update=changes) if one.id == article else one for one in self._sample.articles)
        self._sample = replace(self._sample, articles=articles)
        self._render()

    def stop(self) -> None:
        """Stop serving and free the ports; held requests are let go at once. Harmless when not started."""
        self._stopped.set()
        servers = list(self._servers.values())
        self._servers = {}
        if servers:
            with ThreadPoolExecutor(len(servers)) as pool:
                list(pool.map(_Server.shutdown, servers))
        for server in servers:
            server.server_close()

    @property
    def base_url(self) -> str:
        """The first outlet's home page."""
        return self.origin(self._sample.outlets[0].id) + "/"

    def origin(self, outlet: str) -> str:
        """Return "http://host:port" of an outlet by its id in `site.toml`."""
        return self._servers[outlet].origin

    def article_url(self, article: str) -> str:
        """Return the canonical URL of an article by its id (its file's stem)."""
        found = next(candidate for candidate in self._sample.articles if candidate.id == article)
        return self.origin(found.outlet) + found.path

    @property
    def allow_hosts(self) -> tuple[str, ...]:
        """The "host:port" entries that `fetch.allow_hosts` needs."""
        return tuple(f"{HOST}:{server.server_port}" for server in self._servers.values())

    def sources(self) -> tuple[Source, ...]:
        """Return one source per feed, the broken, empty and missing ones included. Ids start with "sample-"."""
        outlets = {outlet.id: outlet for outlet in self._sample.outlets}
        return tuple(
            Source(
                id=f"sample-{feed.id}",
                name=feed.title,
                url=self.origin(feed.outlet) + feed.path,
                homepage=self.origin(feed.outlet) + "/",
                country=outlets[feed.outlet].country,
                # Quatrefoil writes in several languages: its feed's entries say which.
                language=None if feed.outlet == "quatrefoil" else "en",
                owner=outlets[feed.outlet].name,
                topics=outlets[feed.outlet].topics,
            )
            for feed in self._sample.feeds
        )

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """All requests answered so far, in order, over all outlets."""
        return tuple(request for _, request in self._log)

    def requests_to(self, outlet: str) -> tuple[LoggedRequest, ...]:
        """The requests that one outlet answered."""
        return tuple(request for asked, request in self._log if asked == outlet)

    def _render(self) -> None:
        pages = render(self._sample, {outlet: server.origin for outlet, server in self._servers.items()})
        for outlet, server in self._servers.items():
            server.pages = pages[outlet]

    def _bind(self) -> list["_Server"]:
        if self._port is not None:
            try:
                return self._bind_from(self._port)
            except OSError as error:
                raise InputError(
                    f"port {self._port} or one of the {len(self._sample.outlets) - 1} after it is taken: {error}",
                    hint="Choose another first port, or 0 for any free ones.",
                ) from error
        try:
            return self._bind_from(PREFERRED_PORT)
        except OSError:
            return self._bind_from(0)

    def _bind_from(self, first: int) -> list["_Server"]:
        servers: list[_Server] = []
        try:
            for step, outlet in enumerate(self._sample.outlets):
                servers.append(_Server(first + step if first else 0, outlet, self._log, self._stopped))
        except OSError:
            for server in servers:
                server.server_close()
            raise
        return servers


class _Server(ThreadingHTTPServer):
    """One outlet's server."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, port: int, outlet: Outlet, log: list[tuple[str, LoggedRequest]], stopped: threading.Event
    ) -> None:
        self.outlet = outlet
        self.pages: dict[str, Page] = {}
        self.log = log
        self.stopped = stopped
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for this host's name, which can take seconds and is used for nothing.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that leaves early (the held page is there for that) is no error.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def find(self, target: str) -> Page | None:
        """Return the page at a request target; tracking parameters are ignored, as sites do."""
        if target in self.pages:
            return self.pages[target]
        parts = urlsplit(target)
        kept = "&".join(part for part in parts.query.split("&") if part and not part.startswith(_TRACKING))
        return self.pages.get(f"{parts.path}?{kept}" if kept else parts.path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Pressroom/2.4"
    sys_version = ""
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        page = self.server.find(self.path) or _MISSING
        modified = format_datetime(page.modified.astimezone(UTC), usegmt=True)
        etag = f'W/"{hashlib.sha256(page.body).hexdigest()[:20]}"'
        validators = {
            "both": {"ETag": etag, "Last-Modified": modified},
            "etag": {"ETag": etag},
            "modified": {"Last-Modified": modified},
            "none": {},
        }[self.server.outlet.validators if page.status == HTTPStatus.OK else "none"]
        status = HTTPStatus.NOT_MODIFIED if self._unchanged(validators) else page.status
        self.server.log.append((self.server.outlet.id, LoggedRequest(self.command, self.path, int(status))))
        if page.held:
            self.server.stopped.wait(HOLD)
        self.send_response(status)
        for name, value in validators.items():
            self.send_header(name, value)
        if status == HTTPStatus.NOT_MODIFIED:
            self.end_headers()
            return
        self._send(page)

    do_HEAD = do_GET  # noqa: N815 - http.server calls it so

    def _send(self, page: Page) -> None:
        body = page.body
        self.send_header("Content-Type", page.content_type)
        if page.location is not None:
            self.send_header("Location", page.location)
        if page.content_type != "application/pdf":
            self.send_header("Vary", "Accept-Encoding")
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                self.send_header("Content-Encoding", "gzip")
                body = gzip.compress(body, compresslevel=6, mtime=0)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _unchanged(self, validators: dict[str, str]) -> bool:
        """Compare as RFC 9110 says: If-None-Match, where sent, decides alone."""
        if not validators:
            return False
        asked = self.headers.get("If-None-Match")
        if asked is not None:
            return validators.get("ETag") in [tag.strip() for tag in asked.split(",")]
        since = self.headers.get("If-Modified-Since")
        if since is None or "Last-Modified" not in validators:
            return False
        try:
            return parsedate_to_datetime(validators["Last-Modified"]) <= parsedate_to_datetime(since)
        except ValueError:
            return False

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the site keeps its own log."""


_MISSING = Page(
    b"<!DOCTYPE html><html><head><title>404</title></head><body><h1>Page not found</h1></body></html>",
    "text/html; charset=utf-8",
    BUILT,
    HTTPStatus.NOT_FOUND,
)

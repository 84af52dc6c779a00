"""What readers may reach over HTTP: unsubscribing, a digest in the browser, feeds. A port of its own, for the public.

Nothing here tells who reads what: a link is signed for one reader or one digest, and all other paths are not there.
Unsubscribing takes a POST (RFC 8058), because programs that guard mailboxes follow every link.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from socketserver import BaseServer
from typing import Final
from urllib.parse import parse_qs

from flows.serving import reader_pages as pages
from flows.serving.small_http import Handler, Listener, Server
from pipeline import suppressed
from pipeline.errors import ClampdownError
from pipeline.outbox_intake import digest_folder
from pipeline.settings import Settings
from pipeline.suppressed import Reason
from pipeline.unsubscribe import read, read_view, secret_of

log = logging.getLogger(__name__)

HTML: Final = "text/html; charset=utf-8"
PLAIN: Final = "text/plain; charset=utf-8"
FEEDS: Final[Mapping[str, str]] = {
    ".atom": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
}

LONGEST_FORM: Final = 4096
"""Bytes of a form: ours and those of mail programs have some thirty."""

ROBOTS: Final = b"User-agent: *\nDisallow: /unsubscribe/\nDisallow: /view/\n"

_NAME: Final = re.compile(r"[a-z0-9-]+")
_DIGEST: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d{6}Z)?")
_NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader is answered."""

    status: HTTPStatus
    kind: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader asked. `form` is what was posted, None for what was only asked for."""

    path: str
    form: bytes | None = None
    known: str = ""


class Readers(Listener):
    """Listens on `address` (port 0: any that is free) from `with` to its end.

    Raises ServeError where the port can't be had.
    """

    def __init__(self, address: tuple[str, int], settings: Settings) -> None:
        super().__init__(address, _Handler, Answers(settings), setting="serve.readers_port", use="readers")


class Answers:
    """What is answered to which request; no HTTP in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._data_dir = settings.data_dir

    def to(self, request: Request) -> Answer:
        """The answer. Raises ClampdownError or OSError where a file can't be used."""
        _, first, *rest = [*request.path.partition("?")[0].split("/"), ""][:4]
        match first, rest:
            case "unsubscribe", [token, *_]:
                return self._unsubscribe(token, request.form)
            case "view", [token, *_] if request.form is None:
                return self._view(token)
            case "feeds", [name, *_] if request.form is None:
                return self._feed(name, request.known)
            case "robots.txt", _ if request.form is None:
                return Answer(HTTPStatus.OK, PLAIN, ROBOTS, {"Cache-Control": "max-age=86400"})
        return self._unknown()

    def _unsubscribe(self, token: str, form: bytes | None) -> Answer:
        found = read(secret_of(self._data_dir), token)
        if found is None:
            return self._unknown()
        subscription_id, address = found
        title, now = self._title(subscription_id), datetime.now(UTC)
        why = suppressed.load(self._data_dir).why(subscription_id, address)
        is_off = why is not None and why.reason is Reason.UNSUBSCRIBED
        if form is None:
            return _page(pages.done(title, address) if is_off else pages.to_confirm(title, address))
        if is_off and b"again" in parse_qs(form):
            suppressed.allow(self._data_dir, subscription_id, address, now)
            log.info("a reader of %s has subscribed again", subscription_id)
            return _page(pages.back(title, address))
        # Mail programs post it as a form of either sort; what it says is all the same.
        if b"List-Unsubscribe" not in form:
            return _page(pages.done(title, address) if is_off else pages.to_confirm(title, address))
        if not is_off:
            suppressed.suppress(self._data_dir, subscription_id, address, Reason.UNSUBSCRIBED, now, "by its link")
            log.info("a reader has unsubscribed from %s", subscription_id)
        return _page(pages.done(title, address))

    def _view(self, token: str) -> Answer:
        found = read_view(secret_of(self._data_dir), token)
        if found is None or not _NAME.fullmatch(found[0]) or not _DIGEST.fullmatch(found[1]):
            return self._unknown()
        subscription_id, name = found
        content = _content(digest_folder(self._data_dir, subscription_id) / f"{name}.html")
        if content is None:
            return self._unknown()
        headers = {
            "Cache-Control": "private, max-age=3600",
            "Content-Security-Policy": pages.POLICY.format(forms="'none'"),
        }
        return Answer(HTTPStatus.OK, HTML, content, headers)

    def _feed(self, name: str, known: str) -> Answer:
        path = Path(name)
        kind = FEEDS.get(path.suffix)
        content = _content(self._data_dir / "feeds" / name) if kind and _NAME.fullmatch(path.stem) else None
        if content is None or kind is None:
            return self._unknown()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"Cache-Control": "public, max-age=300", "ETag": tag, "Access-Control-Allow-Origin": "*"}
        if tag in (one.strip().removeprefix("W/") for one in known.split(",")):
            return Answer(HTTPStatus.NOT_MODIFIED, kind, b"", headers)
        return Answer(HTTPStatus.OK, kind, content, headers)

    def _title(self, subscription_id: str) -> str:
        """What a subscription is called. One that is no more can be ended all the same."""
        # Heavy, and only for those who come to this page.
        from pipeline.subscriptions import load_subscriptions

        try:
            found = load_subscriptions(self._settings.subscriptions)
        except ClampdownError as error:
            log.warning("%s", error)
            return subscription_id
        return next((one.title for one in found if one.id == subscription_id), subscription_id)

    def _unknown(self) -> Answer:
        body = pages.unknown(self._settings.mail.unsubscribe_to)
        return _page(body, HTTPStatus.NOT_FOUND)


def _page(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    policy = pages.POLICY.format(forms="'self'")
    return Answer(status, HTML, body, _NO_STORE | {"Content-Security-Policy": policy})


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


class _Handler(Handler):
    server: BaseServer

    def do_GET(self) -> None:  # noqa: N802  # http.server's name
        self._answer(Request(self.path, known=self.headers.get("If-None-Match", "")))

    def do_HEAD(self) -> None:  # noqa: N802 - likewise
        self._answer(Request(self.path, known=self.headers.get("If-None-Match", "")))

    def do_POST(self) -> None:  # noqa: N802 - likewise
        # One form for each connection: what follows too long a one would be taken for a request.
        self.close_connection = True
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or int(length) > LONGEST_FORM:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._answer(Request(self.path, self.rfile.read(int(length))))

    def _answer(self, request: Request) -> None:
        assert isinstance(self.server, Server), "it makes handlers of its own requests"
        assert isinstance(self.server.answers, Answers), "they are ours"
        try:
            answer = self.server.answers.to(request)
        except (ClampdownError, OSError) as error:
            log.error("a reader can't be answered: %s", error)
            answer = _page(pages.failed(), HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            log.exception("a reader can't be answered")
            answer = _page(pages.failed(), HTTPStatus.INTERNAL_SERVER_ERROR)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        # The address is all that it takes: no other site is to learn it.
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if self.command != "HEAD" and answer.status is not HTTPStatus.NOT_MODIFIED:
            self.wfile.write(answer.body)

"""The dashboard as a web application: requests become visits, what pages answer becomes responses."""

import json
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route as Path

from pipeline.errors import ClampdownError, InputError
from pipeline.measured import Measured
from reports.dashboard.guard import Guard
from reports.dashboard.packing import Packed
from reports.dashboard.rendering import Shell, render
from reports.dashboard.routes import ROUTES, Route
from reports.dashboard.sending import Sent
from reports.dashboard.snapshots import Held, Snapshots
from reports.dashboard.static_files import StaticFiles
from reports.dashboard.visit import Answer, Data, Download, NotFound, Redirect, Rendered, Visit

if TYPE_CHECKING:
    from reports.dashboard.review_seam import ReviewDesk

log = logging.getLogger(__name__)

AT_ONCE: Final = 3
"""Pages that are made at a time: more would wait for the cores and for the engine's memory anyway."""

_TURNS: Final = 64
"""Locks that pages share by their addresses."""

LONGEST_FORM: Final = 64_000
"""Bytes of a form that is posted at most."""

TOKEN_FIELD: Final = "token"  # noqa: S105 - the name of a field
TOKEN_HEADER: Final = "X-Clampdown-Token"  # noqa: S105 - of a header
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Setting:
    """What pages are made with: the zone of times, and names beside figures and localhost by which we may be asked.

    `measured` is what is known of the errors of the model that is installed.
    """

    zone: ZoneInfo
    hosts: frozenset[str] = frozenset()
    measured: Measured | None = None


def make_app(
    snapshots: Snapshots, setting: Setting, *, desk: "ReviewDesk | None" = None, routes: Iterable[Route] = ROUTES
) -> Starlette:
    """The application. With a desk it takes decisions, and should be reached from this machine alone."""
    site = _Site(snapshots, setting, desk, secrets.token_urlsafe(24))
    served = [
        Path(one.path, site.endpoint(one), methods=[*one.methods])
        for one in routes
        if desk is not None or not one.is_review
    ]
    return Starlette(
        routes=[*served, Path("/version", site.version), Path("/static/{name}", site.static)],
        middleware=[
            Middleware(Guard, hosts=setting.hosts),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=6),
        ],
        exception_handlers={HTTPException: site.refused, Exception: site.failed},
    )


Endpoint = Callable[[Request], Awaitable[Response]]


class _Site:
    """What all requests share."""

    def __init__(self, snapshots: Snapshots, setting: Setting, desk: "ReviewDesk | None", token: str) -> None:
        self._snapshots = snapshots
        self._setting = setting
        self._desk = desk
        self._token = token
        self._static = StaticFiles()
        self._limiter: CapacityLimiter | None = None
        self._turns = [threading.Lock() for _ in range(_TURNS)]

    def endpoint(self, route: Route) -> Endpoint:
        """What answers for a page."""

        async def answer(request: Request) -> Response:
            form = await _form(request) if request.method == "POST" else {}
            if request.method == "POST":
                self._check(request, form)
            try:
                return await self._in_thread(lambda: self._made(route, request, form))
            except Exception as error:
                # What the author of a page did not think of must not reach who looks at it.
                return await self.failed(request, error)

        return answer

    async def version(self, request: Request) -> Response:
        """Which version of the data there is, for pages that are open."""

        def told() -> Response:
            with self._snapshots.held() as data:
                return _json({"version": data.version, "published_at": data.published_at.isoformat()})

        try:
            return await self._in_thread(told)
        except ClampdownError as error:
            return _json({"version": None, "error": str(error)}, 503)

    async def static(self, request: Request) -> Response:
        """A script or style sheet."""
        found = await anyio.to_thread.run_sync(self._static.get, request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return _tagged(request, found.packed, found.media_type)

    async def refused(self, request: Request, error: Exception) -> Response:
        """A page for an address or a method that there is none for."""
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return await self._noticed(request, _no_page(request))
        heading = "This can’t be done"
        return await self._noticed(request, _notice(heading, error.detail, "", error.status_code))

    async def failed(self, request: Request, error: Exception) -> Response:
        """A page for what should not have happened: it names where the log has it, and nothing else."""
        reference = secrets.token_hex(4)
        log.error("%s %s failed (%s)", request.method, _address(request), reference, exc_info=error)
        made = _notice(
            "Something went wrong",
            "This page could not be made. The others are not touched by it.",
            "Try it once more; if it fails again, please report it.",
            500,
            reference,
        )
        return await self._noticed(request, made)

    async def _in_thread(self, work: Callable[[], Response]) -> Response:
        if self._limiter is None:
            self._limiter = CapacityLimiter(AT_ONCE)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    async def _noticed(self, request: Request, made: Rendered) -> Response:
        return await self._in_thread(lambda: self._page(request, made, None))

    def _made(self, route: Route, request: Request, form: Mapping[str, str]) -> Response:
        with ExitStack() as stack:
            try:
                data = stack.enter_context(self._snapshots.held())
            except ClampdownError as error:
                return self._page(request, _not_there(error), None)
            key = (_address(request), self._today())
            # Who wants the same page waits for it, and does not make it once more.
            with nullcontext() if route.is_review else self._turns[hash(key) % len(self._turns)]:
                if not route.is_review and (kept := data.pages.find(key)) is not None:
                    return _sent_page(request, kept[0])
                answer, first = self._answer(route, lambda: self._visit(request, data, form))
                if isinstance(answer, Rendered) and answer.status == 200 and not (answer.momentary or route.is_review):
                    page = Packed.of(self._html(request, answer, data))
                    data.pages.put(key, page, len(page.body))
                    return _sent_page(request, page)
            match answer:
                case Rendered():
                    return self._page(request, answer, data)
                case Data():
                    return _json(answer.value, answer.status)
                case Redirect():
                    status = 303 if request.method == "POST" else (308 if answer.permanent else 307)
                    return RedirectResponse(answer.to, status, {"Cache-Control": "no-store"})
                case Download():
                    return Sent(answer, first, stack.pop_all())

    def _answer(self, route: Route, visit: Callable[[], Visit]) -> tuple[Answer, bytes]:
        """What a page answers, and the first piece where that is a file: what can go wrong has gone wrong by then."""
        try:
            answer = route.page(visit())
            return answer, next(answer.chunks, b"") if isinstance(answer, Download) else b""
        except NotFound as error:
            return _notice("There is no such page", str(error), error.hint, 404), b""
        except InputError as error:
            return _notice("This can’t be asked", str(error), error.hint or "", 400), b""

    def _visit(self, request: Request, data: Held, form: Mapping[str, str]) -> Visit:
        return Visit(
            data,
            request.path_params,
            _query(request),
            _address(request),
            self._setting.zone,
            self._today(),
            self._desk,
            "POST" if request.method == "POST" else "GET",
            form,
            self._token if self._desk is not None else "",
            self._setting.measured,
        )

    def _today(self) -> date:
        return datetime.now(UTC).astimezone(self._setting.zone).date()

    def _page(self, request: Request, made: Rendered, data: Held | None) -> Response:
        """A page of the moment, that nobody keeps."""
        return Response(self._html(request, made, data), made.status, {"Cache-Control": "no-store"}, _HTML)

    def _html(self, request: Request, made: Rendered, data: Held | None) -> bytes:
        may_review = self._desk is not None
        token = self._token if may_review else ""
        shell = Shell(made.title, _address(request), self._setting.zone, data, may_review, token)
        # Half characters, which have no bytes in UTF-8, can stand in what a publisher wrote.
        return render(made.template, made.values, shell).encode("utf-8", "replace")

    def _check(self, request: Request, form: Mapping[str, str]) -> None:
        """Refuse a form that is not from a page of ours."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        # A page that sends no referrer sends no origin with its forms either, but for this word.
        is_unnamed = origin == "null" and site == "same-origin"
        is_own = origin is None or is_unnamed or urlsplit(origin).netloc == request.headers.get("host")
        given = request.headers.get(TOKEN_HEADER) or form.get(TOKEN_FIELD, "")
        if (
            self._desk is None
            or not is_own
            or site not in (None, "same-origin")
            or not secrets.compare_digest(given.encode(), self._token.encode())
        ):
            raise HTTPException(
                403, "This form is not from a page of this dashboard, or from one that was started since."
            )


def _query(request: Request) -> Mapping[str, tuple[str, ...]]:
    asked = request.url.query
    try:
        parsed = parse_qs(asked, keep_blank_values=True, errors="replace", max_num_fields=500)
    except ValueError:
        raise InputError("the address has too many parameters") from None
    return {name: tuple(values) for name, values in parsed.items()}


def _address(request: Request) -> str:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope["query_string"]
    return (raw.partition(b"?")[0] + (b"?" + query if query else b"")).decode("ascii", "replace")


async def _form(request: Request) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Only forms are taken.")
    body = b""
    async for some in request.stream():
        body += some
        if len(body) > LONGEST_FORM:
            raise HTTPException(413, "The form is too long.")
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=100)
    return dict(fields)


def _json(value: object, status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=True, default=str)
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def _sent_page(request: Request, page: Packed) -> Response:
    return _tagged(request, page, _HTML)


def _tagged(request: Request, packed: Packed, media_type: str) -> Response:
    """What does not change until its tag does: only confirmed to who has it."""
    headers = {"ETag": packed.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if packed.tag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(packed.body, headers=headers, media_type=media_type)
    return Response(packed.plain(), headers=headers, media_type=media_type)


def _notice(heading: str, message: str, hint: str, status: int, reference: str = "") -> Rendered:
    told = message[:1].upper() + message[1:]
    told += "" if told.endswith((".", "!", "?")) else "."
    values = {"heading": heading, "message": told, "hint": hint, "reference": reference}
    return Rendered("notice.html.j2", values, heading, status)


def _no_page(request: Request) -> Rendered:
    return _notice("There is no such page", f"nothing is at {request.url.path[:200]}", "", 404)


def _not_there(error: ClampdownError) -> Rendered:
    return _notice("There is no data to show", str(error), error.hint or "", 503)

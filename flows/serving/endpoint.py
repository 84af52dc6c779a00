"""What monitors ask a `clampdown serve` over HTTP: /health, /ready and /metrics. It answers from small files.

Light enough for the supervisor: the standard library's server, in one thread and a few more while it is asked.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from socketserver import BaseServer
from typing import Any, Final

from flows.serving.small_http import Handler, Listener, Server
from flows.serving.watching import Watch

log = logging.getLogger(__name__)

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"

INDEX: Final = """\
/health   is all well? 200, or 503 with what is wrong
/ready    can flows run?
/metrics  figures for Prometheus
"""

Answer = tuple[HTTPStatus, str, bytes]


class Endpoint(Listener):
    """Listens on `address` (port 0: any that is free) from `with` to its end.

    Raises ServeError where the port can't be had.
    """

    def __init__(self, address: tuple[str, int], watch: Watch) -> None:
        super().__init__(address, _Handler, _Answers(watch), setting="serve.status_port", use="the status")


class _Answers:
    """What is answered to which path."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.of: Mapping[str, Callable[[str], Answer]] = {
            "/": lambda _: (HTTPStatus.OK, TEXT, INDEX.encode()),
            "/health": self._health,
            "/ready": self._ready,
            "/metrics": self._metrics,
        }

    def _health(self, _accept: str) -> Answer:
        status, waiting = self._watch.status(), self._watch.waiting_for()
        problems = [asdict(problem) | {"key": problem.key} for problem in status.problems]
        told = {"healthy": status.healthy, "at": status.at, "waiting_for": list(waiting), "problems": problems}
        return _told(told, good=status.healthy)

    def _ready(self, _accept: str) -> Answer:
        waiting = self._watch.waiting_for()
        return _told({"ready": not waiting, "waiting_for": list(waiting)}, good=not waiting)

    def _metrics(self, accept: str) -> Answer:
        # Some megabytes that only those pay who ask for them.
        from flows.serving import metrics

        kind, body = metrics.exposed(self._watch, accept)
        return HTTPStatus.OK, kind, body


def _told(told: Mapping[str, Any], *, good: bool) -> Answer:
    body = json.dumps(told, indent=2, default=datetime.isoformat) + "\n"
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, JSON, body.encode()


class _Handler(Handler):
    server: BaseServer

    def do_GET(self) -> None:  # noqa: N802  # http.server's name
        self._answer()

    def do_HEAD(self) -> None:  # noqa: N802 - likewise
        self._answer()

    def _answer(self) -> None:
        assert isinstance(self.server, Server), "it makes handlers of its own requests"
        assert isinstance(self.server.answers, _Answers), "they are ours"
        answer = self.server.answers.of.get(self.path.partition("?")[0])
        if answer is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            status, kind, body = answer(self.headers.get("Accept", ""))
        except Exception:
            log.exception("%s can't be answered", self.path)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

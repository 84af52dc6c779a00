"""A real HTTP server on loopback that speaks the chat-completions protocol, and misbehaves as a test tells it."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float

    @property
    def user(self) -> str:
        """The text that was asked about, whatever turns followed."""
        return str(self.body["messages"][1]["content"])

    @property
    def turns(self) -> int:
        return len(self.body["messages"])


@dataclass(frozen=True)
class Say:
    """What to answer: status and raw body. `delay` comes before the status, `drip` between two bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    hang_up: bool = False


def completion(content: str | None, finish: str = "stop", tokens: tuple[int, int] | None = (1000, 100)) -> Say:
    """A chat completion in the form that servers send."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1738800000,
        "model": "test-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
    }
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return Say(body=json.dumps(body).encode())


def events(*found: Mapping[str, Any], **kwargs: Any) -> Say:
    """A completion whose content is the answer asked for."""
    return completion(json.dumps({"events": [dict(one) for one in found]}), **kwargs)


def refusal(status: int, message: str, **headers: str) -> Say:
    """An error in the form that servers send; `retry_after` becomes Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Say(status, json.dumps({"error": {"message": message, "type": "error", "code": status}}).encode(), named)


Script = Callable[[Asked], Say]


def in_turn(*answers: Say) -> Script:
    """Give the answers one after the other, the last one for ever."""
    left: Iterable[Say] = iter(answers)
    last = answers[-1]
    return lambda asked: next(left, last)


class ChatServer:
    """A context manager; `script` decides each answer and may be replaced at any time."""

    def __init__(self, script: Script | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.script: Script = script or (lambda asked: events())
        self.asked: list[Asked] = []
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the client left

        self._server = Server(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        asked = Asked(handler.path, dict(handler.headers.items()), body, time.monotonic())
        with self._lock:
            self.asked.append(asked)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            say = self.script(asked)
        try:
            self._answer(handler, say)
        finally:
            with self._lock:
                self._busy -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, say: Say) -> None:
        time.sleep(say.delay)
        if say.hang_up:
            handler.close_connection = True
            return
        handler.send_response(say.status)
        for name, value in say.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(say.body)))
        handler.end_headers()
        step = 1 if say.drip else len(say.body) or 1
        for place in range(0, len(say.body), step):
            handler.wfile.write(say.body[place : place + step])
            handler.wfile.flush()
            time.sleep(say.drip)

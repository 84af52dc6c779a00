"""One chat completion over HTTP: the only place that speaks to an LLM endpoint, and where httpx's exceptions end.

TLS is verified against the system's certificates. Redirects are not followed, so that the key goes to the configured
host alone; proxies and credentials from the environment are ignored for the same reason.
"""

import asyncio
import ipaddress
import json
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from itertools import count
from types import TracebackType
from typing import Any, Self

import httpx

from extractors.llm.cache import Answer
from pipeline.errors import EndpointError, SettingsError
from pipeline.retrying import parse_retry_after, pause_before
from pipeline.settings import LLMSettings

MAX_PATIENCE = 60.0
"""Seconds that a try waits where the server said Retry-After; a longer wait ends the run, to be continued later."""

MAX_BYTES = 8_000_000
"""Cap on an answer's body: far above any cap on tokens."""

SECRET = 8
"""Characters from which on a key is taken for a secret."""

MAX_MESSAGE = 300

_RETRYABLE = frozenset({408, 409, 425, 429})
_ABOUT_SCHEMA = re.compile(r"response_?format|json[_ ]?schema|structured[_ ]output|grammar|guided", re.IGNORECASE)
_LOCAL_SUFFIXES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")


class Unanswered(Exception):
    """One request got no answer after all tries; it alone can't tell whether request or endpoint is at fault."""


class _Retry(Exception):
    """A try failed in a way that can heal. `asked` is the server's Retry-After in seconds."""

    def __init__(self, message: str, asked: float | None = None, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.asked = asked
        self.lasting = lasting
        """Whether it concerns every request alike once the tries are spent."""


class Endpoint:
    """An async context manager that owns the connections. `key` is in the Authorization header and nowhere else."""

    def __init__(self, settings: LLMSettings, key: str | None, trust: ssl.SSLContext) -> None:
        self._trust = trust
        self._settings = settings
        self._key = key
        self.url = completions_url(settings.endpoint, has_key=key is not None)
        self._open_at = 0.0
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient

    async def __aenter__(self) -> Self:
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        client = httpx.AsyncClient(
            headers=headers,
            verify=self._trust,
            follow_redirects=False,
            trust_env=False,
            timeout=self._settings.timeout,  # per read; the deadline of a whole try is in `_attempt`
            limits=httpx.Limits(max_connections=self._settings.concurrency),
        )
        self._client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def complete(self, body: Mapping[str, Any]) -> Answer:
        """Return the answer to `body`, after as many tries as the settings allow.

        Raises EndpointError where no other request would fare better, else Unanswered.
        """
        data = json.dumps(body).encode()
        for attempt in count():
            await self._wait_until_open()
            try:
                return await self._attempt(data)
            except _Retry as failure:
                pause = pause_before(attempt, failure.asked)
                if attempt >= self._settings.retries or pause > MAX_PATIENCE:
                    tries = f" ({attempt + 1} tries)" if attempt else ""
                    raise self._final(failure, f"{failure}{tries}") from None
                if failure.asked is not None:
                    self._open_at = max(self._open_at, asyncio.get_running_loop().time() + failure.asked)
            await asyncio.sleep(pause)
        raise AssertionError("count() never ends")

    async def _wait_until_open(self) -> None:
        """A server that asked one request to wait means all of them."""
        while (rest := self._open_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(rest)

    def _final(self, failure: _Retry, message: str) -> Exception:
        if not failure.lasting:
            return Unanswered(f"{self.url}: {message}")
        hint = None
        if failure.asked is not None:
            hint = (
                f"it asks to be left alone for {failure.asked:.0f} s; extract.llm.concurrency sets how much it is asked"
            )
        return EndpointError(
            f"{self.url}: {message}", hint=hint or "is it running? extract.llm.endpoint sets the address"
        )

    async def _attempt(self, data: bytes) -> Answer:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.timeout):
                status, headers, body = await self._post(data)
        except (TimeoutError, httpx.TimeoutException):
            raise _Retry(f"no complete answer within {self._settings.timeout:g} s (extract.llm.timeout)") from None
        except httpx.ConnectError as error:
            raise _Retry(f"can't connect: {self._say(str(error))}", lasting=True) from None
        except httpx.HTTPError as error:
            raise _Retry(f"{type(error).__name__}: {self._say(str(error))}") from None
        text = body.decode("utf-8", "replace")
        if self._key is not None and len(self._key) >= SECRET:
            # Some servers quote the key that they were sent. A stand-in such as "x" is no secret, and a common word.
            text = text.replace(self._key, "[key]")
        if status != 200:
            raise self._refusal(status, headers, text)
        return self._answer(text, time.monotonic() - began)

    async def _post(self, data: bytes) -> tuple[int, httpx.Headers, bytes]:
        async with self._client.stream("POST", self.url, content=data) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise EndpointError(f"{self.url}: the answer passes {MAX_BYTES:,} bytes")
            return response.status_code, response.headers, bytes(body)

    def _answer(self, text: str, seconds: float) -> Answer:
        try:
            value = json.loads(text)
            choice = value["choices"][0]
            content, usage = choice["message"].get("content"), value.get("usage") or {}
            refusal, finish = choice["message"].get("refusal"), choice.get("finish_reason")
            tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise _Retry(f"the answer is no chat completion: {self._say(text) or 'empty'}") from None
        if refusal or finish == "content_filter":
            content, finish = "", "content_filter"
        return Answer(
            content=content if isinstance(content, str) else "",
            finish=finish if isinstance(finish, str) else None,
            input_tokens=_tokens(tokens[0]),
            output_tokens=_tokens(tokens[1]),
            seconds=seconds,
        )

    def _refusal(self, status: int, headers: httpx.Headers, text: str) -> Exception:
        """What a status other than 200 means: try again, give this request up, or ask nothing more."""
        said = self._say(_error_message(text))
        message = f"status {status}{f': {said}' if said else ''}"
        if status in _RETRYABLE or (status >= 500 and not _ABOUT_SCHEMA.search(said)):
            return _Retry(message, parse_retry_after(headers.get("retry-after")), lasting=status == 429)
        where = f"{self.url}: {message}"
        if status in (401, 403):
            # What it says here may hold a part of the key.
            hint = "extract.llm.key_env names the environment variable that holds the API key"
            return EndpointError(f"{self.url}: status {status}: the key is missing or refused", hint=hint)
        if status == 404:
            model = self._settings.model
            hint = f"is the base URL right (extract.llm.endpoint), and is {model!r} a model there (extract.llm.model)?"
            return EndpointError(where, hint=hint)
        if 300 <= status < 400:
            hint = "redirects are not followed with a key; set extract.llm.endpoint to the final address"
            return EndpointError(f"{self.url}: status {status}: a redirect", hint=hint)
        if _ABOUT_SCHEMA.search(said):
            hint = 'set extract.llm.response_format to "json_object" or "none" for servers without JSON schemas'
            return EndpointError(where, hint=hint)
        if status == 402:
            return EndpointError(where, hint="the account at the endpoint has no means left")
        return Unanswered(where)

    def _say(self, text: str) -> str:
        """Put what a server or library said into one short printable line."""
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"


def trusted(url: str) -> ssl.SSLContext:
    """Return what TLS to `url` is verified against. Without TLS it trusts nobody: reading the certificates is slow."""
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def completions_url(endpoint: str, *, has_key: bool) -> str:
    """Return the URL to post to. Raises SettingsError, never with what may be a password in the URL."""
    name = "extract.llm.endpoint"
    if not endpoint:
        raise SettingsError(f"{name} is not set", hint="it is a base URL such as http://127.0.0.1:8080/v1")
    try:
        url = httpx.URL(endpoint.strip())
    except (httpx.InvalidURL, ValueError):
        raise SettingsError(f"{name} is no URL") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise SettingsError(f"{name} must be http(s)://host[:port]/path, without user name, query or fragment")
    if has_key and url.scheme == "http" and not _is_near(url.host):
        raise SettingsError(
            f"{name}: the key would cross the network unencrypted", hint="use https, or leave key_env out"
        )
    return f"{str(url).rstrip('/')}/chat/completions"


def _is_near(host: str) -> bool:
    """Whether a host is on this machine or a private network, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_SUFFIXES)


def _error_message(text: str) -> str:
    """The message in an error's body: {"error": {"message": …}}, {"error": …}, {"message": …}, or the body itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for name in ("error", "message", "detail"):
        while isinstance(value, dict) and name in value:
            value = value[name]
    return value if isinstance(value, str) else json.dumps(value)


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None

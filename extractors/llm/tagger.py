"""A tagger (extractors.extractor.RawTagger) that asks a language model: excerpts out, checked raw mentions in.

What fails for one document becomes that document's result. What fails for all (address, key, model, schema, a server
that is down) is an EndpointError: it ends the call, so that no article is given up for a fault that isn't its own.
"""

import asyncio
import logging
import os
import re
import ssl
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from threading import Thread
from typing import Any, TypeVar

from extractors.decode import RawMention, reading_order
from extractors.llm.answers import UNCALIBRATED, AnswerError, Claim, ground, read_answer
from extractors.llm.cache import Answer, AnswerCache, request_key
from extractors.llm.endpoint import Endpoint, Unanswered, completions_url, trusted
from extractors.llm.excerpts import Excerpt, excerpts
from extractors.llm.prompting import repair_body, request_body
from extractors.usage import Meter, Usage
from pipeline.errors import EndpointError, ExtractionError, SettingsError
from pipeline.settings import LLMSettings
from pipeline.types import Document

log = logging.getLogger(__name__)

READING = "1"  # part of the revision: raise it when a change in this package changes results
GIVE_UP = 5
"""Documents in a row without any answer after which the endpoint is taken to be at fault, not they."""

_NONE_ANSWERED = "no document gets an answer, so none is given up: try again when the endpoint is well"

Result = TypeVar("Result")


@dataclass(slots=True)
class _Reading:
    """One document while it is read: what was found, or why it can't be read."""

    document: Document
    excerpts: list[Excerpt]
    mentions: list[RawMention] = field(default_factory=list)
    error: ExtractionError | None = None

    def fail(self, message: str) -> None:
        log.warning("%s: %s", self.document.id, message)
        self.error = ExtractionError(message, document_id=self.document.id)


class LLMTagger:
    """Reads documents with the language model that the settings name. Safe to share between threads."""

    def __init__(self, settings: LLMSettings, key: str | None = None) -> None:
        self._settings = settings
        self._key = key
        self._url = completions_url(settings.endpoint, has_key=key is not None)
        if not settings.model:
            raise SettingsError("extract.llm.model is not set", hint="it is the model's name at extract.llm.endpoint")
        self._cache = AnswerCache(settings.cache)
        self.meter = Meter()

    @classmethod
    def load(cls, settings: LLMSettings) -> "LLMTagger":
        """Take the key from the environment. Raises SettingsError; nothing is asked of the endpoint yet."""
        return cls(settings, _key(settings.key_env))

    @property
    def revision(self) -> str:
        """Identifies endpoint, model, prompt, schema, parameters and the reading of answers together."""
        nothing = Excerpt("", (), None, 0, 0)
        asked = request_key(self._url, request_body(nothing, None, self._settings))
        parts = f"{asked} {self._settings.window} {READING} {UNCALIBRATED}"
        return f"llm-{self._settings.model}-{sha256(parts.encode()).hexdigest()[:8]}"

    def tag(self, documents: Sequence[Document]) -> list[list[RawMention] | ExtractionError]:
        """Return each document's raw mentions in the order of the text, or why it could not be read.

        Raises EndpointError where the endpoint can't be used; answers that came before are in the cache.
        """
        readings = [_Reading(document, excerpts(document, self._settings.window)) for document in documents]
        if any(reading.excerpts for reading in readings):
            _run_apart(lambda: self._asking().read(readings))
        self.meter.add(Usage(failed=sum(reading.error is not None for reading in readings)))
        return [reading.error or sorted(reading.mentions, key=reading_order) for reading in readings]

    def _asking(self) -> "_Asking":
        return _Asking(self._settings, Endpoint(self._settings, self._key, self._trust), self._cache, self.meter)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return trusted(self._url)


class _Asking:
    """One call of `tag`: it owns the connections and knows how many documents in a row went without an answer."""

    def __init__(self, settings: LLMSettings, endpoint: Endpoint, cache: AnswerCache, meter: Meter) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._cache = cache
        self._meter = meter
        self._turns = asyncio.Semaphore(settings.concurrency)
        self._unanswered: set[int] = set()
        self._answered = False

    async def read(self, readings: Sequence[_Reading]) -> None:
        try:
            async with self._endpoint, asyncio.TaskGroup() as group:
                for reading in readings:
                    for excerpt in reading.excerpts:
                        group.create_task(self._read_excerpt(reading, excerpt))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if self._unanswered and not self._answered:
            failed = next(reading.error for reading in readings if reading.error is not None)
            raise EndpointError(str(failed), hint=_NONE_ANSWERED)

    async def _read_excerpt(self, reading: _Reading, excerpt: Excerpt) -> None:
        async with self._turns:
            if reading.error is not None:
                return
            try:
                claims = await self._claims(reading.document, excerpt)
            except Unanswered as error:
                reading.fail(str(error))
                self._unanswered.add(id(reading))
                if len(self._unanswered) >= GIVE_UP:
                    raise EndpointError(str(error), hint=_NONE_ANSWERED) from None
            except AnswerError as error:
                reading.fail(f"{self._endpoint.url}: {error}")
            else:
                grounded = ground(claims, excerpt)
                reading.mentions.extend(grounded.mentions)
                self._meter.add(
                    Usage(invented_events=grounded.invented_events, invented_fields=grounded.invented_fields)
                )

    async def _claims(self, document: Document, excerpt: Excerpt) -> tuple[Claim, ...]:
        """Ask, and once more where the answer can't be read. Raises AnswerError, Unanswered, EndpointError."""
        body = request_body(excerpt, document.published, self._settings)
        key = request_key(self._endpoint.url, body)
        kept = self._cache.get(key)
        if kept is not None:
            try:
                claims = _read(kept)
            except AnswerError as error:
                log.warning("the answer kept for %s is left out: %s", document.id, error)
            else:
                self._meter.add(Usage(cached=1))
                return claims
        answer = await self._ask(document, body)
        try:
            claims = _read(answer)
        except AnswerError as error:
            if answer.finish in ("length", "content_filter"):
                raise
            answer = await self._ask(document, repair_body(body, answer.content, str(error)))
            self._meter.add(Usage(repaired=1))
            claims = _read(answer)
        self._cache.put(key, answer)
        return claims

    async def _ask(self, document: Document, body: dict[str, Any]) -> Answer:
        answer = await self._endpoint.complete(body)
        self._unanswered.clear()
        self._answered = True
        used = self._usage(answer)
        self._meter.add(used)
        log.info("%s: %s", document.id, used)
        return answer

    def _usage(self, answer: Answer) -> Usage:
        tokens = answer.input_tokens, answer.output_tokens
        prices = self._settings.input_price, self._settings.output_price
        cost = None
        if None not in tokens and None not in prices:
            cost = sum((count or 0) * (price or 0) for count, price in zip(tokens, prices, strict=True)) / 1e6
        return Usage(
            calls=1,
            uncounted=int(None in tokens),
            input_tokens=tokens[0] or 0,
            output_tokens=tokens[1] or 0,
            seconds=answer.seconds,
            cost=cost,
        )


def _read(answer: Answer) -> tuple[Claim, ...]:
    """Read an answer; where it can't be read, say so with the cause that the endpoint gave. Raises AnswerError."""
    try:
        return read_answer(answer.content)
    except AnswerError as error:
        if answer.finish == "length":
            raise AnswerError(
                "the answer was cut off; raise extract.llm.max_tokens or lower extract.llm.window"
            ) from None
        if answer.finish == "content_filter":
            raise AnswerError("the model refused to answer") from None
        raise AnswerError(f"the answer can't be read: {error}") from None


def _key(variable: str) -> str | None:
    """Return the API key. Raises SettingsError, which never repeats what was given: it may be the key itself."""
    if not variable:
        return None
    hint = "it holds the name of the environment variable, never the key itself"
    value = os.environ.get(variable, "").strip() if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable) else ""
    if not value:
        raise SettingsError("extract.llm.key_env names no environment variable that is set", hint=hint)
    if not re.fullmatch(r"[!-~]+", value):
        raise SettingsError("extract.llm.key_env: the key holds characters that a header can't carry", hint=hint)
    return value


def _run_apart(start: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine in a thread and loop of its own, so that a caller with a running loop can wait for it.

    An interrupt in the caller ends what is under way at once.
    """
    result: Future[Result] = Future()
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def work() -> Result:
        task = asyncio.current_task()
        assert task is not None
        ready.set_result((asyncio.get_running_loop(), task))
        return await start()

    def live() -> None:
        try:
            result.set_result(asyncio.run(work()))
        except BaseException as error:
            result.set_exception(error)

    thread = Thread(target=live, name="llm", daemon=True)
    thread.start()
    try:
        return result.result()
    except BaseException:
        if not result.done():
            loop, task = ready.result()
            loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()

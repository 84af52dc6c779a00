"""robots.txt as RFC 9309 wants it: fetched once a day per origin, believed where it answers, feared where it fails.

A file that a site does not have (4xx, or redirects without end) allows everything. A site that can't say (5xx, or no
answer at all) allows nothing until it can: 429 counts among these, since it asks for patience, not for more requests.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego
from yarl import URL

from pipeline.errors import FetchError, HTTPStatusError, RobotsDisallowed, TooManyRedirects

AGENT = "clampdown"
"""The product token that robots.txt files address us by."""

MAX_ROBOTS_BYTES = 512_000
"""What is read of a file (RFC 9309, 2.5, wants 500 KiB at least); the rest is overlooked."""

MAX_CRAWL_DELAY = 10.0
"""Seconds: a longer Crawl-delay is cut to this, for it would stop a run rather than slow it."""

# The spellings of the line that protego reads as the start of a group.
AGENT_LINE = re.compile(r"\s*user[- ]?agent(?:\s*:|\s)\s*([^#]*)", re.IGNORECASE)
OUR_NAME = re.compile(rf"{AGENT}(?![a-z_-])", re.IGNORECASE)

LIFETIME = 86_400.0
FAILURE_LIFETIME = 300.0
"""Seconds for which an answer, or the lack of one, is believed."""


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """One origin's robots.txt, as it answered with `status` and `body`; `failure` if it did not answer."""

    status: int
    body: bytes = b""
    failure: FetchError | None = None


class Rules:
    """What one origin allows us. `crawl_delay` is in seconds, 0 if none is asked for."""

    def __init__(self, file: RobotsFile) -> None:
        self._failure = file.failure
        self._denied = f"answered {file.status}" if file.status == 429 or file.status >= 500 else None
        readable = file.failure is None and 200 <= file.status < 300
        text = file.body.decode("utf-8-sig", "replace") if readable else ""
        self._parsed = Protego.parse(_ours(text))
        self.crawl_delay = min(self._parsed.crawl_delay(AGENT) or 0.0, MAX_CRAWL_DELAY)

    @property
    def lifetime(self) -> float:
        """Seconds for which these rules hold."""
        return LIFETIME if self._failure is None and self._denied is None else FAILURE_LIFETIME

    def check(self, url: str) -> None:
        """Return if `url` may be fetched, else raise RobotsDisallowed or what kept robots.txt from being read."""
        if self._failure is not None:
            raise type(self._failure)(f"{self._failure} (on asking for robots.txt)", url=url, hint=self._failure.hint)
        if self._denied is not None:
            raise RobotsDisallowed(f"robots.txt {self._denied}, which forbids all for now", url=url, temporary=True)
        if not self._parsed.can_fetch(url, AGENT):
            raise RobotsDisallowed("robots.txt forbids this URL", url=url)


def _ours(text: str) -> str:
    """Give every agent that is not us one name.

    The parser keeps a copy of each rule for each agent of its group: 5,000 agents before 30,000 rules, which is one
    file of 500 KiB, are 150 million rules. It also takes "clamp" for us, where RFC 9309 wants the whole token.
    """
    return "\n".join(
        f"User-agent: {_agent(line[1].strip())}" if (line := AGENT_LINE.match(raw)) else raw
        for raw in text.splitlines()
    )


def _agent(name: str) -> str:
    if name == "*":
        return name
    return AGENT if OUR_NAME.match(name) else "other"


class RobotsCache:
    """The rules of each origin met so far. `load` fetches one robots.txt and raises FetchError subclasses only."""

    def __init__(self, load: Callable[[URL], Awaitable[RobotsFile]]) -> None:
        self._load = load
        self._loading: dict[URL, asyncio.Task[Rules]] = {}
        self._expiry: dict[URL, float] = {}

    async def rules(self, url: URL) -> Rules:
        """Return the rules for `url`'s origin, fetching them at most once however many ask at the same time."""
        origin = url.origin()
        now = asyncio.get_running_loop().time()
        task = self._loading.get(origin)
        if task is None or now >= self._expiry.get(origin, now + 1):
            self._expiry.pop(origin, None)
            task = self._loading[origin] = asyncio.create_task(self._fetch(origin))
        # One caller that runs out of time must not take the others' answer with it.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is still being fetched."""
        for task in self._loading.values():
            task.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)

    async def _fetch(self, origin: URL) -> Rules:
        try:
            file = await self._load(origin / "robots.txt")
        except TooManyRedirects:
            file = RobotsFile(404)
        except HTTPStatusError as error:
            file = RobotsFile(error.status)
        except FetchError as error:
            file = RobotsFile(0, failure=error)
        rules = Rules(file)
        self._expiry[origin] = asyncio.get_running_loop().time() + rules.lifetime
        return rules

"""robots.txt as RFC 9309 wants it: fetched once a day per origin, believed where it answers, feared where it fails.

A file that a site does not have (4xx, or redirects without end) allows everything. A site that can't say (5xx, or no
answer at all) allows nothing until it can: 429 counts among these, since it asks for patience, not for more requests.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from protego import Protego
from yarl import URL

from pipeline.errors import FetchError, HTTPStatusError, RobotsDisallowed, TooManyRedirects
from pipeline.robots_file import MAX_AGE, KeptAnswer, read_answers, write_answers
from pipeline.turns import Budget
from pipeline.urls import absolute_url

AGENT = "clampdown"
"""The product token that robots.txt files address us by."""

MAX_ROBOTS_BYTES = 512_000
"""What is read of a file (RFC 9309, 2.5, wants 500 KiB at least); the rest is overlooked."""

MAX_CRAWL_DELAY = 10.0
"""Seconds: a longer Crawl-delay is cut to this, for it would stop a run rather than slow it."""

MAX_SITEMAPS = 100
"""Sitemaps that one file may name; the rest is overlooked."""

# The spellings of the line that protego reads as the start of a group, and of those that belong to no group.
AGENT_LINE = re.compile(r"user[- ]?agent(?:\s*:|\s)\s*(.*)", re.IGNORECASE)
SITEMAP_LINE = re.compile(r"(?:sitemaps?|site-map)(?:\s*:|\s)\s*(.*)", re.IGNORECASE)
HOST_LINE = re.compile(r"host(?:\s*:|\s)", re.IGNORECASE)
OUR_NAME = re.compile(rf"{AGENT}(?![a-z_-])", re.IGNORECASE)

LIFETIME = MAX_AGE
FAILURE_LIFETIME = 300.0
"""Seconds for which an answer, or the lack of one, is believed."""


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """One origin's robots.txt, as it answered with `status` and `body`; `failure` if it did not answer."""

    status: int
    body: bytes = b""
    failure: FetchError | None = None


class Rules:
    """What one origin allows us.

    `crawl_delay` is in seconds, 0 if none is asked for; `sitemaps` are absolute addresses. `text` is what the file says
    to us, and makes the same rules again.
    """

    def __init__(self, file: RobotsFile, origin: URL | None = None) -> None:
        self._failure = file.failure
        self._denied = f"answered {file.status}" if file.status == 429 or file.status >= 500 else None
        readable = file.failure is None and 200 <= file.status < 300
        rules, sitemaps = _ours(file.body.decode("utf-8-sig", "replace") if readable else "")
        self.text = "\n".join([*rules, *(f"Sitemap: {address}" for address in sitemaps)])
        base = str(origin) if origin else None
        self.sitemaps = tuple(filter(None, (absolute_url(address, base=base) for address in sitemaps)))
        self._parsed = Protego.parse("\n".join(rules))
        self.crawl_delay = min(self._parsed.crawl_delay(AGENT) or 0.0, MAX_CRAWL_DELAY)

    @property
    def is_answer(self) -> bool:
        """Whether the site said what it allows, be it by having no such file."""
        return self._failure is None and self._denied is None

    @property
    def lifetime(self) -> float:
        """Seconds for which these rules hold."""
        return LIFETIME if self.is_answer else FAILURE_LIFETIME

    def check(self, url: str) -> None:
        """Return if `url` may be fetched, else raise RobotsDisallowed or what kept robots.txt from being read."""
        if self._failure is not None:
            raise type(self._failure)(f"{self._failure} (on asking for robots.txt)", url=url, hint=self._failure.hint)
        if self._denied is not None:
            raise RobotsDisallowed(f"robots.txt {self._denied}, which forbids all for now", url=url, temporary=True)
        if not self._parsed.can_fetch(url, AGENT):
            raise RobotsDisallowed("robots.txt forbids this URL", url=url)


def _ours(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of the group that speaks to us, joined from all its parts, and the sitemaps that are named.

    The parser keeps a copy of each rule for each agent of its group: 5,000 agents before 30,000 rules, which is one
    file of 500 KiB, are 150 million rules. It also takes "clamp" for us, where RFC 9309 wants the whole token.
    """
    groups: dict[str, list[str]] = {}
    sitemaps: list[str] = []
    agents: set[str] = set()
    in_header = False
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if agent := AGENT_LINE.match(line):
            agents = agents if in_header else set()
            agents.add(_agent(agent[1].strip()))
            in_header = True
            for name in agents & {AGENT, "*"}:
                groups.setdefault(name, [f"User-agent: {name}"])
        elif sitemap := SITEMAP_LINE.match(line):
            sitemaps.append(sitemap[1].strip())
        elif line and not HOST_LINE.match(line):
            in_header = False
            for name in agents & groups.keys():
                groups[name].append(line)
    return groups.get(AGENT) or groups.get("*") or [], sitemaps[:MAX_SITEMAPS]


def _agent(name: str) -> str:
    if name == "*":
        return name
    return AGENT if OUR_NAME.match(name) else "other"


class RobotsCache:
    """The rules of each origin met so far, in this run and, if there is a `file`, in those of the last day.

    `load` fetches one robots.txt within the time given and raises FetchError subclasses only.
    """

    def __init__(
        self, load: Callable[[URL, Budget], Awaitable[RobotsFile]], *, timeout: float, file: Path | None = None
    ) -> None:
        self._load = load
        self._timeout = timeout
        self._file = file
        self._kept = read_answers(file, time.time()) if file else {}
        self._new: dict[str, KeptAnswer] = {}
        self._loading: dict[URL, asyncio.Task[tuple[Rules, float]]] = {}
        self._expiry: dict[URL, float] = {}

    async def rules(self, url: URL, budget: Budget | None = None) -> Rules:
        """Return the rules for `url`'s origin, fetching them at most once however many ask at the same time.

        `budget` pays for the time that was spent on the wire meanwhile, and not for waiting for a turn there.
        """
        loop = asyncio.get_running_loop()
        origin, start = url.origin(), loop.time()
        task = self._loading.get(origin)
        if task is None or start >= self._expiry.get(origin, start + 1):
            self._expiry.pop(origin, None)
            task = self._loading[origin] = asyncio.create_task(self._fetch(origin))
        # One caller that runs out of time must not take the others' answer with it.
        rules, seconds = await asyncio.shield(task)
        if budget is not None:
            budget.charge(min(seconds, loop.time() - start))
        return rules

    async def close(self) -> None:
        """Give up what is still being fetched, and keep what was learnt."""
        for task in self._loading.values():
            task.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)
        if self._file and self._new:
            write_answers(self._file, self._new, time.time())

    async def _fetch(self, origin: URL) -> tuple[Rules, float]:
        """Return the rules of `origin`, and the seconds that it took to get them."""
        loop, now = asyncio.get_running_loop(), time.time()
        kept = self._kept.pop(str(origin), None)
        if kept is not None and (rest := kept.rest(now)) > 0:
            self._expiry[origin] = loop.time() + rest
            return Rules(RobotsFile(200, kept.text.encode()), origin), 0.0
        budget = Budget(self._timeout)
        try:
            file = await self._load(origin / "robots.txt", budget)
        except TooManyRedirects:
            file = RobotsFile(404)
        except HTTPStatusError as error:
            file = RobotsFile(error.status)
        except FetchError as error:
            file = RobotsFile(0, failure=error)
        rules = Rules(file, origin)
        self._expiry[origin] = loop.time() + rules.lifetime
        if rules.is_answer:
            self._new[str(origin)] = KeptAnswer(rules.text, now)
        return rules, self._timeout - budget.left

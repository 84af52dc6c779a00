"""What runs our flows as a child of `clampdown serve`: `python -m flows.serving.runner`.

It has the deployments on Prefect's server, starts a process for each flow run that is due, and starts by itself what
the scheduler has missed. It may end at any time: what it needs to know stands in the data folder or on the server.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flows.serving.prefect_settings import check
from flows.serving.processes import ADRIFT, ALIVE, ALIVE_EVERY, READY, die_with_parent, refuse, tell
from pipeline.errors import ClampdownError
from pipeline.logs import hide, secrets_of, set_up
from pipeline.settings import Settings, load

log = logging.getLogger(__name__)

WATCH_EVERY = 30.0
"""Seconds between two looks at what was missed, at runs without a process, and at who serves the name."""

ADRIFT_AFTER = 60.0
"""Seconds of failures after which the parent is told that no flows are started."""

TOLD_AFTER = timedelta(seconds=45)
"""How long the server may take to answer before that is said. One of our own needs half of it on a slow machine."""

SERVER_GAP = 0.5
"""Seconds between two tries to reach the server at the beginning."""


def main() -> None:
    """Serve until SIGTERM."""
    die_with_parent()
    try:
        settings = load().settings
        set_up(settings.log, who="runner")
        hide(secrets_of(settings, os.environ))
        asyncio.run(_serve(settings))
    except* ClampdownError as errors:
        error = errors.exceptions[0]
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        refuse(str(error), getattr(error, "hint", None))


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    life = asyncio.create_task(_live())
    work = asyncio.create_task(_work(settings))
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    try:
        await work
    except asyncio.CancelledError:
        log.debug("stopped")
    finally:
        life.cancel()
        stop.cancel()


async def _live() -> None:
    while True:
        tell(ALIVE)
        await asyncio.sleep(ALIVE_EVERY)


async def _work(settings: Settings) -> None:
    # Heavy: after the parent knows that we are here, and while its server starts.
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    check()
    from flows.serving.upkeep import Upkeep

    async with get_client() as client:
        await _reach(client.api_healthcheck, str(client.api_url))
        upkeep = await Upkeep.begin(client, settings)
        tell(READY)
        looking = _Loop("look for flow runs that are due", get_current_settings().runner.poll_frequency)
        watching = _Loop("look after flow runs", WATCH_EVERY)
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(looking.run(upkeep.flows.look))
                loops.create_task(watching.run(upkeep.look))
        finally:
            await upkeep.flows.stop()


async def _reach(healthcheck: Callable[[], Awaitable[Exception | None]], address: str) -> None:
    """Wait until the server answers."""
    told_at = datetime.now(UTC) + TOLD_AFTER
    while (error := await healthcheck()) is not None:
        if datetime.now(UTC) >= told_at:
            log.warning("Prefect's server at %s does not answer: %s", address, error)
            told_at = datetime.now(UTC) + timedelta(minutes=10)
        await asyncio.sleep(SERVER_GAP)


@dataclass(slots=True)
class _Loop:
    """Something that is done again and again, whatever happens: a server that is gone comes back."""

    name: str
    seconds: float
    failures: int = 0
    failing_since: float | None = None

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except ClampdownError:
                raise
            except Exception as error:
                self._fail()
                # Said once for each outage; the rest of it is for those who look for it.
                level = logging.WARNING if self.failures == 1 else logging.DEBUG
                log.log(level, "can't %s: %s: %s", self.name, type(error).__name__, error)
            else:
                self._succeed()
            await asyncio.sleep(self.seconds)

    def _fail(self) -> None:
        self.failures += 1
        now = time.monotonic()
        if self.failing_since is None:
            self.failing_since = now
        elif now - self.failing_since > ADRIFT_AFTER:
            tell(ADRIFT)

    def _succeed(self) -> None:
        if self.failures:
            log.info("can %s again, after %d failures", self.name, self.failures)
            tell(READY)
        self.failures, self.failing_since = 0, None


if __name__ == "__main__":
    main()

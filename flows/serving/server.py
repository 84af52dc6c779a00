"""Prefect's own server as a child of `clampdown serve`: `python -m flows.serving.server`.

Prefect's command would do, but for three things: it ends with its parent, it says when it answers, and an idle one
sleeps longer.
"""

import asyncio
import ctypes
import gc
import logging
import socket
from datetime import timedelta

from flows.serving.prefect_settings import check, check_database
from flows.serving.processes import ALIVE, ALIVE_EVERY, READY, die_with_parent, refuse, tell
from pipeline.errors import ServeError
from pipeline.logs import set_up
from pipeline.settings import load

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=2)
"""How often the server looks for work of its own that is due. By default it is 4 times a second, which is most of what
an idle one does. What clients ask for is answered at once."""

TICKS = 10
"""How many tenths of a second lie between two looks at whether to end."""

KEEP_ALIVE = 75
"""Seconds for which a connection stays open between two requests; the runner asks more often than that."""


def main() -> None:
    """Serve until SIGTERM."""
    die_with_parent()
    settings = load().settings
    set_up(settings.log, who="server")
    # Heavy, as all that follows: after the parent knows that we are here.
    try:
        check()
        check_database()
    except ServeError as error:
        refuse(str(error), error.hint)
    import uvicorn
    from docket import Docket, Worker
    from prefect.server.api import background_workers
    from prefect.server.api.server import create_app

    class PatientWorker(Worker):
        """Looks for what is due less often. No setting leads there."""

        def __init__(self, docket: Docket) -> None:
            super().__init__(docket, minimum_check_interval=LOOK_EVERY, scheduling_resolution=LOOK_EVERY)

        async def _cancellation_listener(self) -> None:
            """Asked ten times a second whether a task is to be cancelled, which Prefect's server never wants."""
            session = getattr(self, "_processing_session", None)
            ready, stopping = getattr(session, "cancellation_ready", None), getattr(session, "stopping", None)
            if ready is None or stopping is None:
                # Another version than was looked at.
                await super()._cancellation_listener()
                return
            ready.set()
            await stopping.wait()

    # Where a version to come has it elsewhere, an idle server is busier, and nothing else.
    background_workers.Worker = PatientWorker  # type: ignore[assignment, attr-defined]  # imported there, and not for others

    class Server(uvicorn.Server):
        """Says when it answers, and that its loop still turns."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _give_back()
                tell(READY)
                self.life = asyncio.create_task(_live())

        async def main_loop(self) -> None:
            """Look less often whether to end: ten times a second is the rule."""
            ticks = 0
            while not await self.on_tick(ticks):
                ticks += TICKS
                await asyncio.sleep(TICKS / 10)

    config = uvicorn.Config(
        create_app(final=True),
        host=settings.serve.host,
        port=settings.serve.port,
        log_config=None,  # logging.yml has it
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
    )
    Server(config).run()


def _give_back() -> None:
    """Return to the system what starting took and nothing uses any more: making a new database takes the most."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


async def _live() -> None:
    while True:
        await asyncio.sleep(ALIVE_EVERY)
        tell(ALIVE)


if __name__ == "__main__":
    main()

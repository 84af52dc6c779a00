"""The world of the soak, served: one server on an address of its own for each outlet, all of them in the same state."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from clampdown.proofs.soak_world import World
from clampdown.proofs.webserver import HTTPServer
from pipeline.sources import render_sources


class SoakSite:
    """A context manager: serves `world` on free ports of loopback. `source_list` is the file that names the outlets."""

    def __init__(self, world: World, source_list: Path) -> None:
        self.world = world
        self.source_list = source_list
        self._stack = ExitStack()
        self._servers = [HTTPServer(host=f"127.0.0.{outlet.number + 2}") for outlet in world.outlets]

    def __enter__(self) -> Self:
        for server in self._servers:
            self._stack.enter_context(server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def allow_hosts(self) -> tuple[str, ...]:
        """The entries that `fetch.allow_hosts` needs."""
        return tuple(server.root.removeprefix("http://") for server in self._servers)

    def switch(self, state: int) -> None:
        """Be in this state from now on. Nobody may be reading: what is asked for between two servers is of neither."""
        for outlet, server in zip(self.world.outlets, self._servers, strict=True):
            server.routes = self.world.routes(outlet, state, server.root)
            server.hits.clear()
        listed = self.world.sources(state, [server.root for server in self._servers])
        unfinished = self.source_list.with_suffix(".new")
        unfinished.write_text(render_sources(listed), "utf-8")
        unfinished.replace(self.source_list)

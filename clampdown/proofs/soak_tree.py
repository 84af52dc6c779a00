"""The processes of a `clampdown serve`, as Linux shows them: who is what, what they take, and how to kill them."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Part = Literal["supervisor", "server", "runner", "flow"]

PARTS: Final[tuple[Part, ...]] = ("supervisor", "server", "runner", "flow")

FLOW: Final = "flows.serving.engine"

_PROC: Final = Path("/proc")
_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_OWN: Final = re.compile(r"^Anonymous:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Weight:
    """What some processes take: MB of memory (PSS: shared pages in parts), open files, threads, seconds of CPU.

    `own` is the memory that no file backs. Pages of files come and go with what else on the machine uses them.
    """

    memory: float = 0.0
    handles: int = 0
    threads: int = 0
    cpu: float = 0.0
    own: float = 0.0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            self.memory + other.memory,
            self.handles + other.handles,
            self.threads + other.threads,
            self.cpu + other.cpu,
            self.own + other.own,
        )


@dataclass(frozen=True, slots=True)
class Tree:
    """The processes below a supervisor. Each part maps the process that it begins with to all of it, itself included.

    A flow is a process that the runner started, with its workers; there may be several.
    """

    parts: Mapping[Part, Mapping[int, tuple[int, ...]]]

    def pids(self, part: Part) -> list[int]:
        """The processes with which a part begins."""
        return list(self.parts[part])

    @property
    def everyone(self) -> list[int]:
        """All processes."""
        return [pid for part in self.parts.values() for pids in part.values() for pid in pids]

    def weigh(self, part: Part) -> Weight:
        """What a part takes now."""
        return sum((_weigh(pid) for pids in self.parts[part].values() for pid in pids), Weight())


def tree(supervisor: int) -> Tree:
    """Look at the processes below `supervisor` now."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    parts: dict[Part, dict[int, tuple[int, ...]]] = {part: {} for part in PARTS}
    parts["supervisor"][supervisor] = (supervisor,)
    for child in children.get(supervisor, ()):
        command = _command(child)
        if "flows.serving.runner" in command:
            # Of one that has just ended there may still be its workers.
            flows = [one for one in children.get(child, ()) if not is_alive(one) or FLOW in _command(one)]
            parts["runner"][child] = tuple(_below(child, children, without=flows))
            parts["flow"] = {flow: tuple(_below(flow, children)) for flow in flows}
        elif "flows.serving.server" in command:
            parts["server"][child] = tuple(_below(child, children))
        else:
            parts["supervisor"][supervisor] += tuple(_below(child, children))
    return Tree(parts)


def kill(pid: int) -> bool:
    """Kill a process. Returns False where it is gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    found = _stat(pid)
    return found is not None and found[0] != "Z"


def end_all(pids: list[int]) -> None:
    """Kill processes that are left."""
    for pid in pids:
        kill(pid)


def _below(pid: int, children: Mapping[int, list[int]], without: list[int] | None = None) -> Iterator[int]:
    yield pid
    for child in children.get(pid, ()):
        if child not in (without or ()):
            yield from _below(child, children)


def _parents() -> Iterator[tuple[int, int]]:
    for path in _PROC.iterdir():
        if path.name.isdecimal() and (found := _stat(int(path.name))) is not None:
            yield int(path.name), int(found[1])


def _stat(pid: int) -> list[str] | None:
    """The fields of a process from its state on, or None where it is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _command(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _weigh(pid: int) -> Weight:
    folder = _PROC / str(pid)
    with suppress(OSError):
        stat = _stat(pid)
        rollup = (folder / "smaps_rollup").read_text()
        shares, own = _PSS.search(rollup), _OWN.search(rollup)
        if stat is not None and shares is not None and own is not None:
            cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
            handles = len(list((folder / "fd").iterdir()))
            return Weight(int(shares[1]) / 1024, handles, int(stat[17]), cpu, int(own[1]) / 1024)
    return Weight()

"""Of the machine: Python, its packages, terminal, clock, memory, open files, temporary files."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clampdown.doctor.finding import Check, State
from clampdown.mishaps import is_unicode
from clampdown.versions import installed, versions

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings

OLDEST: Final = (3, 11)
TEMPORARY_BYTES: Final = 100_000_000
"""Free bytes where temporary files go, below which a large question or a backup may not fit."""

FEWEST_FILES: Final = 128
"""Open files that a run needs at least: connections, workers, parts of the archive."""

FEW_FILES: Final = 512
START_MB: Final = 350
"""What the program and a worker take before they read anything, each, in MiB."""


def python(loaded: "LoadedSettings") -> Check:
    """The versions at work."""
    told = versions()
    detail = f"Python {told['python']}, clampdown {told['clampdown']}, DuckDB {told['duckdb']}, {told['platform']}"
    if sys.version_info < OLDEST:
        return Check("python", "fail", detail, "Clampdown needs Python 3.11 or newer.")
    return Check("python", "ok", detail)


def packages(loaded: "LoadedSettings") -> Check:
    """Whether what is installed is what this version asks for: pip puts in anything that it is told to."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in distribution("clampdown").requires or ()]
    except PackageNotFoundError:
        return Check("packages", "warn", "clampdown is not installed", "pip install . beside its pyproject.toml")
    wrong, number = [], 0
    for one in wanted:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        number += 1
        found = installed(one.name)
        if found is None or not one.specifier.contains(found, prereleases=True):
            wrong.append(f"{one.name} {found or 'is missing'} (wanted: {one.specifier})")
    if wrong:
        return Check("packages", "fail", "; ".join(wrong), "Install clampdown anew: pip install --force-reinstall …")
    return Check("packages", "ok", f"the {number} that it needs are there, in versions that go together")


def terminal(loaded: "LoadedSettings") -> Check:
    """Whether all letters can be printed."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if not is_unicode(encoding):
        return Check("terminal", "warn", f"prints in {encoding}", "LC_ALL=C.UTF-8 lets names be printed as written.")
    return Check("terminal", "ok", f"prints in {encoding.lower()}")


def clock(loaded: "LoadedSettings") -> Iterator[Check]:
    """Whether the clock can be right: no file of ours is of tomorrow, and the program was not made after today."""
    from pipeline.places import WAREHOUSE_NAME

    now = datetime.now(UTC)
    settings = loaded.settings
    times = [Path(__file__).stat().st_mtime]
    times += [path.stat().st_mtime for path in (settings.data_dir / WAREHOUSE_NAME, settings.sources) if path.exists()]
    newest = datetime.fromtimestamp(max(times), UTC)
    zone = settings.serve.zone
    detail = f"{now.astimezone(zone):%Y-%m-%d %H:%M}, {zone.key}"
    if newest - now > timedelta(days=1):
        detail += f"; files are of {newest:%Y-%m-%d}, which is to come"
        yield Check("clock", "fail", detail, "Set the clock: dates in words such as `yesterday` hang on it.")
        return
    yield Check("clock", "ok", detail)


def memory(loaded: "LoadedSettings") -> Check:
    """Whether the workers fit into what is free, by the machine and by the container."""
    workers = loaded.settings.workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    number = workers.processes or cores
    free = _free_mb()
    most = START_MB + number * (START_MB + workers.memory_mb)
    detail = f"{number} worker{'s' if number > 1 else ''} on {cores} core{'s' if cores > 1 else ''}"
    if free is None:
        return Check("memory", "ok", detail)
    detail += f", {free:,} MiB free, at most {most:,} taken"
    if free < START_MB * (1 + number):
        return Check("memory", "fail", detail, "Set workers.processes = 1, or give this machine more memory.")
    if free < most:
        return Check(
            "memory", "warn", detail, "Hostile pages could use it up: set workers.processes or workers.memory_mb lower."
        )
    return Check("memory", "ok", detail)


def _free_mb() -> int | None:
    """Free memory in MiB, no more than a container leaves; None where the system does not tell."""
    found = []
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii")
        if match := re.search(r"^MemAvailable:\s+(\d+) kB", told, re.MULTILINE):
            found.append(int(match[1]) // 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        if limit.isdigit():
            found.append((int(limit) - used) // 1_048_576)
    except (OSError, ValueError):
        pass
    return min(found, default=None)


def files(loaded: "LoadedSettings") -> Check:
    """How many files may be open at once."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = "any number" if soft == resource.RLIM_INFINITY else f"{soft:,}"
    detail = f"{number} may be open at once"
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return Check("files", "ok", detail)
    state: State = "fail" if soft < FEWEST_FILES else "warn"
    return Check("files", state, detail, "`ulimit -n 4096` allows more in this shell; LimitNOFILE in a unit.")


def temporary(loaded: "LoadedSettings") -> Check:
    """Whether temporary files can be written, and how much of them."""
    import shutil

    folder = Path(tempfile.gettempdir())
    with tempfile.TemporaryFile() as file:
        file.write(b"\0" * 65_536)
        file.flush()
    free = shutil.disk_usage(folder).free
    detail = f"{folder}: {free / 1e9:.1f} GB free"
    if free < TEMPORARY_BYTES:
        state: State = "fail" if free < TEMPORARY_BYTES // 10 else "warn"
        return Check("temporary", state, detail, "Make room, or set TMPDIR to a folder with more.")
    return Check("temporary", "ok", detail)


def ports(loaded: "LoadedSettings") -> Iterator[Check]:
    """Whether the ports of `serve` and `dashboard` are free, or taken by a `serve` of this data folder."""
    from pipeline.status import serving

    settings = loaded.settings
    ours = serving(settings.data_dir) is not None
    wanted = {
        "serve.port": (settings.serve.host, settings.serve.port, True),
        "serve.status_port": (settings.serve.host, settings.serve.status_port, True),
        "serve.readers_port": (settings.serve.readers_host, settings.serve.readers_port, True),
        "dashboard.port": (settings.dashboard.host, settings.dashboard.port, False),
    }
    taken = {key: port for key, (host, port, _) in wanted.items() if port and not _is_free(host, port)}
    by_serve = [key for key in taken if ours and wanted[key][2]]
    others = {key: port for key, port in taken.items() if key not in by_serve}
    if others:
        told = ", ".join(f"{port} ({key})" for key, port in others.items())
        hint = "Something listens there already: stop it, or set another port. A running dashboard is one."
        yield Check("ports", "warn", f"taken: {told}", hint)
    elif by_serve:
        yield Check("ports", "ok", "those of serve are its own: it is running")
    else:
        free = ", ".join(str(port) for _, port, _ in wanted.values() if port)
        yield Check("ports", "ok", f"{free} are free")


def _is_free(host: str, port: int) -> bool:
    import errno
    import socket

    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        # Whether a name or a low port can be used is told where it is.
        return error.errno != errno.EADDRINUSE
    return True

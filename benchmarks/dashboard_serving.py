"""The dashboard as its command serves it: the process, its memory and a browser, for measuring and for pictures."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
from playwright.sync_api import Browser, sync_playwright

from reports.dashboard import links

_ADDRESS: Final = re.compile(r"http://[^\s/]+")
_COMMAND: Final = "from clampdown.main import main; main()"
_START_SECONDS: Final = 60
_IDLE, _QUIET = 0.03, 3
"""Seconds of processor time within half a second that are none, and how often it is that one after the other."""

_ORDINARY: Final = """
SELECT event_id FROM events JOIN event_mentions USING (event_id) JOIN mentions AS m USING (mention_id)
WHERE articles < 10 AND m.actor_quote IS NOT NULL AND m.scope_quote IS NOT NULL AND m.date_quote IS NOT NULL
    AND m.reason_quote IS NOT NULL
ORDER BY voices >= 3 DESC, list_min(map_values(m.scores)) DESC, event_id LIMIT 1
"""
"""An event that some tell of, one of them with every field, and surely."""
_PROC: Final = Path("/proc")


@dataclass(slots=True)
class Served:
    """A running dashboard: where it is, and the most memory it took, in MiB, each page shared with others divided."""

    address: str
    pid: int
    start_seconds: float
    peak_mib: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def mib(self) -> float:
        """What the process and its children take now."""
        now = sum(_pss(pid) for pid in _family(self.pid))
        self.peak_mib = max(self.peak_mib, now)
        return now

    def settle(self) -> None:
        """Wait until it has done what it does before anybody asks."""
        late, quiet, before = time.monotonic() + _START_SECONDS, 0, -1.0
        while quiet < _QUIET and time.monotonic() < late:
            now = sum(_seconds(pid) for pid in _family(self.pid))
            quiet, before = (quiet + 1 if now - before < _IDLE else 0), now
            time.sleep(0.5)

    def watch(self) -> None:
        """Weigh it again and again until it ends."""
        while not self._over.wait(0.25):
            self.mib()

    def end(self) -> None:
        """Stop weighing."""
        self._over.set()


@contextmanager
def serving(data_dir: Path, *options: str) -> Iterator[Served]:
    """`clampdown dashboard` over that data folder, until the block ends. Raises RuntimeError if it fails."""
    begun = time.perf_counter()
    command = [sys.executable, "-c", _COMMAND, "-d", str(data_dir), "dashboard", "--port", "0", "--no-open", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        address, said = _address(process)
        served = Served(address, process.pid, time.perf_counter() - begun)
        # What it says later must be read, or it would wait for a reader.
        threading.Thread(target=said.extend, args=(process.stdout or [],), daemon=True).start()
        watching = threading.Thread(target=served.watch, daemon=True)
        watching.start()
        try:
            yield served
        finally:
            served.end()
            watching.join()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: "subprocess.Popen[str]") -> tuple[str, list[str]]:
    late = threading.Timer(_START_SECONDS, process.kill)
    late.start()
    said: list[str] = []
    try:
        for line in process.stdout or ():
            said.append(line)
            if found := _ADDRESS.search(line):
                return found[0], said
    finally:
        late.cancel()
    raise RuntimeError("the dashboard did not start:\n" + "".join(said))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, driven by Playwright: that of the environment's CHROMIUM, or the one that is installed."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise RuntimeError("Chromium is not installed: `apt-get install chromium`, or name it in CHROMIUM")
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def pages_of(published: Path) -> dict[str, str]:
    """An address for each sort of page, by name: those with most to show in that snapshot, and an ordinary event."""
    file = published / "clampdown.duckdb"
    with duckdb.connect(str(file), read_only=True, config={"threads": 2, "memory_limit": "256MB"}) as database:

        def first(sql: str) -> Sequence[str]:
            row: tuple[str, ...] | None = database.execute(sql).fetchone()
            return row or ("",)

        (service,) = first("SELECT service_canonical FROM most_restricted ORDER BY restrictions DESC, 1 LIMIT 1")
        in_country = (
            "FROM restrictions WHERE country NOT IN ('EU', 'XX') GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT 1"
        )
        (country,) = first(f"SELECT country {in_country}")
        actor, its_country = first(f"SELECT actor_canonical, country {in_country}".replace(
            "WHERE", "WHERE actor_canonical IS NOT NULL AND"))  # fmt: skip
        (most,) = first("SELECT event_id FROM events ORDER BY articles DESC, event_id LIMIT 1")
        (some,) = first(_ORDINARY)
    return {
        "overview": links.overview(),
        "services": links.services(),
        "service": links.service(service),
        "countries": links.countries(),
        "country": links.country(country),
        "actors": links.actors(),
        "actor": links.actor(actor, its_country),
        "event": links.event(some),
        "event, most told": links.event(most),
        "explore": links.explore(),
        "explore, filtered": links.explore(service=service, country=country),
        "health": links.health(),
    }


def _family(pid: int) -> list[int]:
    """The process and all that descend from it, whichever thread began them."""
    own = []
    for file in (_PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            own += file.read_text().split()
    return [pid, *(one for child in own for one in _family(int(child)))]


def _seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> float:
    try:
        rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0.0)

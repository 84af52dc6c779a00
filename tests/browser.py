"""A real browser on the dashboard: Debian's Chromium, driven by Playwright, over the sample's snapshot.

A page that a test gets fails it afterwards where a script failed, the console told of an error, or anything was asked
of another machine. Waits end when there is what is waited for; a busy machine only makes them longer.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 60_000
"""Milliseconds to wait for what a page is to show."""

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
_OURS = {"127.0.0.1", "localhost"}
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def chromium() -> str:
    """Where the browser is. Skips the test where there is none, or where Playwright is not installed."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium`")
    return found


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium. Playwright keeps an event loop running in this thread, so that it ends with its file."""
    path = chromium()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def dashboard_site(sample: "tuple[Path, Any]") -> Iterator[str]:
    """The address of the dashboard over the sample's snapshot, without its last slash."""
    with dashboard_over(sample[0] / "published") as address:
        yield address


def dashboard_over(published: Path) -> "Any":
    """A context in which the snapshot of that folder is served: gives the address, without its last slash."""
    from contextlib import contextmanager

    from reports.dashboard.app import Setting, make_app
    from reports.dashboard.serving import served
    from reports.dashboard.snapshots import Snapshots

    @contextmanager
    def opened() -> Iterator[str]:
        with tempfile.TemporaryDirectory() as workspace:
            snapshots = Snapshots(published, workspace=Path(workspace))
            with served(make_app(snapshots, Setting(ZoneInfo("UTC")))) as address:
                yield address.rstrip("/")
            snapshots.close()

    return opened()


@dataclass
class Watched:
    """What went wrong in a page, as it is told while it goes on. `expected` are parts of what may."""

    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def over(self, page: "Page") -> "Page":
        """Watch a page from here on."""
        page.on("console", lambda told: self.wrong.append(f"console: {told.text}") if told.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        page.set_default_timeout(PATIENCE)
        page.set_default_navigation_timeout(PATIENCE)
        return page

    def check(self) -> None:
        """Fail where anything went wrong."""
        left = [one for one in self.wrong if not any(part in one for part in self.expected)]
        assert not left, "\n".join(left)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in _OURS:
            self.wrong.append(f"request to the outside: {url}")


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Keeps watch over the pages of a test, and fails it at the end."""
    watch = Watched()
    yield watch
    watch.check()


@pytest.fixture
def page(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    """A page of a fresh profile, wide and light."""
    context = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce", locale="en-GB")
    yield watched.over(context.new_page())
    context.close()


def axe(page: "Page", *rules: str) -> list[str]:
    """What axe-core finds in the page that is serious or critical, by these rules or by all: with its first places."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": list(rules)} if rules else None).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: "
        + "; ".join(" ".join(map(str, node["target"])) for node in one["nodes"][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]

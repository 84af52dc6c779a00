"""Pages in a real browser: whatever runs, asks, opens a dialog or complains in its console is counted."""

import os
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from urllib.parse import urlsplit

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_OURS = ("127.0.0.1", "localhost")
_PATIENCE = 60_000
"""Milliseconds."""

_ALIVE = "document.querySelectorAll('iframe, object, embed, base, [onload], [onerror], [onclick]').length"


def chromium() -> str | None:
    """Where the browser is; None where there is none, or where Playwright is not installed."""
    if find_spec("playwright") is None:
        return None
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def look(path: str, site: str, addresses: Sequence[str], pages: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Show the addresses of a site, and pages as they are. Yields for each what was wrong."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        page = browser.new_context().new_page()
        page.set_default_timeout(_PATIENCE)
        wrong: list[str] = []
        page.on("console", lambda told: wrong.append(f"console: {told.text}"))
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("request", lambda request: wrong.extend(_elsewhere(request.url)))

        def dismiss(dialog: object) -> None:
            wrong.append(f"dialog: {dialog.message}")  # type: ignore[attr-defined]  # a Dialog
            dialog.dismiss()  # type: ignore[attr-defined]  # likewise

        page.on("dialog", dismiss)

        def shown(name: str) -> tuple[str, list[str]]:
            alive = page.evaluate(_ALIVE)
            found = [*wrong, *([f"{alive} elements that act"] if alive else [])]
            wrong.clear()
            return name, found

        for address in addresses:
            page.goto(site.rstrip("/") + address)
            yield shown(address[:80])
        for number, html in enumerate(pages):
            # What is set into a page has that page's policy: the dashboard's would keep quiet what mails do.
            page.goto("about:blank")
            # Playwright speaks UTF-8, which has no half characters.
            page.set_content(html.encode("utf-8", "replace").decode())
            yield shown(f"page {number}")
        browser.close()


def _elsewhere(url: str) -> list[str]:
    parts = urlsplit(url)
    return [] if parts.scheme in ("data", "blob", "about") or parts.hostname in _OURS else [f"request to {url}"]

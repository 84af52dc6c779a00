"""What a browser shows of pages: Chromium's `innerText`, an oracle that shares nothing with this program."""

import base64
import html
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PATIENCE: Final = 300.0
AT_ONCE: Final = 100

_SHOW: Final = """
<script>
window.onload = () => {
  const told = [...document.querySelectorAll("iframe")].map(
    (frame) => frame.contentDocument.body ? frame.contentDocument.body.innerText : "");
  const all = document.createElement("pre");
  all.id = "told";
  all.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(told))));
  document.body.replaceChildren(all);
};
</script>
"""


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def shown(program: str, pages: Sequence[str]) -> list[str]:
    """The text that a reader of each page sees and can select. Raises OSError where the browser says nothing."""
    found: list[str] = []
    for first in range(0, len(pages), AT_ONCE):
        found += _shown(program, pages[first : first + AT_ONCE])
    return found


def _shown(program: str, pages: Sequence[str]) -> list[str]:
    """All pages as frames of one. Where scripts can't run, a browser shows what is there for readers without them."""
    frames = "".join(
        f'<iframe sandbox="allow-same-origin allow-scripts" width="900" srcdoc="{html.escape(page)}"></iframe>'
        for page in pages
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "all.html").write_text(f'<!doctype html><meta charset="utf-8">{_SHOW}<body>{frames}', "utf-8")
        command = [
            *(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"),
            *(f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "all.html").as_uri()),
        ]
        done = subprocess.run(  # noqa: S603 - our own command line
            command, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    _, begins, rest = done.stdout.partition('<pre id="told">')
    if not begins:
        raise OSError(f"{program} shows nothing: {done.stderr[-300:]}")
    told = json.loads(base64.b64decode(rest.partition("<")[0]))
    return [str(one) for one in told]

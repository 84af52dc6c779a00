"""What pages load beside their HTML: our scripts, the style sheet made from the palette, and Vega from its package."""

import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from reports.dashboard.packing import Packed
from reports.palette import FIELDS, INKS, PALETTE, THEMES, dark_of, ink_on, mark_of
from reports.templating import unescaped

STYLE: Final = "dashboard.css"
VEGA: Final = "vega.js"
_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

# In a process of its own: making the bundle takes 150 MB that would not be given back.
_BUNDLE: Final = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """What is sent, and of what media type."""

    packed: Packed
    media_type: str


class StaticFiles:
    """All of them by name, in memory. Vega is made when it is first asked for."""

    def __init__(self) -> None:
        self._files = {STYLE: _file(STYLE, style().encode())}
        for one in (files("reports.dashboard") / "static").iterdir():
            if one.name.endswith(tuple(_TYPES)):
                self._files[one.name] = _file(one.name, one.read_bytes())

    def get(self, name: str) -> StaticFile | None:
        """The file of that name; None where there is none."""
        return vega() if name == VEGA else self._files.get(name)


def vega() -> StaticFile:
    """Vega, Vega-Lite and vega-embed as one script. Making it takes a second or two; RuntimeError where that fails."""
    with _MAKING:
        return _vega()


_MAKING: Final = threading.Lock()


@cache
def _vega() -> StaticFile:
    # In a session of its own: an interrupt of the terminal is not for it.
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _BUNDLE], capture_output=True, check=False, start_new_session=True
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"the script that draws charts can't be made: {' '.join(last)}")
    return _file(VEGA, done.stdout)


@cache
def style() -> str:
    """The style sheet of all pages."""
    return unescaped(
        "dashboard/dashboard.css.j2",
        {
            "inks": INKS,
            "fields": FIELDS,
            "palette": PALETTE,
            "marks": {theme: {action.value: mark_of(action, theme) for action in PALETTE[theme]} for theme in THEMES},
            "dark_of": dark_of(),
            "ink_on": ink_on,
        },
    )


def _file(name: str, body: bytes) -> StaticFile:
    kind = _TYPES[name[name.rindex(".") :]]
    return StaticFile(Packed.of(body), kind)

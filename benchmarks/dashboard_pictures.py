"""Pictures of every page of the dashboard: wide and narrow, light and dark.

    python -m benchmarks.dashboard_pictures OUT [--data DIR] [--front] [--only PAGE ...]

They show the bundled sample, which is run first, or what is published in the data folder DIR. A picture is as long as
its page. With --front only those that the README shows are taken: the first screen of some pages, in few colours.
"""

import argparse
import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from playwright.sync_api import Page

from benchmarks.dashboard_serving import chromium, pages_of, serving
from benchmarks.dashboard_walk import Browsing, painted, scroll_through
from benchmarks.picture_file import png
from clampdown.sample_run import publish_sample
from reports.dashboard import links

SIZES: Final = {"wide": (1280, 900), "narrow": (390, 844)}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_LONGEST: Final = 12_000
"""Pixels: Chromium draws nothing beyond some 16,000."""


@dataclass(frozen=True, slots=True)
class Front:
    """A picture for the README: a page, what is asked of it, a link that is followed, and the part at its top."""

    file: str
    page: str
    height: int
    theme: Literal["light", "dark"] = "light"
    at: str = ""
    asked: str = ""
    follow: str = ""


FRONT: Final = (
    Front("overview.png", "overview", 1135),
    Front("service.png", "service", 752, at="#curve", asked="?voices=2"),
    Front("event.png", "event", 760, theme="dark", at="#text", follow="ol.mentions a.no"),
    Front("explore.png", "explore", 900, asked="?q=national+security&reason=national_security"),
)


def main() -> int:
    """Take them; the exit code is 1 where a page was in error."""
    parser = argparse.ArgumentParser(description="Take pictures of the dashboard.")
    parser.add_argument("out", type=Path, help="where the pictures go")
    parser.add_argument("--data", type=Path, help="a data folder; without it the sample is run")
    parser.add_argument("--front", action="store_true", help="those of the README alone")
    parser.add_argument("--only", nargs="*", default=[], help="these pages alone")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with _data(options.data) as data, serving(data, "--review") as served, chromium() as browser:
        browsing = Browsing(browser, served.address)
        pages = pages_of(data / "published") | {"review": links.review(), "not found": links.event("0000")}
        if options.front:
            for front in FRONT:
                _front(browsing, pages[front.page] + front.asked, front, options.out / front.file)
        else:
            for name, address in pages.items():
                if not options.only or name in options.only:
                    _pictures(browsing, name, address, options.out)
    faults = [fault for fault in browsing.faults if "404" not in fault]
    print(*faults, sep="\n", file=sys.stderr)
    return int(bool(faults))


@contextmanager
def _data(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        publish_sample(Path(folder))
        yield Path(folder)


def _pictures(browsing: Browsing, name: str, address: str, out: Path) -> None:
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            view = {"width": width, "height": height}
            with browsing.page(viewport=view, color_scheme=theme, reduced_motion="reduce", locale="en-GB") as page:
                _go(page, address)
                long = min(page.evaluate("() => document.documentElement.scrollHeight"), _LONGEST)
                page.set_viewport_size({"width": width, "height": long})
                painted(page)
                file = out / f"{name.replace(', ', '-').replace(' ', '-')}-{size}-{theme}.png"
                page.screenshot(path=file)
                print(f"{file.name}: {width} × {long}", flush=True)


def _front(browsing: Browsing, address: str, front: Front, file: Path) -> None:
    view = {"width": SIZES["wide"][0], "height": front.height}
    with browsing.page(viewport=view, color_scheme=front.theme, reduced_motion="reduce", locale="en-GB") as page:
        _go(page, address)
        if front.follow:
            _go(page, page.locator(front.follow).first.get_attribute("href") or "")
        if front.at:
            page.locator(front.at).evaluate("(part) => scrollTo(0, part.getBoundingClientRect().top - 16)")
        painted(page)
        shot = base64.b64encode(page.screenshot()).decode()
        pixels = base64.b64decode(page.context.new_page().evaluate(_PIXELS, shot))
        file.write_bytes(png(np.frombuffer(pixels, np.uint8).reshape(front.height, view["width"], 4)[:, :, :3]))
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB", flush=True)


_PIXELS: Final = """async (shot) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const {data} = canvas.getImageData(0, 0, picture.width, picture.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return btoa(text);
}"""
"""The browser itself reads its picture: no other library here does. The page is an empty one, without any policy."""


def _go(page: Page, address: str) -> None:
    page.goto(address, wait_until="load")  # the page of what is not there is one, too
    scroll_through(page)
    page.evaluate("() => scrollTo(0, 0)")


if __name__ == "__main__":
    sys.exit(main())

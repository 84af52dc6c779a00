"""The documentation site is built without a warning, and asks for nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from conftest import ROOT
from lxml import html
from playwright.sync_api import Browser

APART = "file-"
"""How pages begin that only links lead to."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    gather = [sys.executable, str(ROOT / "docs" / "site" / "gather.py"), str(folder / "build" / "pages")]
    subprocess.run(gather, check=True, cwd=ROOT, timeout=240)
    build = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stdout + done.stderr
    return folder / "build" / "site"


def pages(site: Path) -> dict[str, html.HtmlElement]:
    return {
        path.relative_to(site).as_posix(): html.fromstring(path.read_bytes())
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }


def test_links_lead_to_pages_and_headings_that_are_there(site: Path) -> None:
    found = pages(site)
    names = {name: set(page.xpath("//@id")) for name, page in found.items()}
    for name, page in found.items():
        for link in page.xpath("//a/@href"):
            target, _, anchor = unquote(link).partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            at = (site / name).parent.joinpath(target).resolve() if target else site / name
            assert at.is_file(), f"{name}: {link}"
            if anchor and anchor not in ("__skip", "__top"):
                assert anchor in names[at.relative_to(site.resolve()).as_posix()], f"{name}: {link}"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for name, page in pages(site).items():
        loaded = page.xpath(
            "//script/@src | //link[not(@rel='canonical')]/@href | //img/@src | //source/@srcset | //iframe/@src"
        )
        assert [one for one in loaded if "//" in one] == [], name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )['\"]?(?:https?:)?//", sheet.read_text("utf-8")), sheet


def test_each_page_is_in_the_navigation_and_all_in_it_is_there(site: Path) -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader=_Loader)
    listed = re.findall(r"[\w-]+\.md", str(config["nav"]))
    built = [name for name in pages(site) if not name.startswith(APART)]
    assert sorted(listed) == sorted(name.replace(".html", ".md") for name in built)


class _Loader(yaml.SafeLoader):
    """One that passes over what only Python can read."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def test_diagrams_need_no_script(site: Path) -> None:
    schema = pages(site)["schema.html"]
    assert schema.xpath("//*[contains(@class, 'mermaid')]") == []
    text = " ".join(schema.text_content().split())
    assert "mentions article_id exactly one of articles" in text


def test_search_works_from_the_disk(site: Path, browser: Browser) -> None:
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.locator(".md-search__button").click()
    page.get_by_placeholder("Search").fill("leaving a list")
    page.get_by_text(re.compile(r"^\d+ results?$")).wait_for(timeout=120_000)
    page.get_by_text("Leaving a list").first.wait_for(timeout=120_000)
    assert [one for one in asked if not one.startswith(("file:", "data:", "blob:"))] == []

"""The guide to the dashboard names what there is, and its pictures are what they should be."""

import re
import struct
from pathlib import Path

import pytest

from reports.dashboard.routes import ROUTES
from reports.dashboard.view_url import LABELS

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "dashboard.md").read_text("utf-8")
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.png"))


@pytest.mark.parametrize("path", [route.path for route in ROUTES])
def test_the_guide_names_each_page(path: str) -> None:
    assert f"`{path.partition('{')[0]}" in GUIDE


@pytest.mark.parametrize("name", [*LABELS, "show", "sort", "order", "page"])
def test_the_guide_names_each_parameter_of_explore(name: str) -> None:
    assert f"`{name}`" in GUIDE


def test_the_guide_names_each_key_of_review() -> None:
    template = (ROOT / "reports" / "templates" / "dashboard" / "review.html.j2").read_text("utf-8")
    keys = re.findall(r"<kbd>([^<{]+)</kbd>", template)
    named = {
        key.strip() for line in re.findall(r"^\| ([^|]+) \| Review", GUIDE, re.MULTILINE) for key in line.split(",")
    }
    assert keys
    assert named == set(keys)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_pictures_are_small_and_shown(picture: Path) -> None:
    content = picture.read_bytes()
    width, _, _, colour_type = struct.unpack(">IIBB", content[16:26])
    assert content.startswith(b"\x89PNG")
    assert (width, colour_type) == (1280, 3), "made by `python -m benchmarks.dashboard_pictures docs/pictures --front`"
    assert len(content) <= 150_000
    assert f"pictures/{picture.name}" in GUIDE


def test_there_are_pictures() -> None:
    assert len(PICTURES) == 4

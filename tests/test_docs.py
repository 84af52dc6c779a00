"""What the documentation says is what the program does."""

import re
from functools import cache
from pathlib import Path

import pytest

from clampdown.reference import reference

ROOT = Path(__file__).resolve().parent.parent


def test_the_reference_of_commands_is_fresh() -> None:
    committed = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert committed == reference(), "run `python -m clampdown.reference > docs/commands.md`"


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name)
def test_links_into_pages_lead_to_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        to = page.parent / target if target else page
        assert anchor in anchors(to), f"{target}#{anchor}"


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_links_in_the_notebook_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "docs" / "notebook.py").read_text(encoding="utf-8")):
        assert (ROOT / "docs" / target).exists(), target


def test_no_lock_names_a_registry() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        names = re.findall(r"^([\w.\-\[\]]+)==", text, re.MULTILINE)
        assert len(names) > 20
        assert text.count("--hash=sha256:") >= len(names)

"""What the documentation says is what the program does."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from clampdown import settings_reference
from clampdown.main import app
from clampdown.reference import reference
from pipeline.classes import Action, ActorKind, ReasonClass, ScopeClass, Status
from pipeline.settings import describe

ROOT = Path(__file__).resolve().parent.parent


def test_the_reference_of_commands_is_fresh() -> None:
    committed = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert committed == reference(), "run `python -m clampdown.reference > docs/commands.md`"


def test_the_reference_of_settings_is_fresh() -> None:
    committed = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert committed == settings_reference.reference(), (
        "run `python -m clampdown.settings_reference > docs/settings.md`"
    )


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, group
    for inner, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {inner}")


def test_each_command_and_option_says_what_it_does() -> None:
    for name, command in commands(typer.main.get_command(app), "clampdown"):
        assert command.help, name
        assert [one.name for one in command.params if not getattr(one, "help", None)] == [], name


def test_each_setting_says_what_it_is() -> None:
    assert [key for key, about in describe().items() if not about] == []


@pytest.mark.parametrize("kind", [Action, Status, ScopeClass, ReasonClass, ActorKind])
def test_what_an_event_is_names_each_class(kind: type[Action]) -> None:
    page = (ROOT / "docs" / "what-is-an-event.md").read_text(encoding="utf-8")
    assert [one for one in kind if f"`{one}`" not in page] == []


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

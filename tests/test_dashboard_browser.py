"""What all pages of the dashboard share, in a real browser: keys, frames, links, and nothing asked of others."""

from typing import TYPE_CHECKING

from browser import axe

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_page_of_the_shell_is_accessible(page: "Page", dashboard_site: str) -> None:
    page.goto(dashboard_site + "/services")
    assert page.title() == "Services – Clampdown"
    assert axe(page) == []

"""The judge of the proof of politeness: a proof that can't fail proves nothing."""

from dataclasses import replace

import pytest

from clampdown.proofs.farm import Asked, Plot
from clampdown.proofs.manners import GAP_RULE, RULES, TOLERANCE, breaches, shortest_gap

AGENT = "Clampdown/0 (+mailto:desk@example.org)"
HOST = "127.1.0.1"


def asked(at: float, path: str, status: int = 200, **values: object) -> Asked:
    """One request, answered within a tenth of a second."""
    usual = Asked(HOST, path, 1, at, at, at + 0.1, status, 1, AGENT, None, None, None)
    return replace(usual, **values)


ROBOTS = asked(0, "/robots.txt")
FEED = asked(1, "/feed.xml")


def broken(*log: Asked, plot: Plot | None = None) -> list[str]:
    return [breach.rule for breach in breaches(log, [plot or Plot(HOST)], gap=1.0, agent=AGENT)]


def test_a_polite_client_breaks_nothing() -> None:
    assert (
        broken(ROBOTS, FEED, asked(2, "/feed.xml", 304, etag='"1"', modified="Mon"), asked(3, "/articles/1.html")) == []
    )


@pytest.mark.parametrize(
    ("rule", "plot", "log"),
    [
        ("robots.txt first, and once a day", Plot(HOST), [FEED, asked(2, "/robots.txt")]),
        ("robots.txt first, and once a day", Plot(HOST), [asked(1, "/articles/1.html")]),
        ("robots.txt first, and once a day", Plot(HOST), [ROBOTS, asked(2, "/robots.txt"), asked(4, "/articles/1")]),
        (GAP_RULE, Plot(HOST), [ROBOTS, FEED, asked(1.8, "/articles/1.html")]),
        (GAP_RULE, Plot(HOST, robots="delay"), [ROBOTS, FEED, asked(2.5, "/articles/1.html")]),
        ("never two requests at once", Plot(HOST), [ROBOTS, replace(FEED, until=4), asked(3, "/articles/1.html")]),
        ("nothing asked for that robots.txt forbids", Plot(HOST, robots="closed"), [ROBOTS, FEED]),
        ("nothing asked for that robots.txt forbids", Plot(HOST, robots="failing"), [ROBOTS, FEED]),
        (
            "nothing asked for that robots.txt forbids",
            Plot(HOST, robots="private"),
            [ROBOTS, asked(2, "/articles/private-1.html")],
        ),
        ("Retry-After kept", Plot(HOST), [ROBOTS, asked(2, "/feed.xml", 429, retry_after=5), asked(5, "/articles/1")]),
        ("validators sent back", Plot(HOST, validators="etag"), [ROBOTS, FEED, asked(3, "/feed.xml", modified="Mon")]),
        ("validators sent back", Plot(HOST, validators="modified"), [ROBOTS, FEED, asked(3, "/feed.xml", etag='"1"')]),
        (
            "moves for good remembered, others not",
            Plot(HOST, fate="moved"),
            [ROBOTS, asked(2, "/feed.xml", 301), asked(3, "/new/feed.xml"), asked(5, "/feed.xml", 301)],
        ),
        (
            "moves for good remembered, others not",
            Plot(HOST, fate="lent", validators="none"),
            [ROBOTS, asked(2, "/feed.xml", 302), asked(3, "/new/feed.xml"), asked(5, "/new/feed.xml")],
        ),
        (
            "a feed that is gone not asked again",
            Plot(HOST, fate="gone"),
            [ROBOTS, asked(2, "/feed.xml", 410), asked(4, "/feed.xml", 410)],
        ),
        ("project and contact named", Plot(HOST), [ROBOTS, replace(FEED, agent="Mozilla/5.0")]),
    ],
)
def test_each_rule_can_be_broken_and_is_the_only_one_named(rule: str, plot: Plot, log: list[Asked]) -> None:
    assert set(broken(*log, plot=plot)) == {rule}
    assert rule in RULES


def test_what_the_server_itself_was_late_is_no_fault_of_the_client() -> None:
    late = asked(1.6, "/feed.xml", since=1.0)
    assert broken(ROBOTS, late, asked(2.0, "/articles/1.html")) == []
    assert broken(ROBOTS, FEED, asked(2.0 - TOLERANCE + 0.01, "/articles/1.html")) == []


def test_the_shortest_gap_is_that_of_one_host() -> None:
    other = replace(FEED, host="127.1.0.2", at=1.2)
    assert shortest_gap([ROBOTS, FEED, other, asked(2.5, "/articles/1.html")]) == 1.0

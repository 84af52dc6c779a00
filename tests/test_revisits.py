"""When a stored article is asked for again, and what may take its place: pure rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FetchTimeout, HTTPStatusError
from pipeline.revisits import (
    FIRST_WAIT,
    MAX_AGE,
    MAX_REVISITS,
    Visits,
    as_stored,
    failed,
    judge,
    revisit_at,
    words_changed,
)
from pipeline.types import (
    Article,
    DateBasis,
    Entry,
    Outcome,
    RevisitOutcome,
    Stamp,
    StoredVersion,
    TextOrigin,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = "\n".join(
    f"Paragraph {number} says that the ministry blocked the service for all users of network {number}."
    for number in range(12)
)
ENTRY = Entry("one", "guid", "https://one.example/a?x=1", "https://one.example/a", "Title", "Summary", "Content")
ARTICLE = Article(
    canonical_url="https://one.example/a",
    url="https://one.example/a?x=1",
    source_id="one",
    title="Title",
    text=f"Title\n\n{BODY}",
    text_origin=TextOrigin.PAGE,
    published=None,
    language="en",
    fetched_at=NOON,
)
STORED = StoredVersion(
    ARTICLE.id, ARTICLE.canonical_url, ARTICLE.title, ARTICLE.text, TextOrigin.PAGE, Outcome.EVENTS, '"v1"'
)


def with_body(body: str, **changes: object) -> Article:
    return replace(ARTICLE, text=f"Title\n\n{body}", **changes)


# Words


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({}, False),
        ({"title": "Other title"}, True),
        ({"summary": "Other summary"}, True),
        ({"content": ""}, True),
        ({"published": Stamp(NOON, DateBasis.FEED), "updated": NOON}, False),
        ({"url": "https://one.example/b", "guid": "another", "authors": ("A",)}, False),
        ({"title": "A headline alone", "summary": "", "content": ""}, False),
    ],
)
def test_words_change_with_words_only(change: dict[str, object], changed: bool) -> None:
    assert words_changed(ENTRY, replace(ENTRY, **change)) is changed


def test_headlines_change_where_there_is_nothing_else() -> None:
    headline = replace(ENTRY, summary="", content="")
    assert words_changed(headline, replace(headline, title="Another headline"))


# Bounds


def test_waits_double_and_end() -> None:
    waits = [revisit_at(Visits(done, NOON, NOON.date()), NOON) for done in range(MAX_REVISITS + 1)]
    assert waits == [*(NOON + FIRST_WAIT * 2**done for done in range(MAX_REVISITS)), None]


def test_old_articles_are_left_alone() -> None:
    published = (NOON - MAX_AGE).date()
    assert revisit_at(Visits(0, NOON, published), NOON) is not None
    assert revisit_at(Visits(0, NOON, published - timedelta(days=1)), NOON) is None
    assert revisit_at(Visits(0, NOON, None), NOON + MAX_AGE) is not None
    assert revisit_at(Visits(0, NOON, None), NOON + MAX_AGE + timedelta(days=1)) is None


@given(
    gaps=st.lists(st.floats(0.05, 40), min_size=1, max_size=300),
    published=st.none() | st.integers(-40, 1),
    failing=st.booleans(),
)
def test_a_feed_that_changes_on_every_poll_costs_a_few_requests(
    gaps: list[float], published: int | None, failing: bool
) -> None:
    """Polls some hours apart, the words new each time: at most five requests, ever further apart, none when old."""
    day = None if published is None else (NOON + timedelta(days=published)).date()
    now, visits, due = NOON, [NOON], None
    for gap in gaps:
        now += timedelta(hours=gap)
        due = revisit_at(Visits(len(visits) - 1, visits[-1], day), now)
        if due is not None and due <= now:
            visits.append(now)
            due = (
                failed(FetchTimeout("late", url="u"), replace(STORED, visits=len(visits) - 2), now).again_at
                if failing
                else None
            )
    assert len(visits) - 1 <= MAX_REVISITS
    for done, (before, after) in enumerate(pairwise(visits)):
        assert after - before >= FIRST_WAIT * 2**done
    if day is not None:
        assert all(visit.date() - day <= MAX_AGE for visit in visits[1:])


def test_failures_that_can_heal_are_tried_again_within_the_bounds() -> None:
    late = FetchTimeout("late", url="u")
    assert failed(late, STORED, NOON).again_at == NOON + 2 * FIRST_WAIT
    assert failed(late, replace(STORED, visits=MAX_REVISITS - 1), NOON).again_at is None
    gone = HTTPStatusError("404", url="u", status=404)
    assert failed(gone, STORED, NOON).again_at is None
    assert failed(gone, STORED, NOON).outcome is RevisitOutcome.FAILED


# What takes the stored version's place


@pytest.mark.parametrize(
    ("came", "outcome"),
    [
        (ARTICLE, RevisitOutcome.UNCHANGED),
        (replace(ARTICLE, modified=Stamp(NOON, DateBasis.META), paywalled=True), RevisitOutcome.UNCHANGED),
        (with_body(f"{BODY}\nUpdate: the block was lifted."), RevisitOutcome.CHANGED),
        (replace(ARTICLE, title="New", text=f"New\n\n{BODY}"), RevisitOutcome.CHANGED),
        (with_body(BODY[: len(BODY) // 3]), RevisitOutcome.CHANGED),
        (with_body(BODY[: len(BODY) // 3], paywalled=True), RevisitOutcome.KEPT),
        (with_body(BODY[: len(BODY) * 2 // 3], paywalled=True), RevisitOutcome.CHANGED),
        (with_body("This page was not found. " * 3, soft_404=True), RevisitOutcome.KEPT),
        (with_body(BODY * 2, soft_404=True), RevisitOutcome.KEPT),
        (with_body("Access denied."), RevisitOutcome.KEPT),
        (with_body(f"{BODY} {BODY}", text_origin=TextOrigin.FEED), RevisitOutcome.KEPT),
        (
            with_body("A list of other news of the day. " * 40, canonical_url="https://one.example/"),
            RevisitOutcome.KEPT,
        ),
        (with_body(f"{BODY} More.", canonical_url="https://one.example/a-new-slug"), RevisitOutcome.CHANGED),
    ],
)
def test_no_article_is_replaced_by_less(came: Article, outcome: RevisitOutcome) -> None:
    judged, reason = judge(STORED, came)
    assert judged is outcome
    assert (reason is not None) is (outcome is RevisitOutcome.KEPT)


def test_feed_that_gives_the_whole_takes_over_from_the_page() -> None:
    whole = with_body(f"{BODY} And more.", text_origin=TextOrigin.FEED)
    assert judge(STORED, whole)[0] is RevisitOutcome.KEPT
    assert judge(STORED, whole, asked=False) == (RevisitOutcome.CHANGED, None)


def test_stub_is_replaced_by_the_whole() -> None:
    stub = replace(STORED, text="Title\n\nSubscribe to read.", text_origin=TextOrigin.FEED)
    assert judge(stub, ARTICLE) == (RevisitOutcome.CHANGED, None)
    assert judge(stub, with_body("Subscribe now to read."))[0] is RevisitOutcome.CHANGED


@given(body=st.text(max_size=400), paywalled=st.booleans(), soft_404=st.booleans(), feed=st.booleans())
def test_a_whole_article_is_never_replaced_by_a_stub(body: str, paywalled: bool, soft_404: bool, feed: bool) -> None:
    origin = TextOrigin.FEED if feed else TextOrigin.PAGE
    came = with_body(body, paywalled=paywalled, soft_404=soft_404, text_origin=origin)
    if judge(STORED, came)[0] is RevisitOutcome.CHANGED:
        assert not soft_404
        assert not feed
        assert len(came.body) >= 200
        assert not paywalled or 2 * len(came.body) >= len(STORED.body)


def test_article_keeps_its_identity() -> None:
    moved = replace(ARTICLE, canonical_url="https://one.example/new")
    assert as_stored(STORED, moved).id == ARTICLE.id
    assert as_stored(STORED, ARTICLE) is ARTICLE

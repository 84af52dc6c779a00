"""Polling real HTTP servers on loopback into a real warehouse: what is asked, when, where, and what is kept."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from clampdown.proofs.webserver import Hit, HTTPServer, Reply
from flows.house import House
from flows.polling import due_sources, poll_sources, store_polls
from pipeline.archive import Archive
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings, PollSettings, Settings
from pipeline.types import FeedOutcome, FeedState, Poll, Source
from pipeline.workers import WorkerPool
from warehouse.health import source_health
from warehouse.store import open_warehouse

NOW = datetime.now(UTC)
RSS = {"Content-Type": "application/rss+xml"}


def feed(*items: str, extra: str = "", churn: str = "", gap_hours: int = 1, at: datetime = NOW) -> bytes:
    """An RSS feed, one item for each name, so many hours apart up to two hours ago."""
    body = "".join(
        f"<item><title>{item}</title><link>/{item}.html</link><guid>{item}{churn}</guid>"
        f"<pubDate>{format_datetime(at - timedelta(hours=2 + gap_hours * number))}</pubDate></item>"
        for number, item in enumerate(items)
    )
    return f"<rss version='2.0'><channel><title>T</title>{extra}{body}</channel></rss>".encode()


class Reader:
    """No model: nothing is read here."""

    revision = "none"

    def extract(self, documents: object) -> list[object]:
        return []


class Desk:
    """One warehouse and one feed server, polled run by run on a clock that the test sets."""

    def __init__(self, house: House, server: HTTPServer) -> None:
        self.house = house
        self.server = server
        # Not that of the import: replies are dated by the clock, and the suite takes minutes.
        self.now = datetime.now(UTC)

    def source(self, path: str = "/feed.xml", **values: object) -> Source:
        return replace(Source("alpha", "Alpha", self.server.url(path)), **values)

    def run(self, *sources: Source, hours: float = 0, poll_all: bool = False) -> list[Poll]:
        """One run, so many hours after the last one; returns the polls it made."""
        self.now += timedelta(hours=hours, microseconds=1)
        house = replace(self.house, started_at=self.now, poll_all=poll_all)
        listed = sources or (self.source(),)
        house.begin_run(listed)
        polls = poll_sources(house, due_sources(house, listed))
        store_polls(house, polls)
        house.finish_run()
        self.house = house
        return polls

    def poll(self, *sources: Source, hours: float = 24) -> Poll:
        (poll,) = self.run(*sources, hours=hours)
        return poll

    @property
    def state(self) -> FeedState:
        return self.house.warehouse.feed_states()["alpha"]

    def asked(self) -> list[str]:
        """What was asked for since the last look, robots.txt left out."""
        paths = [hit.target for hit in self.server.pages]
        self.server.hits.clear()
        return paths


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(Settings().workers, preload=("pipeline.feeds",)) as workers:
        yield workers


@pytest.fixture
def desk(pool: WorkerPool, tmp_path: Path) -> Iterator[Desk]:
    with HTTPServer() as server, opened(pool, tmp_path, server) as house:
        yield Desk(house, server)


@contextmanager
def opened(pool: WorkerPool, folder: Path, server: HTTPServer, **poll: float) -> Iterator[House]:
    fetch = FetchSettings(host_gap=0, retries=0, timeout=5, allow_hosts=(f"{server.host}:{server.port}",))
    settings = Settings(data_dir=folder, fetch=fetch, poll=PollSettings(**poll))
    with open_warehouse(folder / "warehouse.duckdb") as warehouse, FetchSession(fetch) as session:
        archive = Archive(folder / "archive")
        yield House(settings, warehouse, archive, session, pool, Reader())


def conditional(body: bytes, etag: str, headers: Mapping[str, str] | None = None) -> Callable[[Hit], Reply]:
    """A feed with a validator, that answers 304 to whoever has it."""

    def answer(hit: Hit) -> Reply:
        extra = {**RSS, "ETag": etag, **(headers or {})}
        return Reply(304, headers=extra) if hit.headers.get("If-None-Match") == etag else Reply(200, body, extra)

    return answer


def test_only_feeds_that_are_due_are_polled(desk: Desk) -> None:
    desk.server.routes |= {
        "/feed.xml": Reply(200, feed("a", "b"), RSS),
        "/slow.xml": Reply(200, feed("c", gap_hours=24), RSS),
    }
    beta = Source("beta", "Beta", desk.server.url("/slow.xml"))
    assert len(desk.run(desk.source(), beta)) == 2
    assert desk.run(desk.source(), beta, hours=0.1) == [], "six minutes later none is"
    assert [poll.source_id for poll in desk.run(desk.source(), beta, hours=0.6)] == ["alpha"]
    assert len(desk.run(desk.source(), beta, poll_all=True)) == 2
    summary = desk.house.warehouse.summary(desk.house.run_id)
    assert (summary.not_due, sum(summary.feeds.values())) == (0, 2)
    desk.run(desk.source(), beta, hours=0.01)
    summary = desk.house.warehouse.summary(desk.house.run_id)
    assert (summary.not_due, summary.feeds) == (2, {})
    assert summary.next_due_at is not None
    assert desk.now < summary.next_due_at < desk.now + timedelta(hours=1)


def test_sources_that_are_switched_off_are_not_polled(desk: Desk) -> None:
    assert desk.run(desk.source(enabled=False)) == []
    assert desk.asked() == []


def test_max_age_and_ttl_are_waited_for(desk: Desk) -> None:
    aged = {**RSS, "Cache-Control": "public, max-age=7200"}
    desk.server.routes |= {
        "/feed.xml": Reply(200, feed("a", "b"), aged),
        "/ttl.xml": Reply(200, feed("c", "d", extra="<ttl>180</ttl>"), RSS),
    }
    beta = Source("beta", "Beta", desk.server.url("/ttl.xml"))
    desk.run(desk.source(), beta)
    assert desk.run(desk.source(), beta, hours=1.9) == []
    assert [poll.source_id for poll in desk.run(desk.source(), beta, hours=0.5)] == ["alpha"]
    assert [poll.source_id for poll in desk.run(desk.source(), beta, hours=1)] == ["beta"]


def test_an_unchanged_feed_is_asked_for_conditionally(desk: Desk) -> None:
    desk.server.routes["/feed.xml"] = conditional(feed("a", "b"), '"1"')
    assert desk.poll().outcome is FeedOutcome.OK
    assert desk.poll().outcome is FeedOutcome.NOT_MODIFIED
    assert desk.state.answered_at is not None
    assert desk.state.changed_at is not None
    assert desk.state.changed_at < desk.state.answered_at
    desk.server.routes["/feed.xml"] = conditional(feed("a", "b", "c"), '"2"')
    poll = desk.poll()
    assert (poll.outcome, len(poll.entries), desk.state.etag) == (FeedOutcome.OK, 3, '"2"')


def test_the_same_bytes_are_neither_read_nor_archived_again(desk: Desk) -> None:
    desk.server.routes["/feed.xml"] = Reply(200, feed("a"), {**RSS, "ETag": '"1"'})
    first = desk.poll()
    assert first.archived is not None
    desk.server.routes["/feed.xml"] = Reply(200, feed("a"), {**RSS, "ETag": '"2"', "Last-Modified": "Mon"})
    again = desk.poll()
    assert (again.outcome, again.archived, again.entries) == (FeedOutcome.NOT_MODIFIED, None, ())
    assert (desk.state.etag, desk.state.last_modified) == ('"2"', "Mon")


def test_a_feed_that_could_not_be_read_is_read_again(desk: Desk) -> None:
    desk.server.routes["/feed.xml"] = Reply(200, b"<html><body>Maintenance</body></html>", {"ETag": '"x"'})
    assert desk.poll().outcome is FeedOutcome.BROKEN
    assert desk.poll().outcome is FeedOutcome.BROKEN
    assert (desk.state.etag, desk.state.failures) == (None, 2)
    desk.server.routes["/feed.xml"] = Reply(200, feed("a"), RSS)
    assert desk.poll().outcome is FeedOutcome.OK
    assert (desk.state.failures, desk.state.error) == (0, None)


class TestMoves:
    @pytest.mark.parametrize("status", [301, 308])
    def test_a_move_for_good_is_recorded_used_and_followed_further(self, desk: Desk, status: int) -> None:
        desk.server.routes |= {
            "/feed.xml": Reply(status, headers={"Location": "/new.xml"}),
            "/new.xml": conditional(feed("a"), '"1"'),
        }
        desk.poll()
        assert desk.state.moved_to == desk.server.url("/new.xml")
        assert desk.asked() == ["/feed.xml", "/new.xml"]
        assert desk.poll().outcome is FeedOutcome.NOT_MODIFIED
        assert desk.asked() == ["/new.xml"]
        desk.server.routes |= {
            "/new.xml": Reply(301, headers={"Location": "/newest.xml"}),
            "/newest.xml": Reply(200, feed("b"), RSS),
        }
        desk.poll()
        assert desk.state.moved_to == desk.server.url("/newest.xml")
        desk.asked()
        desk.poll()
        assert desk.asked() == ["/newest.xml"]

    def test_a_redirect_for_now_is_not_remembered(self, desk: Desk) -> None:
        desk.server.routes |= {
            "/feed.xml": Reply(302, headers={"Location": "/new.xml"}),
            "/new.xml": Reply(200, feed("a"), RSS),
        }
        desk.poll()
        desk.poll()
        assert desk.state.moved_to is None
        assert desk.asked() == ["/feed.xml", "/new.xml"] * 2

    def test_a_move_to_what_is_no_feed_is_not_recorded(self, desk: Desk) -> None:
        login = Reply(200, b"<html><title>Log in</title></html>", {"Content-Type": "text/html"})
        desk.server.routes |= {"/feed.xml": Reply(301, headers={"Location": "/login"}), "/login": login}
        assert desk.poll().outcome is FeedOutcome.BROKEN
        assert desk.state.moved_to is None

    def test_a_target_that_fails_leads_back_to_the_old_address(self, desk: Desk) -> None:
        desk.server.routes |= {
            "/feed.xml": Reply(301, headers={"Location": "/new.xml"}),
            "/new.xml": Reply(200, feed("a"), {**RSS, "ETag": '"1"'}),
        }
        desk.poll()
        del desk.server.routes["/new.xml"]
        assert desk.poll().outcome is FeedOutcome.NOT_FOUND
        desk.asked()
        desk.server.routes["/feed.xml"] = conditional(feed("b"), '"1"')
        poll = desk.poll()
        assert (desk.asked(), poll.outcome, desk.state.moved_to) == (["/feed.xml"], FeedOutcome.OK, None)

    def test_back_at_its_old_address_a_feed_has_not_moved(self, desk: Desk) -> None:
        desk.server.routes |= {
            "/feed.xml": Reply(301, headers={"Location": "/new.xml"}),
            "/new.xml": Reply(200, feed("a"), RSS),
        }
        desk.poll()
        desk.server.routes |= {
            "/new.xml": Reply(301, headers={"Location": "/feed.xml"}),
            "/feed.xml": Reply(200, feed("b"), RSS),
        }
        desk.poll()
        assert desk.state.moved_to is None


class TestEnds:
    def test_what_is_gone_is_asked_for_once_until_its_address_changes(self, desk: Desk) -> None:
        desk.server.routes |= {"/feed.xml": conditional(feed("a"), '"1"')}
        desk.poll()
        desk.server.routes |= {"/feed.xml": Reply(410), "/other.xml": conditional(feed("b"), '"1"')}
        assert desk.poll().outcome is FeedOutcome.GONE
        desk.asked()
        assert desk.run(hours=1000, poll_all=True) == []
        assert desk.run(hours=1000) == []
        assert desk.house.warehouse.summary(desk.house.run_id).retired == 1
        assert desk.asked() == []
        poll = desk.poll(desk.source("/other.xml"))
        assert poll.outcome is FeedOutcome.OK, "the validator of the old address must not be sent to the new one"
        assert desk.state.gone_at is None

    def test_only_the_address_of_the_source_list_can_be_gone_for_good(self, desk: Desk) -> None:
        desk.server.routes |= {
            "/feed.xml": Reply(301, headers={"Location": "/new.xml"}),
            "/new.xml": Reply(200, feed("a"), RSS),
        }
        desk.poll()
        desk.server.routes["/new.xml"] = Reply(410)
        assert desk.poll().outcome is FeedOutcome.NOT_FOUND
        assert desk.poll().outcome is FeedOutcome.GONE, "asked for at the old address, which still leads there"

    def test_retry_after_and_failures_put_the_next_poll_off(self, desk: Desk) -> None:
        desk.server.routes["/feed.xml"] = Reply(503, headers={"Retry-After": "7200"})
        assert desk.poll().outcome is FeedOutcome.HTTP_ERROR
        assert desk.run(hours=1.9) == []
        assert (desk.state.failures, desk.state.error) == (1, "status 503")

    def test_a_feed_that_is_missing_backs_off_and_is_told(self, desk: Desk) -> None:
        polled = [len(desk.run(hours=0.25)) for _ in range(20)]
        assert sum(polled) == 5, "after 10, 20, 40 and 80 minutes"
        assert desk.state.error == "status 404"


def test_new_guids_for_known_links_are_nothing_new(desk: Desk) -> None:
    desk.server.routes["/feed.xml"] = Reply(200, feed("a", "b", gap_hours=24), RSS)
    desk.poll()
    changed, interval = desk.state.changed_at, desk.state.interval
    desk.server.routes["/feed.xml"] = Reply(200, feed("a", "b", gap_hours=24, churn="?session=2"), RSS)
    assert desk.poll(hours=13).outcome is FeedOutcome.OK
    assert desk.state.changed_at == changed
    assert interval is not None
    assert (desk.state.interval or 0) >= interval


def test_the_language_that_a_feed_states_is_kept(desk: Desk) -> None:
    desk.server.routes["/feed.xml"] = Reply(200, feed("a", extra="<language>pt-BR</language>"), RSS)
    desk.poll()
    assert desk.state.language == "pt"


def test_an_interval_of_zero_polls_in_every_run(pool: WorkerPool, tmp_path: Path) -> None:
    with HTTPServer() as server, opened(pool, tmp_path, server, min_interval=0) as house:
        desk = Desk(house, server)
        server.routes["/feed.xml"] = Reply(
            200, feed("a", extra="<ttl>600</ttl>"), {**RSS, "Cache-Control": "max-age=86400"}
        )
        assert [len(desk.run()) for _ in range(3)] == [1, 1, 1]


class TestSilence:
    def test_a_source_that_stops_is_told_and_one_that_goes_on_is_not(self, desk: Desk) -> None:
        stopped = desk.source(items_per_week=20)
        beta = Source("beta", "Beta", desk.server.url("/beta.xml"), items_per_week=20)
        desk.server.routes |= {"/feed.xml": Reply(200, feed("a"), RSS), "/beta.xml": Reply(200, feed("b"), RSS)}
        desk.run(stopped, beta)
        for day in range(1, 5):
            desk.server.routes["/beta.xml"] = Reply(200, feed(f"b{day}", at=desk.now + timedelta(hours=24)), RSS)
            desk.run(stopped, beta, hours=24)
        summary = desk.house.warehouse.summary(desk.house.run_id)
        assert summary.silent == ("Alpha",), "twenty a week, none in four days: exp(-11.4) of a chance"
        desk.server.routes["/feed.xml"] = Reply(200, feed("a", "c", at=desk.now + timedelta(hours=24)), RSS)
        desk.run(stopped, beta, hours=24)
        assert desk.house.warehouse.summary(desk.house.run_id).silent == ()

    def test_health_says_how_sources_fare(self, desk: Desk, tmp_path: Path) -> None:
        desk.server.routes["/feed.xml"] = Reply(200, feed("a", "b", gap_hours=24), RSS)
        gone = Source("gone", "Gone", desk.server.url("/gone.xml"))
        failing = Source("failing", "Failing", desk.server.url("/missing.xml"))
        desk.server.routes["/gone.xml"] = Reply(410)
        desk.run(desk.source(items_per_week=3), gone, failing)
        desk.run(desk.source(items_per_week=3), gone, failing, hours=24)
        desk.house.warehouse.close()
        found = source_health(tmp_path / "warehouse.duckdb", tmp_path / "published").sources
        assert {key: health.state for key, health in found.items()} == {
            "alpha": "ok",
            "gone": "gone",
            "failing": "failing",
        }
        assert (found["failing"].failures, found["failing"].error) == (2, "status 404")
        assert found["alpha"].expected_per_week == 3
        assert found["alpha"].items_per_day == pytest.approx(2 / (2 + 2 / 24), rel=0.01)
        assert found["alpha"].last_item_at is not None

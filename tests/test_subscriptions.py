"""Subscriptions: read from their file with every mistake named, written beside the rest, and what they want."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from digest_material import EVENT
from hypothesis import given
from hypothesis import strategies as st

from flows.subscribed import categories, known_names, named
from pipeline import subscriptions as module
from pipeline.digest_times import latest_due, local_times, next_due, scheduled
from pipeline.errors import InputError
from pipeline.settings import ServeSettings, Settings
from pipeline.subscriptions import (
    BUILT_IN,
    Cadence,
    Filters,
    Hook,
    Subscription,
    Weekday,
    add_subscription,
    default_subscriptions,
    load_subscriptions,
    parse_subscriptions,
    remove_subscription,
    render_subscription,
)
from pipeline.types import Action, ActorKind
from reports.selection import Selection
from warehouse.event_list import EventRow

EXAMPLE = (module.__doc__ or "").partition("\n\n")[2]
SERVE = ServeSettings(timezone="UTC")


def test_the_example_says_all_that_there_is() -> None:
    (one,) = parse_subscriptions(EXAMPLE, name="x.toml", names=known_names())
    assert one.filters.countries == ("IN", "RU"), "names and codes are one"
    assert one.filters.actor_kinds == (ActorKind.GOVERNMENT, ActorKind.COURT)
    assert (one.cadence, one.weekday, one.at) == (Cadence.WEEKLY, Weekday.MONDAY, time(7))
    assert one.hooks == (Hook("https://chat.example.org/hooks/1", "slack", "DESK_HOOK_SECRET"),)
    assert parse_subscriptions(render_subscription(one), name="x.toml", names=known_names()) == (one,)


def test_without_a_file_there_is_the_built_in_one_and_init_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.toml"
    assert load_subscriptions(path) == (BUILT_IN,)
    path.write_text(default_subscriptions())
    assert load_subscriptions(path) == (BUILT_IN,)
    assert len(parse_subscriptions(default_subscriptions().replace("\n# ", "\n"), name="x")) == 2, "its example is one"
    path.write_text("")
    assert load_subscriptions(path) == (), "who declares none has none"


@pytest.mark.parametrize(
    ("entry", "said", "hint"),
    [
        ('services = ["TikTock"]', "services: there is no service 'TikTock'", "TikTok"),
        ('countries = ["Rusia"]', "countries: there is no country 'Rusia'", "Russia"),
        ('categories = ["mesaging"]', "categories: there is no category 'mesaging'", "messaging"),
        ('actions = ["bann"]', "actions = 'bann': input should be 'ban', 'block'", ""),
        ('actor_kinds = ["goverment"]', "actor_kinds = 'goverment'", ""),
        ('cadence = "hourly"', "cadence = 'hourly': input should be 'daily', 'weekly' or 'at once'", ""),
        ('at = "25:00"', "at = '25:00': this is no time of day", ""),
        ('weekday = "someday"', "weekday = 'someday'", ""),
        ('timezone = "Berlin"', "did you mean Europe/Berlin?", ""),
        ('language = "xx"', "language = 'xx': no dates are known in this language", ""),
        ('recipients = ["a b@example.org"]', "recipients = 'a b@example.org': this is no mail address", ""),
        ('recipients = ["a@example.org\\nBcc: b@example.org"]', "this is no mail address", ""),
        ('recipient = ["a@example.org"]', "unknown key 'recipient'", "recipients"),
        ('format = "pdf"', "format = 'pdf'", ""),
        ("min_score = 3", "min_score = 3", ""),
        ('hook = [{url = "ftp://x.example"}]', "a hook's address begins with https://", ""),
        ('hook = [{urls = "https://x.example"}]', "'hook.url' is missing", ""),
        ('id = "../up"', "an id has small letters", ""),
        ("enabled = 2", "enabled = 2", ""),
    ],
)
def test_each_mistake_is_named(entry: str, said: str, hint: str) -> None:
    text = "[[subscription]]\n" + ("" if entry.startswith("id") else 'id = "desk"\n') + entry
    with pytest.raises(InputError) as raised:
        parse_subscriptions(text, name="some.toml", names=known_names())
    assert said in str(raised.value)
    assert str(raised.value).startswith("some.toml: subscription 1 (")
    assert hint in (raised.value.hint or "")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for content, said in (
        ("[[subscription]\n", "Expected"),
        ("[subscription]\n", "no list of tables"),
        ("[[subscriptions]]\n", "unknown key 'subscriptions'"),
        ('[[subscription]]\ntitle = "x"\n', "'id' is missing"),
        ('[[subscription]]\nid = "x"\n' * 2, "subscription 2 (x) has the same id"),
    ):
        with pytest.raises(InputError, match=r"^some.toml") as raised:
            parse_subscriptions(content, name="some.toml")
        assert said in str(raised.value)
    (tmp_path / "latin.toml").write_bytes("# caf\xe9".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8"):
        load_subscriptions(tmp_path / "latin.toml")


def test_adding_and_removing_leaves_all_else_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.toml"
    add_subscription(path, Subscription("desk", "Desk", recipients=("a@example.org",)))
    assert [one.id for one in load_subscriptions(path)] == ["daily", "desk"], "who adds one keeps the built-in one"
    written = "# ours\n" + path.read_text().replace('id = "desk"', 'id = "desk"   # of the third floor')
    path.write_text(written)
    path.chmod(0o640)
    hooked = Subscription("law", "Law & order", Filters(countries=("KE",)), hooks=(Hook("https://h.example/1"),) * 2)
    add_subscription(path, hooked)
    assert path.read_text().startswith(written)
    assert load_subscriptions(path)[2] == hooked
    with pytest.raises(InputError, match="there is a subscription law already"):
        add_subscription(path, hooked)
    remove_subscription(path, "law")
    assert path.read_text().rstrip() == written.rstrip()
    assert path.stat().st_mode & 0o777 == 0o640
    path.write_text(path.read_text() + '\n# about\nid = """\n[[subscription]]\n"""\n')
    with pytest.raises(InputError):
        remove_subscription(path, "desk")
    with pytest.raises(InputError, match="there is no subscription dask") as raised:
        remove_subscription(tmp_path / "none.toml", "dask")
    assert raised.value.hint is None
    with pytest.raises(InputError, match="is the built-in subscription"):
        remove_subscription(tmp_path / "none.toml", "daily")
    assert [one.name for one in tmp_path.iterdir()] == ["subscriptions.toml"], "nothing is left beside it"


def test_entries_that_can_not_be_told_apart_are_left_to_the_user(tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.toml"
    path.write_text('subscription = [{id = "a"}, {id = "b"}]\n')
    with pytest.raises(InputError, match="can't be told from the others"):
        remove_subscription(path, "a")


def test_a_subscription_is_found_by_its_id() -> None:
    some = (Subscription("policy-desk", "x"), BUILT_IN)
    assert named(some, "daily") is BUILT_IN
    with pytest.raises(InputError, match="there is no subscription policy") as raised:
        named(some, "policy")
    assert raised.value.hint == "Did you mean policy-desk?"


SERVICES = ("TikTok", "Telegram", "DeepSeek", "Some new app")
EVENTS = st.builds(
    lambda service, country, kind, action, score, voices: replace(
        EVENT, service=service, country=country, actor_kind=kind, action=action, score=score, voices=voices
    ),
    st.sampled_from(SERVICES), st.sampled_from(["IT", "KE", "XX"]), st.sampled_from([None, *ActorKind]),
    st.sampled_from(Action), st.floats(0, 1), st.integers(0, 3),
)  # fmt: skip
FILTERS = st.builds(
    Filters,
    st.lists(st.sampled_from(SERVICES), max_size=2).map(tuple),
    st.lists(st.sampled_from(["social", "ai", "messaging"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["IT", "KE"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(ActorKind), max_size=3).map(tuple),
    st.lists(st.sampled_from(Action), max_size=3).map(tuple),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(1, 3),
    st.sampled_from(["mark", "hold"]),
)


@given(st.lists(EVENTS, max_size=12), FILTERS)
def test_many_events_are_chosen_as_each_would_be(events: list[EventRow], filters: Filters) -> None:
    known = categories()
    chosen = Selection(events, known).wanted(filters).tolist()
    assert chosen == [filters.wants(event, known.get(event.service)) for event in events]


def test_services_and_categories_are_alternatives() -> None:
    filters = Filters(services=("TikTok",), categories=("ai",), unsure="hold")
    assert filters.wants(EVENT, "ai")
    assert filters.wants(replace(EVENT, service="TikTok"), None)
    assert not filters.wants(replace(EVENT, service="Telegram"), "messaging")
    assert not filters.wants(replace(EVENT, voices=1, score=0.3), "ai"), "what is unsure is held back"


@given(st.integers(0, 800), st.sampled_from(list(Weekday)), st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]))
def test_a_weekly_one_is_due_once_a_week_on_its_day(hours: int, weekday: Weekday, zone: str) -> None:
    one = Subscription("x", "X", cadence=Cadence.WEEKLY, weekday=weekday, at=time(2, 30), timezone=zone)
    now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
    last, following = one.latest(SERVE, now), one.upcoming(SERVE, now)
    assert last is not None
    assert following is not None
    assert last.at <= now < following.at
    assert (last.day.weekday(), following.day - last.day) == (weekday.number, timedelta(days=7))
    local = following.at.astimezone(ZoneInfo(zone))
    assert (local.date(), local.time() >= time(2, 30)) == (following.day, True), "or just after the clock went over it"


def test_the_times_of_all_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.toml"
    settings = Settings(subscriptions=path, serve=SERVE)
    assert scheduled(settings) == (BUILT_IN,)
    path.write_text(
        '[[subscription]]\nid = "a"\nat = "06:00"\ntimezone = "Asia/Tokyo"\n'
        '[[subscription]]\nid = "b"\ncadence = "weekly"\nweekday = "tuesday"\n'
        '[[subscription]]\nid = "c"\ncadence = "at once"\n[[subscription]]\nid = "d"\nenabled = false\nat = "09:00"\n'
    )
    every = scheduled(settings)
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert latest_due(every, SERVE, now) == datetime(2026, 11, 21, 21, 0, tzinfo=UTC), "Tokyo's six"
    assert next_due(every, SERVE, now) == datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
    assert list(local_times(every, SERVE)) == [
        (time(6), None, "Asia/Tokyo"), (time(7), Weekday.TUESDAY, "UTC"),
    ]  # fmt: skip
    quiet = ServeSettings(timezone="UTC", digest_at=None)
    assert [one.upcoming(quiet, now) is None for one in every] == [False, True, True, True]
    path.write_text("[[subscription]]\n# half a file")
    assert scheduled(settings) == (BUILT_IN,), "whoever makes digests at its time says what is wrong"
    assert date(2026, 11, 24).weekday() == Weekday.TUESDAY.number

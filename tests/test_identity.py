"""Which item is which entry: a feed that churns its GUIDs brings nothing new."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity import KnownEntry, identify
from pipeline.types import DateBasis, Entry, Stamp

MONDAY = Stamp(datetime(2025, 2, 3, 10, tzinfo=UTC), DateBasis.FEED)
TUESDAY = Stamp(datetime(2025, 2, 4, 10, tzinfo=UTC), DateBasis.FEED)


def item(guid: str, path: str, title: str = "A title", published: Stamp | None = None, source: str = "s") -> Entry:
    url = f"https://example.com/{path}"
    return Entry(source, guid, url, url, title, published=published)


def stored(entry: Entry) -> KnownEntry:
    return KnownEntry(entry.id, entry.source_id, entry.guid, entry.canonical_url, entry.title, entry.published)


def ids(entries: list[Entry], known: list[Entry]) -> list[str | None]:
    return [one.known_id for one in identify(entries, map(stored, known))]


def test_the_same_guid_and_link_is_the_same_entry_whatever_title_and_date_say() -> None:
    old = item("1", "a", "Old title", MONDAY)
    assert ids([item("1", "a", "Quite another headline", TUESDAY)], [old]) == [old.id]


def test_a_churned_guid_is_the_same_entry() -> None:
    old = item("1?poll=1", "a")
    assert ids([item("1?poll=2", "a", "A title, corrected")], [old]) == [old.id]


def test_positions_as_guids_follow_the_link() -> None:
    first, second = item("1", "a", "Regulator blocks app"), item("2", "b", "Court lifts ban")
    poll = [item("1", "c", "Fine for search engine"), item("2", "a", "Regulator blocks app"), item("3", "b")]
    found = identify(poll, map(stored, [first, second]))
    assert [one.known_id for one in found] == [None, first.id, second.id]
    assert found[0].entry.guid == "1 https://example.com/c"


def test_a_moved_article_is_the_same_entry() -> None:
    old = item("?p=1", "2025/draft", "Regulator blocks messaging app")
    assert ids([item("?p=1", "2025/final", "Regulator blocks the messaging app")], [old]) == [old.id]
    dated = item("?p=1", "a", "One", MONDAY)
    assert ids([item("?p=1", "b", "Other", MONDAY)], [dated]) == [dated.id]


def test_a_guid_used_again_is_a_new_entry() -> None:
    old = item("latest", "a", "Regulator blocks app", MONDAY)
    found = identify([item("latest", "b", "Court fines search engine", TUESDAY)], [stored(old)])
    assert found[0].known_id is None
    assert found[0].entry.id != old.id
    assert ids([item("latest", "b", "Court fines search engine", TUESDAY)], [old, found[0].entry]) == [
        found[0].entry.id
    ]


def test_items_that_share_a_link_are_told_by_guid_or_title() -> None:
    one, two = item("1", "live", "First"), item("2", "live", "Second")
    assert ids([item("2", "live", "Second"), item("3", "live", "Third")], [one, two]) == [two.id, None]
    assert ids([item("8", "live", "First"), item("9", "live", "Second")], [one, two]) == [one.id, two.id]


def test_a_home_page_identifies_nothing() -> None:
    old = item("1", "", "Regulator blocks app")
    assert ids([item("2", "", "Court fines search engine")], [old]) == [None]
    assert ids([item("1", "", "Regulator blocks app (updated)")], [old]) == [old.id]


def test_sources_do_not_meet() -> None:
    assert ids([item("1", "a", source="other")], [item("1", "a")]) == [None]


ITEMS = st.lists(
    st.builds(
        item, st.sampled_from("123"), st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["One", "Two", "1 2"])
    ),
    max_size=3,
    unique_by=lambda entry: entry.guid,
)


@given(ITEMS, ITEMS)
def test_every_item_has_one_answer_and_a_second_poll_brings_nothing_new(before: list[Entry], now: list[Entry]) -> None:
    known = {one.entry.id: one.entry for one in identify(before, [])}
    found = identify(now, map(stored, known.values()))
    assert len(found) == len(now)
    assert all(one.known_id is None or one.known_id in known for one in found)
    known |= {one.entry.id: one.entry for one in found if one.known_id is None}
    again = identify([one.entry for one in found], map(stored, known.values()))
    assert all(one.known_id is not None for one in again)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1), st.integers(2, 5))
def test_churned_guids_never_make_an_entry(paths: list[str], polls: int) -> None:
    known: dict[str, Entry] = {}
    for poll in range(polls):
        entries = [item(f"{path}-{poll}", path, f"Title {path}") for path in paths]
        for one in identify(entries, map(stored, known.values())):
            if one.known_id is None:
                known[one.entry.id] = one.entry
    assert len(known) == len(paths)

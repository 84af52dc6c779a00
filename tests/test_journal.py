"""The journal of the archive: what is written comes back, in order, and nothing altered is believed."""

import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.archive_files import TEMPORARY
from pipeline.errors import (
    AddressRefused,
    ArchiveError,
    FetchError,
    FetchTimeout,
    HTTPStatusError,
    NetworkError,
    RobotsDisallowed,
    TooLarge,
    TooManyRedirects,
)
from pipeline.journal import Journal, Kept, Note, keep, kept
from pipeline.outcomes import feed_outcome_of, outcome_of
from pipeline.types import ArchiveRef, Response

URL = "https://example.com/a"
FIRST, SECOND = "20250210T063000.000001Z", "20250211T063000.000000Z"
FAILURES = (
    AddressRefused("no", url=URL, hint="why"),
    RobotsDisallowed("robots", url=URL, temporary=True),
    RobotsDisallowed("robots", url=URL),
    FetchTimeout("30 s", url=URL),
    TooLarge("too large", url=URL),
    TooManyRedirects("11 hops", url=URL),
    HTTPStatusError("status 503", url=URL, status=503, retry_after=120.0),
    HTTPStatusError("status 404", url=URL, status=404),
    NetworkError("no route \udc80", url=URL),
)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure))
def test_failures_come_back_as_they_were(failure: FetchError) -> None:
    found = kept(keep(failure, None)).failed
    assert found is not None
    assert type(found) is type(failure)
    assert str(found) == str(failure)
    assert {**failure.__dict__, "retryable": failure.retryable} == {**found.__dict__, "retryable": found.retryable}
    assert outcome_of(found) is outcome_of(failure)
    assert feed_outcome_of(found) is feed_outcome_of(failure)
    assert str(pickle.loads(pickle.dumps(found))) == str(failure)


@given(
    status=st.sampled_from([200, 304]),
    headers=st.lists(st.tuples(st.sampled_from(["ETag", "Age"]), st.text(max_size=5)), max_size=3),
    body=st.binary(max_size=8),
    moved_to=st.none() | st.just("https://example.com/b"),
)
def test_responses_come_back_without_their_bodies(
    status: int, headers: list[tuple[str, str]], body: bytes, moved_to: str | None
) -> None:
    at = datetime(2025, 2, 10, 6, 30, 0, 123456, tzinfo=UTC)
    response = Response(URL, URL, status, tuple(headers), body, at, moved_to=moved_to)
    found = kept(keep(response, None))
    assert found.bare == Response(URL, URL, status, tuple(headers), b"", at, moved_to=moved_to)
    assert (found.sha256 is None) == (body == b"")
    place = ArchiveRef("2025/02/10/a.warc.gz", 5, 6, "ab")
    assert kept(keep(response, place)) == Kept(archived=place)


def test_notes_come_back_run_by_run_in_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.begun_at() is None
    assert list(journal.read()) == []
    for number in range(12):
        journal.write(FIRST, "pages", {"entries": [number]})
    Journal(tmp_path).write(SECOND, "run", {})
    found = list(Journal(tmp_path).read())
    assert found == [
        *(Note(FIRST, number, "pages", {"entries": [number]}) for number in range(12)),
        Note(SECOND, 0, "run", {}),
    ]
    assert journal.begun_at() == datetime(2025, 2, 10, 6, 30, 0, 1, tzinfo=UTC)


def test_lists_are_kept_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    names = {journal.keep_list([{"id": "a"}]), journal.keep_list([{"id": "a"}]), journal.keep_list([])}
    assert len(names) == 2
    assert sorted(len(journal.kept_list(name)) for name in names) == [0, 1]
    with pytest.raises(ArchiveError, match="can't be read"):
        journal.kept_list("0" * 16)


def test_altered_notes_and_full_disks_are_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(FIRST, "end", {"status": "finished"})
    (note,) = tmp_path.rglob("*.json")
    note.write_text(note.read_text().replace("finished", "Finished"))
    with pytest.raises(ArchiveError, match="not the hash of its bytes"):
        list(journal.read())
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="can't be written"):
        Journal(tmp_path / "file").write(FIRST, "end", {})


def test_what_a_killed_writer_left_is_no_note_and_is_swept(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.journal.write(FIRST, "run", {})
    (note,) = tmp_path.rglob("*.json")
    (note.parent / f"{TEMPORARY}left").write_text("{")
    assert len(list(archive.journal.read())) == 1
    assert archive.sweep() == 1

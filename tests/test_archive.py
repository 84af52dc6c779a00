"""The archive on real files: what goes in comes out, whole parts or none, and no byte changes unnoticed."""

import fcntl
import gzip
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from pipeline.archive import SUFFIX, Archive
from pipeline.archive_files import TEMPORARY
from pipeline.errors import ArchiveError
from pipeline.types import ArchiveRef, Response

MOMENT = datetime(2025, 2, 6, 8, 30, 15, 123456, tzinfo=UTC)


def response(number: int = 0, body: bytes = b"<p>A ban</p>") -> Response:
    return Response(
        url=f"https://example.com/{number}",
        final_url=f"https://www.example.com/{number}",
        status=200,
        headers=(("Content-Type", "text/html"), ("ETag", f'"{number}"')),
        body=body,
        fetched_at=MOMENT,
    )


def parts(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


urls = st.builds("{}{}".format, st.sampled_from(["http://", "https://", "HTTP://a", "https://x.example/"]), st.text())
# What the fetcher hands on: no control characters, no white space around.
values = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40).map(str.strip)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,15}", fullmatch=True).filter(
    lambda name: name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
)
moments = st.datetimes(
    datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))])
)
responses = st.builds(
    Response,
    url=urls,
    final_url=urls,
    status=st.integers(200, 599),
    headers=st.lists(st.tuples(names, values), max_size=6).map(tuple),
    body=st.binary(max_size=2000),
    fetched_at=moments,
    moved_to=st.none() | urls,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(responses, max_size=6))
def test_what_goes_in_comes_out(batch: list[Response]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        refs = archive.append(batch)
        assert [archive.read(ref) for ref in refs] == batch
        assert list(archive.scan()) == list(zip(refs, batch, strict=True))
        assert archive.append(batch) == refs
        assert len(parts(Path(folder))) == bool(batch)


def test_a_part_is_named_by_day_and_content(archive: Archive, tmp_path: Path) -> None:
    late = replace(response(), fetched_at=datetime(2025, 2, 7, 1, 0, tzinfo=timezone(timedelta(hours=9))))
    (first,) = archive.append([late])
    assert first.part.startswith("2025/02/06/")
    assert first.part.endswith(SUFFIX)
    assert [path.relative_to(tmp_path / "archive").as_posix() for path in parts(tmp_path)] == [first.part]
    (other,) = archive.append([response(1)])
    assert other.part != first.part


def test_nothing_writes_nothing(archive: Archive, tmp_path: Path) -> None:
    assert archive.append([]) == []
    assert list(archive.scan()) == []
    assert archive.sweep() == 0
    assert not (tmp_path / "archive").exists()


def test_headers_that_are_untrue_of_the_decoded_body_are_left_out(archive: Archive) -> None:
    headers = (("content-encoding", "gzip"), ("Content-Length", "7"), ("Transfer-Encoding", "chunked"), ("A", "b"))
    (ref,) = archive.append([replace(response(), headers=headers)])
    assert archive.read(ref).headers == (("A", "b"),)


def test_a_header_that_would_break_the_record_is_an_error(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="line break"):
        archive.append([replace(response(), headers=(("A", "b\r\nC: d"),))])
    assert parts(tmp_path) == []


def test_other_tools_can_read_it(archive: Archive, tmp_path: Path) -> None:
    batch = [response(number, b"x" * number) for number in range(5)]
    batch[2] = replace(batch[2], url="https://example.com/ä b", moved_to="https://new.example/")
    batch[3] = replace(batch[3], status=304, body=b"")
    refs = archive.append(batch)
    with (tmp_path / "archive" / refs[0].part).open("rb") as file:
        records = ArchiveIterator(file, check_digests="raise")
        for ref, expected, record in zip(refs, batch, records, strict=True):
            headers = record.rec_headers
            assert record.rec_type == "response"
            assert record.http_headers.get_statuscode() == str(expected.status)
            assert record.http_headers.get_header("content-type") == "text/html"
            assert record.http_headers.get_header("content-length") == str(len(expected.body))
            assert record.content_stream().read() == expected.body
            assert headers.get_header("WARC-Date") == "2025-02-06T08:30:15.123456Z"
            assert headers.get_header("WARC-Target-URI").isascii()
            assert " " not in headers.get_header("WARC-Target-URI")
            assert (records.get_record_offset(), records.get_record_length()) == (ref.offset, ref.length)
    assert len({record.rec_headers.get_header("WARC-Record-ID") for record in _records(archive, tmp_path, refs)}) == 5
    check = [sys.executable, "-m", "warcio.cli", "check", str(tmp_path / "archive" / refs[0].part)]
    assert subprocess.run(check, check=False).returncode == 0


def _records(archive: Archive, tmp_path: Path, refs: list[ArchiveRef]) -> Iterator[ArchiveIterator]:
    with (tmp_path / "archive" / refs[0].part).open("rb") as file:
        yield from ArchiveIterator(file)


def test_any_flipped_byte_is_noticed(archive: Archive, tmp_path: Path) -> None:
    refs = archive.append([response(1), response(2)])
    path = tmp_path / "archive" / refs[0].part
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        at_fault = refs[0] if place < refs[1].offset else refs[1]
        with pytest.raises(ArchiveError, match=refs[0].part):
            archive.read(at_fault)
        with pytest.raises(ArchiveError, match=refs[0].part):
            list(archive.scan())
        assert archive.read(refs[1] if at_fault is refs[0] else refs[0])


def test_a_damaged_part_heals_when_the_same_batch_comes_again(archive: Archive, tmp_path: Path) -> None:
    (ref,) = archive.append([response()])
    (tmp_path / "archive" / ref.part).write_bytes(b"damaged")
    assert archive.append([response()]) == [ref]
    assert archive.read(ref) == response()


@pytest.mark.parametrize(
    "change", [{"offset": 1}, {"length": 10}, {"length": 10**9}, {"sha256": "0"}, {"offset": 10**9}]
)
def test_a_reference_that_does_not_fit_is_an_error(archive: Archive, change: dict[str, object]) -> None:
    refs = archive.append([response(1), response(2)])
    with pytest.raises(ArchiveError):
        archive.read(replace(refs[0], **change))


@pytest.mark.parametrize("part", ["../secret", "/etc/hostname", "2025/../../secret", "2025/02/06/none.warc.gz", "."])
def test_a_reference_leads_nowhere_but_into_the_archive(archive: Archive, tmp_path: Path, part: str) -> None:
    archive.append([response()])
    secret = gzip.compress(b"secret")
    (tmp_path / "secret").write_bytes(secret)
    with pytest.raises(ArchiveError):
        archive.read(ArchiveRef(part, 0, len(secret), ""))


def test_a_file_of_another_kind_is_named(archive: Archive, tmp_path: Path) -> None:
    archive.append([response()])
    stray = gzip.compress(b"WARC/1.1\r\nWARC-Type: warcinfo\r\n\r\n")
    for name in ("stray", hashlib.sha256(stray).hexdigest()[:32]):
        path = tmp_path / "archive" / f"{name}{SUFFIX}"
        path.write_bytes(stray)
        with pytest.raises(ArchiveError, match=name):
            list(archive.scan())
        path.unlink()


def test_only_what_came_over_http_is_kept(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match="only what came over http"):
        archive.append([replace(response(), url="file:///etc/passwd")])


def test_a_full_or_closed_disk_is_an_archive_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArchiveError, match="can't be written") as caught:
        Archive(tmp_path / "file").append([response()])
    assert caught.value.hint
    with pytest.raises(ArchiveError, match="can't be read"):
        Archive(tmp_path / "file").read(ArchiveRef("2025/a", 0, 1, ""))


ENDLESS = """
import sys, itertools
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_archive import response
from pipeline.archive import Archive
archive = Archive(Path({root!r}))
for number in itertools.count():
    for ref in archive.append([response(number * 50 + i, bytes(5000)) for i in range(50)]):
        pass
    sys.stdout.write(" ".join(map(str, (ref.part, ref.offset, ref.length, ref.sha256))) + chr(10))
    sys.stdout.flush()
"""


def test_a_writer_that_is_killed_loses_nothing_that_it_reported(tmp_path: Path) -> None:
    """SIGKILL at odd moments: each reported part reads well, no other file is taken for one, and sweep clears up."""
    archive = Archive(tmp_path)
    code = ENDLESS.format(tests=str(Path(__file__).parent), root=str(tmp_path))
    reported: list[ArchiveRef] = []
    for round_ in range(3):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            time.sleep(0.013 * round_)
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        for line in lines:
            part, offset, length, sha256 = line.split()
            reported.append(ArchiveRef(part, int(offset), int(length), sha256))
        found = {ref for ref, _ in archive.scan()}
        assert set(reported) <= found
        archive.sweep()
        assert all(path.name.endswith(SUFFIX) for path in parts(tmp_path))


def test_sweep_removes_what_is_left_and_spares_what_is_being_written(archive: Archive, tmp_path: Path) -> None:
    (ref,) = archive.append([response()])
    folder = (tmp_path / "archive" / ref.part).parent
    left, living = folder / f"{TEMPORARY}left", folder / f"{TEMPORARY}living"
    left.write_bytes(b"half a part")
    with living.open("wb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert [found for found, _ in archive.scan()] == [ref]
        assert archive.sweep() == 1
    assert not left.exists()
    assert living.exists()
    assert archive.sweep() == 1
    assert archive.read(ref) == response()


def test_a_failed_write_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    class Unwritable(bytes):
        def __len__(self) -> int:
            raise OSError(28, os.strerror(28))

    with pytest.raises(ArchiveError, match="No space left"):
        archive.append([response(), replace(response(1), body=Unwritable(b"x"))])
    assert parts(tmp_path) == []


def test_small_responses_are_written_and_read_by_the_thousand(archive: Archive) -> None:
    batch = [response(number, os.urandom(500) + b"<p>text</p>" * 300) for number in range(500)]
    with cost() as spent:
        refs = archive.append(batch)
        assert [archive.read(ref) for ref in refs] == batch
    assert spent.seconds < 10, "it takes a fraction of a second"


def test_order_is_by_day_then_name(archive: Archive) -> None:
    days = [MOMENT + timedelta(days=offset) for offset in (40, 0, 1)]
    for day in days:
        archive.append([replace(response(), fetched_at=day)])
    assert [found.fetched_at for _, found in archive.scan()] == sorted(days)

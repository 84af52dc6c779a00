"""The archive: every response as it came, in append-only WARC files that any WARC tool opens.

One call of `append` writes one part, under a temporary name that becomes final only when all of it is on the disk. A
part's name is the hash of its bytes and its records' identifiers derive from their content, so the same batch written
twice is one file. Each record is a gzip member of its own: a reference finds it without reading the others.

A record is a standard `response`: the HTTP headers and the body, decoded, with the headers that described its transfer
left out. WARC headers of our own hold, as JSON, the URLs that must come back exactly as they were.
"""

import hashlib
import json
import os
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http import client
from io import BufferedIOBase, BufferedReader, BufferedWriter, BytesIO
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from isal import isal_zlib
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord, ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from pipeline import archive_moves
from pipeline.archive_files import make_folder, sweep, sync_folder, temporary_file
from pipeline.archive_moves import Move
from pipeline.codecs import BODY_HEADERS
from pipeline.errors import ArchiveError
from pipeline.failpoints import hit
from pipeline.journal import Journal
from pipeline.reduced import ReducedResponse, reduced_response
from pipeline.types import ArchiveRef, Response

SUFFIX = ".warc.gz"
NAME_LENGTH = 32
"""Hexadecimal digits of a part's SHA-256 that name it."""

LEVEL = 3
"""The highest of ISA-L's four: news pages pack 12 % larger than at zlib's highest, in a tenth of its time."""

URL_HEADER = "Clampdown-URL"
FINAL_URL_HEADER = "Clampdown-Final-URL"
MOVED_TO_HEADER = "Clampdown-Moved-To"
REDUCED_HEADER = "Clampdown-Reduced"
"""In a record that holds what was read of a response: the SHA-256 of the body that came."""
LENGTH_HEADER = "Content-Length"

_ID_SPACE = uuid.UUID("8f3e2d53-7c3b-5a51-9a3e-6f1c6f2d0c11")
_URI_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
_BLOCK = 65_536


class Archive:
    """The archive below the folder `root`, which is made when something is first kept.

    `ArchiveRef.sha256` is the hash of a record as it lies on the disk, so that not one byte of it changes unnoticed.
    `journal` is where runs note what they asked for. One process appends at a time; any number may read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.journal = Journal(root)

    def append(self, responses: Sequence[Response]) -> list[ArchiveRef]:
        """Keep `responses` in one new part. Returns one reference each, in order, once all is on the disk.

        Raises ArchiveError where that fails; nothing is left behind then but, after a crash, what `sweep` removes.
        """
        if not responses:
            return []
        day = min(response.fetched_at for response in responses).astimezone(UTC).date()
        folder = self._root / f"{day:%Y/%m/%d}"
        try:
            make_folder(folder)
            with temporary_file(folder) as file:
                name, places = _write(file, responses)
                os.fsync(file.fileno())
                # Should the part be there already, it is the same part; should it be damaged, this heals it.
                Path(file.name).replace(folder / name)
            sync_folder(folder)
        except OSError as error:
            raise ArchiveError(
                f"{folder}: can't be written: {error.strerror or error}", hint="is the disk full, or read-only?"
            ) from error
        part = (folder / name).relative_to(self._root).as_posix()
        return [ArchiveRef(part, offset, length, sha256) for offset, length, sha256 in places]

    def where(self, ref: ArchiveRef) -> ArchiveRef:
        """Where the record is now that `ref` points at: the same place, unless its part was rewritten and is gone."""
        while not (self._root / ref.part).exists():
            move = archive_moves.of_part(self._root, ref.part).get(ref.offset)
            if move is None or move.old != ref:
                return ref
            ref = move.new
        return ref

    def read(self, ref: ArchiveRef) -> Response:
        """Return the response that `ref` points at. Raises ArchiveError if it is missing or not as it was written.

        One of which only what was read is kept is a `ReducedResponse`.
        """
        ref = self.where(ref)
        try:
            with self._open(ref.part) as file:
                file.seek(ref.offset)
                data = file.read(ref.length)
        except OSError as error:
            raise ArchiveError(f"{ref.part}: can't be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise _damaged(ref.part, ref.offset, "its bytes are not those that were written")
        members = list(_members(BytesIO(data), ref.part))
        if len(members) != 1:
            raise _damaged(ref.part, ref.offset, "it is not one record")
        return _parse(members[0][2], ref.part, ref.offset)

    def scan(self, until: date | None = None) -> Iterator[tuple[ArchiveRef, Response]]:
        """Yield all responses with their references: parts by day and name, records as they lie in them.

        With `until`, only the parts up to that day (UTC), which is that of a part's first response.
        Raises ArchiveError at the first part that can't be read, or whose name is not the hash of its bytes.
        """
        for path in sorted(self._root.rglob(f"*{SUFFIX}")):
            part = path.relative_to(self._root).as_posix()
            if until is not None and part > f"{until + timedelta(days=1):%Y/%m/%d}":
                return
            try:
                with self._open(part) as file:
                    if not path.name.startswith(hashlib.file_digest(file, "sha256").hexdigest()[:NAME_LENGTH]):
                        raise _damaged(part, 0, "its name is not the hash of its bytes")
                    file.seek(0)
                    for offset, stored, plain in _members(file, part):
                        ref = ArchiveRef(part, offset, len(stored), hashlib.sha256(stored).hexdigest())
                        yield ref, _parse(plain, part, offset)
            except OSError as error:
                raise ArchiveError(f"{part}: can't be read: {error.strerror}") from error

    def rewrite(self, part: str, reduced: Mapping[int, tuple[ReducedResponse, str]]) -> list[Move]:
        """Write a part anew in which the records at the offsets `reduced` are replaced; the old one stays.

        Each comes with why. Returns where each record of the part is now, once all is on the disk and noted.
        Raises ArchiveError where the part can't be read, or the new one can't be written.
        """
        folder = (self._root / part).parent
        try:
            with self._open(part) as old, temporary_file(folder) as new:
                moves, whole = [], hashlib.sha256()
                for index, (offset, stored, _) in enumerate(_members(old, part)):
                    response, why = reduced.get(offset, (None, None))
                    data = stored if response is None else _packed(response, index)
                    place = ArchiveRef("", new.tell(), len(data), hashlib.sha256(data).hexdigest())
                    moves.append(Move(ArchiveRef(part, offset, len(stored), _sha256(stored)), place, why))
                    new.write(data)
                    whole.update(data)
                new.flush()
                os.fsync(new.fileno())
                name = whole.hexdigest()[:NAME_LENGTH] + SUFFIX
                Path(new.name).replace(folder / name)
            sync_folder(folder)
        except OSError as error:
            raise ArchiveError(
                f"{folder}: can't be written: {error.strerror or error}", hint="is the disk full, or read-only?"
            ) from error
        into = (folder / name).relative_to(self._root).as_posix()
        moved = [replace(move, new=replace(move.new, part=into)) for move in moves]
        hit("prune.part")
        archive_moves.write(self._root, moved)
        hit("prune.noted")
        return moved

    def lengths(self, part: str) -> dict[int, int]:
        """Offset → length in bytes of the records of a part. Raises ArchiveError where it can't be read."""
        try:
            with self._open(part) as file:
                return {offset: len(stored) for offset, stored, _ in _members(file, part)}
        except OSError as error:
            raise ArchiveError(f"{part}: can't be read: {error.strerror}") from error

    def record_size(self, response: Response) -> int:
        """How many bytes a record of `response` takes."""
        return len(_packed(response, 0))

    def remove(self, part: str) -> None:
        """Remove a part that was rewritten, once nothing points at it. Raises ArchiveError where that fails."""
        if not archive_moves.of_part(self._root, part):
            raise ArchiveError(f"{part}: it was never rewritten")
        try:
            (self._root / part).unlink(missing_ok=True)
        except OSError as error:
            raise ArchiveError(f"{part}: can't be removed: {error.strerror}") from error

    def unfinished(self) -> list[list[Move]]:
        """The moves of parts that were rewritten and are still there: a program was killed in between."""
        return [
            moves
            for moves in archive_moves.notes(self._root)
            if not isinstance(moves, ArchiveError) and (self._root / moves[0].old.part).exists()
        ]

    def sweep(self) -> int:
        """Remove what crashed writers left behind, and only that. Returns how many files it were."""
        return sweep(self._root)

    def _open(self, part: str) -> BufferedReader:
        if part.startswith("/") or ".." in PurePosixPath(part).parts:
            raise ArchiveError(f"{part}: not a part of this archive")
        return (self._root / part).open("rb")


def _write(file: BufferedWriter, responses: Sequence[Response]) -> tuple[str, list[tuple[int, int, str]]]:
    """Write one gzip member per response. Returns the part's name; offset, length and SHA-256 of each member."""
    places = []
    whole = hashlib.sha256()
    offset = 0
    for index, response in enumerate(responses):
        data = _packed(response, index)
        file.write(data)
        whole.update(data)
        places.append((offset, len(data), _sha256(data)))
        offset += len(data)
    file.flush()
    return whole.hexdigest()[:NAME_LENGTH] + SUFFIX, places


def _packed(response: Response, index: int) -> bytes:
    """A response as one gzip member, the `index`th of its part."""
    record = BytesIO()
    writer = WARCWriter(record, gzip=False, warc_version="1.1")
    writer.write_record(_record(writer, response, index))
    packer = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)
    return packer.compress(record.getvalue()) + packer.flush()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _HTTPHeaders(StatusAndHeaders):  # type: ignore[misc]  # warcio has no types
    """HTTP headers as they are: warcio would percent-encode what is not ASCII, which can't be undone."""

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        self.headers_buff = self.to_bytes(encoding="utf-8")


def _record(writer: WARCWriter, response: Response, index: int) -> ArcWarcRecord:
    scheme, _, rest = response.url.partition(":")
    if scheme.lower() not in ("http", "https"):
        raise ArchiveError(f"{response.url!r}: only what came over http or https is kept")
    kept = [(name, value) for name, value in response.headers if name.lower() not in BODY_HEADERS]
    for name, value in kept:
        if "\n" in name + value or "\r" in name + value:
            raise ArchiveError(f"{response.url}: a line break in its header {name!r}")
    headers = _HTTPHeaders(
        f"{response.status} {client.responses.get(response.status, '')}",
        [*kept, (LENGTH_HEADER, str(len(response.body)))],
        protocol="HTTP/1.1",
    )
    headers.compute_headers_buffer()
    moment = response.fetched_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    block = hashlib.sha256(headers.headers_buff + response.body).hexdigest()
    own = {URL_HEADER: response.url, FINAL_URL_HEADER: response.final_url, MOVED_TO_HEADER: response.moved_to}
    if isinstance(response, ReducedResponse):
        own[REDUCED_HEADER] = response.sha256
    identity = json.dumps([index, moment, block, own])
    return writer.create_warc_record(
        f"{scheme.lower()}:{quote(rest, safe=_URI_CHARACTERS, errors='replace')}",
        "response",
        payload=BytesIO(response.body),
        length=len(response.body),
        http_headers=headers,
        warc_headers_dict={
            "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(_ID_SPACE, identity)}>",
            "WARC-Date": moment,
            "WARC-Block-Digest": f"sha256:{block}",
            "WARC-Payload-Digest": f"sha256:{hashlib.sha256(response.body).hexdigest()}",
            **{name: json.dumps(value) for name, value in own.items() if value is not None},
            **({"WARC-Truncated": "unspecified"} if REDUCED_HEADER in own else {}),
        },
    )


def _members(file: BufferedIOBase, part: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each gzip member of `file`: its offset, its bytes as they lie there, and what they decode to."""
    offset = 0
    block = file.read(_BLOCK)
    while block:
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        stored, plain = bytearray(), bytearray()
        while not inflate.eof:
            if not block:
                raise _damaged(part, offset, "it breaks off")
            try:
                plain += inflate.decompress(block)
            except zlib.error as error:
                raise _damaged(part, offset, str(error)) from None
            stored += block[: len(block) - len(inflate.unused_data)]
            block = inflate.unused_data or file.read(_BLOCK)
        yield offset, bytes(stored), bytes(plain)
        offset += len(stored)


def _parse(plain: bytes, part: str, offset: int) -> Response:
    try:
        record = ArcWarcRecordLoader(verify_http=False, arc2warc=False).parse_record_stream(
            BytesIO(plain), known_format="warc"
        )
        own = record.rec_headers
        moved_to = own.get_header(MOVED_TO_HEADER)
        response = Response(
            url=json.loads(own.get_header(URL_HEADER)),
            final_url=json.loads(own.get_header(FINAL_URL_HEADER)),
            status=int(record.http_headers.get_statuscode()),
            headers=tuple(item for item in record.http_headers.headers if item[0] != LENGTH_HEADER),
            body=record.raw_stream.read(),
            fetched_at=datetime.fromisoformat(own.get_header("WARC-Date")),
            moved_to=None if moved_to is None else json.loads(moved_to),
        )
        reduced = own.get_header(REDUCED_HEADER)
        return response if reduced is None else reduced_response(response, json.loads(reduced))
    except (
        ArchiveLoadFailed,
        StatusAndHeadersParserException,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise _damaged(part, offset, f"no record of this archive ({error})") from error


def _damaged(part: str, offset: int, reason: str) -> ArchiveError:
    return ArchiveError(f"{part}: the record at byte {offset:,} is damaged: {reason}", hint="restore it from a backup")

"""The journal of the archive: for whom each response was asked for, and what was asked for in vain.

Responses alone do not tell which entry a page was fetched for, nor that a server answered 404 or "not modified". With
the journal a run can be gone through once more, without any network (`flows.rebuild`). A note is one JSON file

    archive/journal/2026/11/22/20261122T074500.123456Z-000003-3f0c….json

named after its run, its number in the run and the hash of its bytes; it is written once and never changed. What a
response said lies in the archive: a note only points there. Lists that many notes name stand once, in `lists/`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from pipeline import errors
from pipeline.archive_files import put
from pipeline.errors import ArchiveError, FetchError
from pipeline.types import ArchiveRef, Response

FOLDER: Final = "journal"
LISTS: Final = "lists"
SUFFIX: Final = ".json"
HASH_LENGTH: Final = 16
RUN_ID: Final = "%Y%m%dT%H%M%S.%fZ"
"""How runs are named: by their start."""
_ATTRIBUTES: Final = ("url", "hint", "retryable", "status", "retry_after")
_KINDS: Final[Mapping[str, type[FetchError]]] = {
    kind.__name__: kind
    for kind in (
        errors.AddressRefused,
        errors.RobotsDisallowed,
        errors.FetchTimeout,
        errors.TooLarge,
        errors.TooManyRedirects,
        errors.HTTPStatusError,
        errors.NetworkError,
    )
}


@dataclass(frozen=True, slots=True)
class Note:
    """What a run wrote down: its kind and its content, plain JSON values. `number` counts the notes of the run."""

    run_id: str
    number: int
    kind: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of a request, as far as it can be written down.

    `archived` is where the response lies. One that is not in the archive is `bare`, a response without its body: a 304,
    or the bytes that had come before, whose hash is `sha256`. Else `failed` says why there is none.
    """

    archived: ArchiveRef | None = None
    bare: Response | None = None
    sha256: str | None = None
    failed: FetchError | None = None

    @property
    def answer(self) -> ArchiveRef | Response | FetchError | None:
        """What came, wherever it is; None for nothing known."""
        return self.archived or self.bare or self.failed


class Journal:
    """The journal below the archive's folder `root`. One process writes at a time; any number may read."""

    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER
        self._numbers = count()

    def write(self, run_id: str, kind: str, content: Mapping[str, Any]) -> None:
        """Keep a note; it is on the disk on return. Raises ArchiveError where that fails."""
        number = next(self._numbers)
        text = json.dumps({"run": run_id, "number": number, "kind": kind, **content}, separators=(",", ":")) + "\n"
        data = text.encode()
        folder = self._root / f"{run_id[:4]}/{run_id[4:6]}/{run_id[6:8]}"
        name = f"{run_id}-{number:06d}-{hashlib.sha256(data).hexdigest()[:HASH_LENGTH]}{SUFFIX}"
        put(folder, name, data)

    def keep_list(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Keep a list that many notes name, once. Returns its name. Raises ArchiveError where that fails."""
        data = (json.dumps(list(rows), separators=(",", ":"), sort_keys=True) + "\n").encode()
        name = hashlib.sha256(data).hexdigest()[:HASH_LENGTH]
        if not (self._root / LISTS / f"{name}{SUFFIX}").exists():
            put(self._root / LISTS, f"{name}{SUFFIX}", data)
        return name

    def kept_list(self, name: str) -> list[dict[str, Any]]:
        """The list of that name. Raises ArchiveError where it is missing or altered."""
        found = json.loads(_checked(self._root / LISTS / f"{name}{SUFFIX}", name))
        assert isinstance(found, list), "that is what is kept"
        return found

    def begun_at(self) -> datetime | None:
        """When the first run began that wrote a note; None if there is none."""
        first = next(iter(sorted(path.name for path in self._root.glob(f"*/*/*/[!.]*{SUFFIX}"))), None)
        return None if first is None else datetime.strptime(first.partition("-")[0], RUN_ID).replace(tzinfo=UTC)

    def read(self) -> Iterator[Note]:
        """Yield all notes, run by run, in the order in which they were written.

        Raises ArchiveError at the first that can't be read, or whose name is not the hash of its bytes.
        """
        for note in self.read_all():
            if isinstance(note, ArchiveError):
                raise note
            yield note

    def read_all(self) -> Iterator[Note | ArchiveError]:
        """As `read`, but with what is wrong in the place of a note that can't be read."""
        for path in sorted(self._root.glob(f"*/*/*/[!.]*{SUFFIX}"), key=lambda path: path.name):
            try:
                content = json.loads(_checked(path, path.stem.rpartition("-")[2]))
            except ArchiveError as error:
                yield error
            else:
                yield Note(content.pop("run"), content.pop("number"), content.pop("kind"), content)


def _checked(path: Path, name: str) -> bytes:
    """The bytes of a file whose hash its name gives."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest()[:HASH_LENGTH] != name:
        raise ArchiveError(f"{path}: its name is not the hash of its bytes", hint="restore it from a backup")
    return data


def keep(result: Response | FetchError, archived: ArchiveRef | None) -> dict[str, Any]:
    """What came of a request, as JSON values. `archived` is None where its body was not archived."""
    if isinstance(result, FetchError):
        told = {name: getattr(result, name) for name in _ATTRIBUTES if hasattr(result, name)}
        return {"failed": type(result).__name__, "message": str(result), **told}
    if archived is not None:
        return {"archived": [archived.part, archived.offset, archived.length, archived.sha256]}
    return {
        "url": result.url,
        "final_url": result.final_url,
        "status": result.status,
        "headers": [list(header) for header in result.headers],
        "fetched_at": result.fetched_at.astimezone(UTC).isoformat(),
        "moved_to": result.moved_to,
        "sha256": hashlib.sha256(result.body).hexdigest() if result.body else None,
    }


def kept(value: Mapping[str, Any]) -> Kept:
    """Read what `keep` wrote."""
    if "failed" in value:
        return Kept(failed=_failure(value))
    if "archived" in value:
        part, offset, length, sha256 = value["archived"]
        return Kept(archived=ArchiveRef(part, offset, length, sha256))
    headers = tuple((name, text) for name, text in value["headers"])
    came_at = datetime.fromisoformat(value["fetched_at"])
    bare = Response(
        value["url"], value["final_url"], value["status"], headers, b"", came_at, moved_to=value["moved_to"]
    )
    return Kept(bare=bare, sha256=value["sha256"])


def _failure(value: Mapping[str, Any]) -> FetchError:
    kind = _KINDS.get(value["failed"], FetchError)
    error = kind.__new__(kind, value["message"])
    error.args = (value["message"],)
    error.__dict__.update({name: value[name] for name in _ATTRIBUTES if name in value})
    errors.note_hint(error)
    return error

"""Checks of the archive: that its parts are what was written, and that what points into it finds its record."""

import hashlib
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from flows.notes import END
from pipeline import archive_moves
from pipeline.archive import NAME_LENGTH, SUFFIX, Archive
from pipeline.decision_archive import DecisionArchive
from pipeline.errors import ArchiveError
from pipeline.journal import Journal, Note, kept
from pipeline.types import ArchiveRef
from warehouse.audit import Asked, Check, Finding, Question, ask

BACKUP = "restore it from a backup (`clampdown restore`)"


def parts(archive: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of each part of the archive."""
    for path in sorted(archive.rglob(f"[!.]*{SUFFIX}")):
        yield path.relative_to(archive).as_posix(), path


def checks(archive: Path, asked: Asked | None, warehouse: Asked | None, chosen: Set[str] | None) -> list[Check]:
    """Check the archive. `asked` is what points into it, if that can be read; `chosen` are the parts to read, or all.

    Of the others it is looked at whether they are there, and long enough for what points into them. `warehouse`, where
    it can be read and not only its snapshot, is held to what runs have noted.
    """
    sizes = {part: path.stat().st_size for part, path in parts(archive)}
    wanted = sizes.keys() if chosen is None else chosen
    note = None if chosen is None else f"read: {len(wanted):,} of {len(sizes):,} parts; --deep reads all"
    places: Question[Asked | None] = Question(
        "places",
        "what the warehouse has from the archive is there, unchanged",
        lambda asked, finding: _places(asked, finding, archive, sizes, wanted),
        BACKUP,
    )
    return [
        _parts(archive, wanted, note),
        *ask(asked, [places]),
        _journal(archive, sizes),
        *ask(warehouse, [_runs(archive)]),
        *ask(asked, [_decisions(archive)]),
    ]


def _parts(archive: Path, wanted: Set[str], note: str | None) -> Check:
    finding = Finding("archive", "parts of the archive are what was written", BACKUP)
    for part in sorted(wanted):
        finding.look()
        try:
            with (archive / part).open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            finding.add(f"{part}: can't be read: {error.strerror or error}")
            continue
        if not part.rpartition("/")[2].startswith(whole[:NAME_LENGTH]):
            finding.add(f"{part}: its name is not the hash of its bytes")
    if note is not None:
        finding.note(note)
    return finding.check


def _places(asked: Asked | None, finding: Finding, archive: Path, sizes: Mapping[str, int], wanted: Set[str]) -> None:
    if asked is None:
        finding.note("left out: the warehouse can't be read")
        return
    for part, offset, length, sha256 in asked.places():
        finding.look()
        fault = _fault(archive, ArchiveRef(part, offset, length, sha256), sizes)
        # What is not in its part any more was moved, and is looked at where it is now.
        if fault is None and part in wanted:
            fault = _altered(archive / part, offset, length, sha256)
        if fault is not None:
            finding.add(f"{part}: {fault}")


def _fault(archive: Path, ref: ArchiveRef, sizes: Mapping[str, int]) -> str | None:
    if ref.part not in sizes:
        ref = Archive(archive).where(ref)
    size = sizes.get(ref.part)
    if size is None:
        return "it is not there"
    if ref.offset + ref.length > size:
        return f"it ends before the record at byte {ref.offset:,} does"
    return None


def _altered(path: Path, offset: int, length: int, sha256: str) -> str | None:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
    except OSError as error:
        return f"it can't be read: {error.strerror or error}"
    if hashlib.sha256(data).hexdigest() != sha256:
        return f"the record at byte {offset:,} is not the one that was written"
    return None


def _journal(archive: Path, sizes: Mapping[str, int]) -> Check:
    finding = Finding("journal", "notes of the journal can be read, and what they point at is there", BACKUP)
    for moves in archive_moves.notes(archive):
        finding.look()
        if isinstance(moves, ArchiveError):
            finding.add(str(moves))
    journal = Journal(archive)
    lists: set[str] = set()
    for note in journal.read_all():
        finding.look()
        if isinstance(note, ArchiveError):
            finding.add(str(note))
            continue
        for ref in _noted(note):
            fault = _fault(archive, ref, sizes)
            if fault is not None:
                finding.add(f"run {note.run_id}, note {note.number}: {ref.part}: {fault}")
        listed = note.content.get("sources")
        if isinstance(listed, str) and listed not in lists:
            lists.add(listed)
            try:
                journal.kept_list(listed)
            except ArchiveError as error:
                finding.add(str(error))
    return finding.check


def _noted(note: Note) -> Iterator[ArchiveRef]:
    """The records that a note points at."""
    told: tuple[Mapping[str, Any], ...] = (
        *note.content.get("polls", ()),
        *note.content.get("entries", ()),
        *note.content.get("pages", ()),
    )
    for one in told:
        archived = kept(one["result"]).archived if "result" in one else None
        if archived is not None:
            yield archived


def _runs(archive: Path) -> Question[Asked | None]:
    def look(warehouse: Asked | None, finding: Finding) -> None:
        """The warehouse may have lost what it had committed: its log can break off without a word."""
        if warehouse is None:
            finding.note("left out: the warehouse can't be read")
            return
        if not (warehouse.has("runs") and warehouse.has("outcomes")):
            return
        finished = {run_id for (run_id,) in warehouse.rows("SELECT run_id FROM runs WHERE finished_at IS NOT NULL")}
        under_way: dict[str, list[str]] = {}
        for note in Journal(archive).read_all():
            if isinstance(note, ArchiveError):
                continue
            if note.kind != END:
                under_way.setdefault(note.run_id, []).extend(one["entry"] for one in note.content.get("entries", ()))
                continue
            finding.look()
            if note.run_id not in finished:
                finding.add(f"run {note.run_id} came to its end, which the warehouse does not know")
            gone = warehouse.rows(
                "SELECT unnest(?::JSON::VARCHAR[]) AS entry_id EXCEPT SELECT entry_id FROM outcomes ORDER BY ALL",
                [under_way.pop(note.run_id, [])],
            )
            for (entry_id,) in gone:
                finding.add(f"run {note.run_id}: the outcome of entry {entry_id} is gone")

    return Question("noted runs", "what runs noted that came to their end is in the warehouse", look)


def _decisions(archive: Path) -> Question[Asked | None]:
    def look(asked: Asked | None, finding: Finding) -> None:
        """Those that the warehouse lacks wait for the next run: someone decided while one was on."""
        decided, faults = DecisionArchive(archive).unread()
        finding.look(len(decided) + len(faults))
        for fault in faults:
            finding.add(str(fault))
        if asked is not None and asked.has("decisions"):
            kept_ids = {decision.id for decision in decided}
            stored = {str(decision_id) for (decision_id,) in asked.rows("SELECT decision_id FROM decisions")}
            for decision_id in sorted(stored - kept_ids):
                finding.add(f"decision {decision_id}: the archive does not have it")
            if kept_ids - stored:
                finding.note(f"{len(kept_ids - stored)} not taken over yet: the next run does")

    return Question("decisions", "decisions can be read, and those that the warehouse knows are kept", look, BACKUP)

"""The archive of decisions: one file a decision, written once, never changed, before anything follows from it.

    archive/decisions/2026/11/22/3f0c….json

A file is named after the decision's id, which is made from all that it says. It is written under a temporary name,
synced and renamed; what a crashed writer left behind goes when the archive is swept (`pipeline.archive.Archive.sweep`).
"""

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.archive_files import make_folder, sync_folder, temporary_file
from pipeline.decision_types import Decision, from_record, to_record
from pipeline.errors import ArchiveError
from pipeline.failpoints import hit

FOLDER = "decisions"
SUFFIX = ".json"

_JSON = json.JSONEncoder(ensure_ascii=False).encode


class DecisionArchive:
    """The decisions below the archive's folder `root`. Any number of processes may read and write at once."""

    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER
        # A decision may be about ten thousand mentions, and none changes: what was asked of one is not read again.
        self._times: dict[str, datetime] = {}

    def keep(self, decision: Decision) -> Path:
        """Write a decision. Returns its file once it is on the disk; raises ArchiveError where that fails."""
        folder = self._root / f"{decision.decided_at:%Y/%m/%d}"
        path = folder / f"{decision.id}{SUFFIX}"
        text = _written(to_record(decision))
        try:
            make_folder(folder)
            with temporary_file(folder) as file:
                file.write(text.encode("utf-8", "surrogatepass"))
                file.flush()
                os.fsync(file.fileno())
                hit("decision.written")
                # Should the file be there already, it is the same; should it be damaged, this heals it.
                Path(file.name).replace(path)
            sync_folder(folder)
        except OSError as error:
            raise ArchiveError(
                f"{folder}: can't be written: {error.strerror or error}", hint="is the disk full, or read-only?"
            ) from error
        hit("decision.kept")
        return path

    def unread(self, known: Collection[str] = ()) -> tuple[list[Decision], list[ArchiveError]]:
        """The decisions whose ids are not `known`, the first one first; and what is wrong with files that are none."""
        found: list[Decision] = []
        faults: list[ArchiveError] = []
        for decision_id, path in self.paths().items():
            if decision_id not in known:
                try:
                    found.append(self.read(path))
                except ArchiveError as error:
                    faults.append(error)
        return sorted(found, key=lambda decision: decision.order), faults

    def paths(self) -> dict[str, Path]:
        """Id → file of all decisions, whatever the files hold."""
        return {path.stem: path for path in sorted(self._root.glob(f"*/*/*/[!.]*{SUFFIX}"))}

    def read(self, path: Path) -> Decision:
        """The decision in one of these files. Raises ArchiveError where it is none, or does not fit its name."""
        decision = _read(path)
        self._times[path.name] = decision.decided_at
        return decision

    def latest(self) -> datetime | None:
        """When the last decision was made, going by the files that can be read; None where there is none."""
        for folder in sorted(self._root.glob("*/*/*"), reverse=True):
            times = []
            for path in folder.glob(f"[!.]*{SUFFIX}"):
                with suppress(ArchiveError):
                    times.append(self._times.get(path.name) or self.read(path).decided_at)
            if times:
                return max(times)
        return None


def _written(record: Mapping[str, Any]) -> str:
    """The record as JSON, a line for each field and each anchor."""
    fields = []
    for name, value in record.items():
        told = _JSON(value)
        if value and isinstance(value, list) and isinstance(value[0], dict):
            told = "[\n  " + ",\n  ".join(map(_JSON, value)) + "\n ]"
        fields.append(f" {_JSON(name)}: {told}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _read(path: Path) -> Decision:
    try:
        decision = from_record(json.loads(path.read_bytes().decode("utf-8", "surrogatepass")))
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ArchiveError(f"{path}: {error}", hint="restore it from a backup") from error
    if decision.id != path.stem:
        raise ArchiveError(f"{path}: its name does not fit what it says", hint="restore it from a backup")
    return decision

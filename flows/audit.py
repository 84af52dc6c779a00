"""The whole house looked over: warehouse, archive, journal, decisions and published snapshot.

Nothing is changed, and what is damaged is a finding, never an exception. While a run holds the warehouse, the published
snapshot is looked at in its place.
"""

import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows import audit_archive
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME
from pipeline.errors import ClampdownError, InputError, WarehouseError, WarehouseLocked
from pipeline.lease import lease
from pipeline.places import way_to_data
from pipeline.settings import Settings
from warehouse import audit_events, audit_snapshot, audit_tables
from warehouse.audit import REBUILD, Asked, Check, Finding, Question, ask
from warehouse.reader import open_reader
from warehouse.snapshot import DATABASE_NAME

SAMPLE_BYTES = 256_000_000
"""Bytes of the archive that are read unless all of it is to be."""

WORKSPACE = "clampdown-audit-"
"""How the folders begin, among the system's temporary ones, into which is written what does not fit into memory."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the checks say. `busy` tells, in words, why the snapshot was looked at in the warehouse's place."""

    checks: tuple[Check, ...]
    busy: str | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.passed for check in self.checks)


def audit(settings: Settings, *, deep: bool = False, sample_bytes: int = SAMPLE_BYTES) -> AuditReport:
    """Look the data folder over. `deep` reads the whole archive, else some `sample_bytes` of it.

    Raises InputError where there is nothing to look at.
    """
    data_dir = settings.data_dir
    if not any((data_dir / name).exists() for name in (ARCHIVE_NAME, WAREHOUSE_NAME, PUBLISHED_NAME)):
        raise InputError(f"{data_dir}: nothing to audit", hint=way_to_data(data_dir / PUBLISHED_NAME))
    with ExitStack() as stack:
        workspace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=WORKSPACE)))
        checks: list[Check] = []
        warehouse, busy = _warehouse(settings, stack, workspace, checks)
        snapshot = _snapshot(data_dir, stack, workspace, checks)
        asked = snapshot if busy else warehouse
        if asked is not None:
            checks += ask(asked, (*audit_tables.QUESTIONS, *audit_events.QUESTIONS))
        chosen = None if deep else _sample(data_dir / ARCHIVE_NAME, sample_bytes)
        checks += audit_archive.checks(data_dir / ARCHIVE_NAME, asked, None if busy else warehouse, chosen)
        checks += _published(data_dir, None if busy else warehouse, snapshot)
    return AuditReport(tuple(checks), busy)


def _warehouse(
    settings: Settings, stack: ExitStack, workspace: Path, checks: list[Check]
) -> tuple[Asked | None, str | None]:
    """Open the warehouse. Returns it, if it can be opened, and why not, if a run holds it or it is no file."""
    if settings.warehouse.url:
        return None, "The warehouse is a lake"
    finding = Finding("warehouse", "the warehouse can be opened", REBUILD)
    finding.look()
    reader = None
    try:
        _keep_runs_out(stack, settings.data_dir)
        reader = stack.enter_context(open_reader(settings.data_dir / WAREHOUSE_NAME, workspace=workspace / "warehouse"))
    except WarehouseLocked as locked:
        return None, str(locked)
    except InputError:
        finding.add(f"{WAREHOUSE_NAME} is not there")
    except ClampdownError as error:
        finding.add(str(error))
    checks.append(finding.check)
    return None if reader is None else Asked(reader), None


def _keep_runs_out(stack: ExitStack, data_dir: Path) -> None:
    """Take the lease while the warehouse is read, so that others are told who has it."""
    try:
        stack.enter_context(lease(data_dir, holder="audit"))
    except WarehouseLocked:
        raise
    except WarehouseError:
        # Nobody runs in a folder that can't be written to; it can be audited all the same.
        return


def _snapshot(data_dir: Path, stack: ExitStack, workspace: Path, checks: list[Check]) -> Asked | None:
    published = data_dir / PUBLISHED_NAME
    finding = Finding("snapshot", "the published snapshot can be opened", audit_snapshot.ANEW)
    finding.look()
    reader = None
    try:
        reader = stack.enter_context(open_reader(published / DATABASE_NAME, workspace=workspace / "snapshot"))
    except InputError:
        finding.add(f"{PUBLISHED_NAME}/{DATABASE_NAME} is not there")
    except ClampdownError as error:
        finding.add(str(error))
    checks.append(finding.check)
    return None if reader is None else Asked(reader)


def _published(data_dir: Path, warehouse: Asked | None, snapshot: Asked | None) -> list[Check]:
    """The snapshot's files, and its tables beside those of the warehouse where both can be read."""
    finding = Finding("published files", "published files are those of their manifest", audit_snapshot.ANEW)
    audit_snapshot.files(data_dir / PUBLISHED_NAME, finding)
    found = [finding.check]
    if warehouse is not None and snapshot is not None:
        beside: Question[Asked] = Question(
            "published tables",
            "published tables say what the warehouse says",
            lambda live, finding: audit_snapshot.tables(live, snapshot, finding),
            "`clampdown run` publishes anew",
        )
        found += ask(warehouse, [beside])
    return found


def _sample(archive: Path, sample_bytes: int) -> frozenset[str] | None:
    """Some parts of the archive, others each day, or None where they are all."""
    sizes = {part: path.stat().st_size for part, path in audit_archive.parts(archive)}
    if sum(sizes.values()) <= sample_bytes:
        return None
    names = sorted(sizes)
    random.Random(datetime.now(UTC).date().toordinal()).shuffle(names)  # noqa: S311 - a sample, no secret
    return frozenset(_up_to(names, sizes, sample_bytes))


def _up_to(names: list[str], sizes: dict[str, int], most: int) -> Iterator[str]:
    for name in names:
        most -= sizes[name]
        yield name
        if most <= 0:
            return

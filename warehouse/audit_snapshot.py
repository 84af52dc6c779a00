"""Checks of the published snapshot: its files against its manifest, its tables against the warehouse."""

from pathlib import Path

from warehouse import compare
from warehouse.audit import Asked, Finding
from warehouse.snapshot_check import CURRENT, verify

ANEW = "move the folder `published` away: the next run publishes anew"


def files(folder: Path, finding: Finding) -> None:
    """Hold the files of the current version against its manifest."""
    finding.look(sum(path.is_file() for path in (folder / CURRENT).rglob("*")))
    for fault in verify(folder):
        finding.add(fault)


def tables(warehouse: Asked, snapshot: Asked, finding: Finding) -> None:
    """Hold the snapshot's tables against those of the warehouse, without what depends on the last run alone."""
    last = warehouse.rows("SELECT status FROM runs ORDER BY started_at DESC LIMIT 1")
    if last and last[0][0] != "finished":
        finding.note("left out: the last run did not come to its end, and the next one publishes")
        return
    for table, columns in snapshot.columns.items():
        if table in compare.CLOCK_TABLES or not warehouse.has(table):
            continue
        kept = [name for name in compare.kept_columns(columns) if warehouse.has(table, [name])]
        if not kept:
            continue
        finding.look()
        there, published = (_digest(asked, table, kept) for asked in (warehouse, snapshot))
        if there[0] != published[0]:
            finding.add(f"{table}: {published[0]:,} rows are published, the warehouse has {there[0]:,}")
        elif there != published:
            finding.add(f"{table}: what is published is not what the warehouse has")


def _digest(asked: Asked, table: str, columns: list[str]) -> tuple[int, str]:
    # As text, so that a type that says the same otherwise makes no difference.
    listed = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in columns)
    ((count, digest),) = asked.rows(f'SELECT count(*), CAST(sum(hash({listed})) AS VARCHAR) FROM "{table}"')
    return int(count), str(digest)

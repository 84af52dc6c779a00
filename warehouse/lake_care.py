"""Looking after a lake: what state it is in, and making few large files of many small ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import InputError
from pipeline.secrets import masked
from pipeline.settings import WarehouseSettings
from warehouse import schema, summary
from warehouse.database import Database
from warehouse.lake import ALIAS, LakeDatabase, at_work, is_there, open_lake_reader
from warehouse.reader import CATALOG
from warehouse.summary import LedgerBalance

KEPT_DAYS = 7.0
"""Days for which old states of the lake can be read, and for which files stay that no state needs any more."""
SETTLED_FILES = 300
"""Data files from which on a run tidies when it ends: one of ten batches leaves half as many."""
UNTIDY_FILES = 2000
"""Data files that show that no run has ended for long, or none of the first writer's."""
SMALL_FILE = 64 * 1024 * 1024
"""Files smaller than this are put together. Larger ones are left alone, so that tidying costs what is new."""
_GONE_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class LakeState:
    """A lake as it is. `schema` is 0 where there is none yet; `balance` is None unless the schema is this program's.

    `files` are data files and lists of deleted rows together, `size` their bytes; `snapshots` counts the states that
    can be read still. `at_work` are the writers that hold their numbers now.
    """

    name: str
    schema: int
    files: int = 0
    size: int = 0
    snapshots: int = 0
    at_work: tuple[str, ...] = ()
    balance: LedgerBalance | None = None

    @property
    def untidy(self) -> bool:
        """Whether it is time to tidy."""
        return self.files >= UNTIDY_FILES


def state(settings: WarehouseSettings) -> LakeState:
    """Look at a lake, changing nothing. Raises WarehouseError where it can't be reached."""
    writers = tuple(at_work(settings))
    if not is_there(settings):
        return LakeState(_name(settings), 0, at_work=writers)
    with open_lake_reader(settings) as reader:
        database = Database(reader.connection, reader.path)
        found = schema.version(database)
        balance = summary.balance(database) if found == schema.SCHEMA_VERSION else None
        figures = _figures(database, CATALOG)
    return LakeState(_name(settings), found, **figures, at_work=writers, balance=balance)


def tidy(settings: WarehouseSettings, *, kept_days: float = KEPT_DAYS) -> tuple[LakeState, LakeState]:
    """Put small files together, drop what is deleted, forget old states. Returns how it was and how it is now.

    Other writers wait meanwhile; readers don't. States older than `kept_days` can't be read any more, and files that
    only these needed go once they have waited as long, so that no reader loses one.
    """
    if kept_days < 0:
        raise InputError(f"{kept_days:g} days can't be kept")
    lake = LakeDatabase.open_lake(settings, guest=True)
    try:
        before = LakeState(_name(settings), schema.version(lake), **_figures(lake, ALIAS))
        _tidy(lake, kept_days)
        return before, LakeState(_name(settings), schema.version(lake), **_figures(lake, ALIAS))
    finally:
        lake.close()


def settle(lake: Database) -> None:
    """Tidy an open lake after a run, once there are many files. One writer does it for all: the first."""
    if lake.writer is not None and lake.writer.number == 1 and _figures(lake, ALIAS)["files"] >= SETTLED_FILES:
        _tidy(lake, KEPT_DAYS)


def _tidy(lake: Database, kept_days: float) -> None:
    old = f"now() - INTERVAL '{kept_days * 86_400:.0f} seconds'"
    with lake.turn():
        for call in (
            # All former values of the row of `lake_turns`.
            f"ducklake_flush_inlined_data('{ALIAS}')",
            f"ducklake_rewrite_data_files('{ALIAS}', delete_threshold => {_GONE_SHARE})",
            f"ducklake_merge_adjacent_files('{ALIAS}', max_file_size => {SMALL_FILE})",
            f"ducklake_expire_snapshots('{ALIAS}', older_than => {old})",
            f"ducklake_cleanup_old_files('{ALIAS}', older_than => {old})",
            # Left by transactions that were killed before they committed.
            f"ducklake_delete_orphaned_files('{ALIAS}', older_than => least({old}, now() - INTERVAL '1 day'))",
        ):
            lake.execute(f"CALL {call}")


def _name(settings: WarehouseSettings) -> str:
    return masked(settings.url)


def _figures(database: Database, alias: str) -> Mapping[str, Any]:
    files, size = database.execute(
        "SELECT coalesce(sum(file_count + delete_file_count), 0)::BIGINT, "
        f"coalesce(sum(file_size_bytes + delete_file_size_bytes), 0)::BIGINT FROM ducklake_table_info('{alias}')"
    )[0]
    ((snapshots,),) = database.execute(f"SELECT count(*) FROM ducklake_snapshots('{alias}')")
    return {"files": files, "size": size, "snapshots": snapshots}

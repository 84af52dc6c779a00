"""Which schema a warehouse's file has, without changing it."""

from pathlib import Path

from warehouse.reader import open_reader


def schema_of(path: Path) -> int:
    """The schema of the file at `path`, 0 where it is empty. Raises WarehouseError where it is locked or unreadable."""
    with open_reader(path) as reader:
        if "schema_versions" not in reader.tables():
            return 0
        ((version,),) = reader.rows("SELECT coalesce(max(version), 0) FROM schema_versions")
    return int(version)

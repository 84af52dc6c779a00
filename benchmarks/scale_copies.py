"""Old years for a made-up warehouse: a recent one again and again, with other services, dates and ids."""

from pathlib import Path

from benchmarks.scale_world import (
    service_names,
)
from pipeline.ids import content_id
from pipeline.statements import service_key
from warehouse.database import Database
from warehouse.store import open_warehouse

_AT_ONCE = 20_000
_IDS = frozenset(
    (
        "article_id", "entry_id", "event_id", "happening_id", "story_id", "parent_id", "ends_id", "happening_a",
        "happening_b",
    )
)  # fmt: skip
_MENTION_IDS = frozenset(("mention_id", "mention_a", "mention_b"))
_AS_THEY_ARE = frozenset(("schema_versions", "sources", "runs", "changes"))
_OF_A_CYCLE = 10
"""Services of similar rank that stand in for each other."""


def multiply(base: Path, path: Path, copies: int, years: int) -> None:
    """Make a warehouse of a small one and of `copies` like it, each `years` before the other.

    In each copy every service has the place of another one of similar rank, and everything has ids of its own.
    """
    with open_warehouse(path):
        pass
    database = Database.open(path, memory_limit="3GB")
    database.script(f"ATTACH '{base}' AS base (READ_ONLY)")
    tables = [str(table) for (table,) in database.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'base' ORDER BY 1")]  # fmt: skip
    for copy in range(copies, 0, -1):
        _name_anew(database, copy)
        for table in tables:
            if table not in _AS_THEY_ARE:
                columns = database.column_types(table)
                values = ", ".join(_moved(name, kind, copy, years * copy) for name, kind in columns.items())
                database.script(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM base.{table} AS t")
    for table in tables:
        if table != "schema_versions":
            database.script(f"INSERT INTO {table} BY NAME FROM base.{table}")
    database.script("DROP TABLE new_ids; DROP TABLE new_names; DETACH base; CHECKPOINT")
    database.close()


def _name_anew(database: Database, copy: int) -> None:
    """Fill tables with the new ids of mentions, which are made of what they say, and the new names of services."""
    names = {name: name for (name,) in database.execute("SELECT DISTINCT service_canonical FROM base.mentions")}
    listed = service_names()
    for rank, name in enumerate(listed):
        other = rank - rank % _OF_A_CYCLE + (rank + copy) % _OF_A_CYCLE
        names[name] = listed[min(other, len(listed) - 1)]
    made = []
    for row in database.execute(
        "SELECT mention_id, left(md5(article_id || $1), 20), trigger_start || ':' || trigger_end, action, "
        "coalesce(actor_canonical, ''), service_canonical, coalesce(scope_quote, '') FROM base.mentions",
        [f"{copy}"],
    ):
        old, *told, service, scope = row
        made.append((old, content_id("mention", *told, names[service], scope)))
    database.script("CREATE OR REPLACE TEMP TABLE new_ids (old VARCHAR, new VARCHAR)")
    database.script("CREATE OR REPLACE TEMP TABLE new_names (old VARCHAR, new VARCHAR, key VARCHAR, new_key VARCHAR)")
    for begin in range(0, len(made), _AT_ONCE):
        some = made[begin : begin + _AT_ONCE]
        parameters = [[old for old, _ in some], [new for _, new in some]]
        database.execute(
            "INSERT INTO new_ids SELECT unnest(?::JSON::VARCHAR[]), unnest(?::JSON::VARCHAR[])", parameters
        )
    for old, new in names.items():
        keys = [service_key(old), service_key(new)]
        database.execute("INSERT INTO new_names VALUES (?, ?, ?, ?)", [old, new, *keys])


def _moved(name: str, kind: str, copy: int, years: int) -> str:
    """The expression that gives a column of `t` its value in a copy."""
    if name in _IDS:
        return f"left(md5({name} || '{copy}'), 20)"
    if name in _MENTION_IDS:
        return f"(SELECT new FROM new_ids WHERE old = t.{name})"
    if name in ("body", "band"):
        return f"(hash({name}, {copy}) % {2**32 if name == 'band' else 2**64 - 1})::{kind}"
    if name == "service_canonical":
        return "(SELECT new FROM new_names WHERE old = t.service_canonical)"
    if name == "block":
        key = "(SELECT min(new_key) FROM new_names WHERE key = split_part(t.block, '|', 1))"
        return f"{key} || '|' || split_part(t.block, '|', 2)"
    if name in ("body_hash", "guid", "url", "canonical_url", "fingerprint"):
        return f"{name} || '-{copy}'"
    if kind in ("DATE", "TIMESTAMP"):
        return f"({name} - INTERVAL {years} YEAR)::{kind}"
    if name in ("date_value", "month", "last_month"):
        return f"if({name} = '', '', (left({name}, 4)::INTEGER - {years})::VARCHAR || substr({name}, 5))"
    return f't."{name}"'

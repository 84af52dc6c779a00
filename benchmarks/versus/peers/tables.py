"""The warehouse's questions asked of SQLite, pandas and Polars, over the rows of a published snapshot's Parquet files.

Written as one who knows the tables would: SQLite with the indexes that the questions want and fresh statistics,
pandas with the columns it needs loaded once, Polars lazily over the files. Each answer is a list of tuples of text and
numbers, in an order that is told by the question, so that all can be compared; dates are ISO days.
"""

import sqlite3 as engine
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

Asked = dict[str, str]
Rows = list[tuple[Any, ...]]

TABLES: Final = {
    "events": (
        "event_id", "action", "side", "status", "country", "service_canonical", "date_from", "date_to", "lifted",
        "retracted", "dismissed", "first_reported",
    ),
    "event_transitions": ("event_id", "position", "kind", "date_from", "reported_on"),
    "event_mentions": ("event_id", "mention_id"),
    "mentions": ("mention_id", "article_id", "trigger_quote"),
    "articles": ("article_id", "source_id", "url"),
}  # fmt: skip
_KEYS: Final = {"events": "event_id", "mentions": "mention_id", "articles": "article_id"}
_INDEXES: Final = (
    "events (service_canonical, country)",
    "events (side, status, date_to)",
    "event_transitions (event_id)",
    "event_mentions (event_id, mention_id)",
)
_IMPOSED: Final = "side = 'restricting' AND status = 'in_force' AND NOT retracted AND NOT dismissed"
SQL: Final = {
    "list": "SELECT event_id FROM events WHERE service_canonical = :service AND country = :country AND NOT retracted "
    "AND NOT dismissed ORDER BY coalesce(date_to, first_reported) DESC NULLS LAST, event_id LIMIT 20",
    "evidence": "SELECT m.mention_id, m.trigger_quote, a.url FROM event_mentions AS e JOIN mentions AS m USING "
    "(mention_id) JOIN articles AS a USING (article_id) WHERE e.event_id = :event ORDER BY m.mention_id",
    "months": "SELECT substr(date_from, 1, 7) AS month, action, count(*) FROM events WHERE "
    f"{_IMPOSED} AND substr(date_from, 1, 7) = substr(date_to, 1, 7) GROUP BY month, action ORDER BY month, action",
    "in force": "WITH ends AS (SELECT event_id, coalesce(date_from, reported_on, '0001-01-01') AS day, "
    "row_number() OVER (PARTITION BY event_id ORDER BY coalesce(date_from, reported_on, '0001-01-01'), position) "
    "AS place FROM event_transitions WHERE kind IN ('lifted', 'struck_down')) SELECT country, count(*), "
    "count(DISTINCT service_canonical) FROM events LEFT JOIN ends ON ends.event_id = events.event_id AND place = 1 "
    f"WHERE {_IMPOSED} AND date_to <= :day AND NOT (lifted AND coalesce(ends.day, '0001-01-01') <= :day) "
    "GROUP BY country ORDER BY country",
    "spread": "SELECT country, min(date_from), min(date_to), count(*), count(*) - count(date_from) FROM events WHERE "
    f"{_IMPOSED} AND service_canonical = :service GROUP BY country ORDER BY country",
    "most": "SELECT service_canonical, count(DISTINCT CASE WHEN country NOT IN ('EU', 'XX') THEN country END) AS c, "
    f"count(*) AS n, sum(NOT lifted) FROM events WHERE {_IMPOSED} GROUP BY service_canonical "
    "ORDER BY c DESC, n DESC, service_canonical LIMIT 20",
    "sources": "SELECT e.event_id, count(DISTINCT a.source_id) AS n FROM event_mentions AS e JOIN mentions AS m USING "
    "(mention_id) JOIN articles AS a USING (article_id) GROUP BY e.event_id ORDER BY n DESC, e.event_id LIMIT 20",
}
"""The questions as SQLite is asked them."""


def into_sqlite(parquet: str, path: str) -> float:
    """Write the rows into a SQLite file unless it is there; return its size in megabytes."""
    target = Path(path)
    if not target.exists():
        building = target.with_suffix(".building")
        building.unlink(missing_ok=True)
        with engine.connect(building) as connection:
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")
            for table, columns in TABLES.items():
                _fill(connection, Path(parquet), table, columns)
            for number, index in enumerate(_INDEXES):
                connection.execute(f"CREATE INDEX i{number} ON {index}")
            connection.execute("ANALYZE")
        connection.close()
        building.rename(target)
    return target.stat().st_size / 1e6


def _fill(connection: engine.Connection, parquet: Path, table: str, columns: tuple[str, ...]) -> None:
    names = ", ".join(f"{name} PRIMARY KEY" if name == _KEYS.get(table) else name for name in columns)
    connection.execute(f"CREATE TABLE {table} ({names}){' WITHOUT ROWID' if table in _KEYS else ''}")
    marks = ", ".join("?" * len(columns))
    for batch in _batches(parquet, table, columns):
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", batch)


def _batches(parquet: Path, table: str, columns: tuple[str, ...]) -> Iterator[list[tuple[Any, ...]]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for file in files(parquet, table):
        for batch in pq.ParquetFile(file).iter_batches(50_000, columns=list(columns)):
            plain = []
            for column in (batch.column(name) for name in columns):
                days = pa.types.is_date(column.type)
                plain.append((pc.strftime(column, "%Y-%m-%d") if days else column).to_pylist())
            yield list(zip(*plain, strict=True))


def megabytes(parquet: str) -> float:
    """Return the size of the files that hold the tables asked."""
    return sum(Path(file).stat().st_size for table in TABLES for file in files(Path(parquet), table)) / 1e6


def versions() -> dict[str, str]:
    """Return the versions of all that is asked here."""
    from importlib.metadata import version

    return {"sqlite3": engine.sqlite_version} | {name: version(name) for name in ("pandas", "polars", "pyarrow")}


def files(parquet: Path, table: str) -> list[str]:
    """The files that hold a table."""
    return sorted(map(str, (*parquet.glob(f"{table}.parquet"), *parquet.glob(f"{table}/**/*.parquet"))))


def sqlite3(path: str, question: str, asked: Asked) -> Rows:
    """Ask SQLite, whose connection stays open."""
    return _connection(path).execute(SQL[question], asked).fetchall()


@cache
def _connection(path: str) -> engine.Connection:
    connection = engine.connect(f"file:{path}?mode=ro", uri=True)
    connection.execute("PRAGMA cache_size = -200000")
    connection.execute("PRAGMA mmap_size = 2000000000")
    return connection


def pandas_load(parquet: str) -> int:
    """Load what the questions need, texts in PyArrow's form; return the number of rows."""
    return sum(len(frame) for frame in _frames(parquet).values())


@cache
def _frames(parquet: str) -> dict[str, Any]:
    import pandas as pd

    return {
        table: pd.concat(
            [
                pd.read_parquet(file, columns=list(columns), dtype_backend="pyarrow")
                for file in files(Path(parquet), table)
            ],
            ignore_index=True,
        )
        for table, columns in TABLES.items()
    }


def pandas(parquet: str, question: str, asked: Asked) -> Rows:
    """Ask pandas."""
    frames = _frames(parquet)
    events = frames["events"]
    kept = events[~(events.retracted | events.dismissed)]
    if question == "list":
        some = kept[(kept.service_canonical == asked["service"]) & (kept.country == asked["country"])]
        some = some.assign(day=some.date_to.fillna(some.first_reported))
        some = some.sort_values(["day", "event_id"], ascending=[False, True], na_position="last").head(20)
        return [(one,) for one in some.event_id]
    if question in ("evidence", "sources"):
        return _pandas_joined(frames, question, asked)
    imposed = kept[(kept.side == "restricting") & (kept.status == "in_force")]
    if question == "in force":
        return _pandas_in_force(imposed, frames["event_transitions"], asked["day"])
    if question == "months":
        dated = imposed[imposed.date_from.notna()]
        first, last = (dated[name].astype("datetime64[s]").dt.to_period("M") for name in ("date_from", "date_to"))
        counted = dated.assign(month=first.astype(str))[first == last].groupby(["month", "action"]).size()
        return [(month, action, int(count)) for (month, action), count in counted.items()]
    if question == "spread":
        some = imposed[imposed.service_canonical == asked["service"]].groupby("country")
        found = some.agg(a=("date_from", "min"), b=("date_to", "min"), n=("event_id", "size"), d=("date_from", "count"))
        return [(c, _day(a), _day(b), int(n), int(n - d)) for c, a, b, n, d in found.itertuples()]
    places = imposed.assign(place=imposed.country.where(~imposed.country.isin(["EU", "XX"])), open=~imposed.lifted)
    found = places.groupby("service_canonical").agg(c=("place", "nunique"), n=("event_id", "size"), o=("open", "sum"))
    found = found.reset_index().sort_values(["c", "n", "service_canonical"], ascending=[False, False, True]).head(20)
    return [(name, int(c), int(n), int(o)) for name, c, n, o in found.itertuples(index=False)]


def _pandas_joined(frames: dict[str, Any], question: str, asked: Asked) -> Rows:
    told = frames["event_mentions"]
    if question == "evidence":
        told = told[told.event_id == asked["event"]]
    joined = told.merge(frames["mentions"], on="mention_id").merge(frames["articles"], on="article_id")
    if question == "evidence":
        rows = joined.sort_values("mention_id")[["mention_id", "trigger_quote", "url"]]
        return list(rows.itertuples(index=False, name=None))
    found = joined.groupby("event_id").source_id.nunique().rename("n").reset_index()
    found = found.sort_values(["n", "event_id"], ascending=[False, True]).head(20)
    return [(event, int(n)) for event, n in found.itertuples(index=False)]


def _pandas_in_force(imposed: Any, transitions: Any, day: str) -> Rows:
    import pandas as pd

    until = pd.Timestamp(day).date()
    ends = transitions[transitions.kind.isin(["lifted", "struck_down"])]
    ends = ends.assign(day=ends.date_from.fillna(ends.reported_on)).sort_values(
        ["day", "position"], na_position="first"
    )
    ends = ends.drop_duplicates("event_id")[["event_id", "day"]]
    some = imposed[imposed.date_to <= until].merge(ends, on="event_id", how="left")
    some = some[~(some.lifted & (some.day.isna() | (some.day <= until)))]
    found = some.groupby("country").agg(n=("event_id", "size"), s=("service_canonical", "nunique"))
    return [(country, int(n), int(s)) for country, n, s in found.itertuples()]


def _day(value: Any) -> str | None:
    return value.isoformat()[:10] if hasattr(value, "isoformat") and value == value else None


def polars(parquet: str, question: str, asked: Asked) -> Rows:
    """Ask Polars, lazily and anew each time: nothing is kept between questions."""
    import polars as pl

    folder = Path(parquet)
    events = pl.scan_parquet(files(folder, "events")).filter(~pl.col("retracted") & ~pl.col("dismissed"))
    imposed = events.filter(pl.col("side") == "restricting", pl.col("status") == "in_force")
    if question == "list":
        events = events.filter(service_canonical=asked["service"], country=asked["country"])
        day = pl.coalesce("date_to", "first_reported")
        some = events.sort([day, "event_id"], descending=[True, False], nulls_last=True).head(20).select("event_id")
    elif question in ("evidence", "sources"):
        some = _polars_joined(folder, question, asked)
    elif question == "in force":
        some = _polars_in_force(imposed, folder, asked["day"])
    elif question == "months":
        month = pl.col("date_from").dt.strftime("%Y-%m").alias("month")
        one = imposed.filter(pl.col("date_from").dt.truncate("1mo") == pl.col("date_to").dt.truncate("1mo"))
        some = one.group_by(month, "action").agg(pl.len()).sort("month", "action")
    elif question == "spread":
        one = imposed.filter(service_canonical=asked["service"]).group_by("country")
        days = [pl.col(name).min().dt.strftime("%Y-%m-%d") for name in ("date_from", "date_to")]
        some = one.agg(*days, pl.len(), pl.col("event_id").filter(pl.col("date_from").is_null()).len()).sort("country")
        some = some.rename({"event_id": "undated"})
    else:
        place = pl.col("country").filter(~pl.col("country").is_in(["EU", "XX"])).n_unique()
        one = imposed.group_by("service_canonical").agg(place, pl.len(), (~pl.col("lifted")).sum())
        some = one.sort(["country", "len", "service_canonical"], descending=[True, True, False]).head(20)
    return some.collect().rows()


def _polars_joined(folder: Path, question: str, asked: Asked) -> Any:
    import polars as pl

    told, mentions, articles = (
        pl.scan_parquet(files(folder, table)).select(TABLES[table])
        for table in ("event_mentions", "mentions", "articles")
    )
    if question == "evidence":
        told = told.filter(event_id=asked["event"])
        joined = told.join(mentions, on="mention_id").join(articles, on="article_id")
        return joined.sort("mention_id").select("mention_id", "trigger_quote", "url")
    joined = told.join(mentions, on="mention_id").join(articles, on="article_id")
    found = joined.group_by("event_id").agg(pl.col("source_id").n_unique())
    return found.sort(["source_id", "event_id"], descending=[True, False]).head(20)


def _polars_in_force(imposed: Any, folder: Path, day: str) -> Any:
    import polars as pl

    until = pl.lit(day).str.to_date()
    ends = pl.scan_parquet(files(folder, "event_transitions")).filter(pl.col("kind").is_in(["lifted", "struck_down"]))
    end = pl.coalesce("date_from", "reported_on").alias("end")
    ends = ends.select("event_id", "position", end).sort("end", "position", nulls_last=False)
    ends = ends.group_by("event_id", maintain_order=True).first()
    some = imposed.filter(pl.col("date_to") <= until).join(ends, on="event_id", how="left")
    some = some.filter(~(pl.col("lifted") & (pl.col("end").is_null() | (pl.col("end") <= until))))
    found = some.group_by("country").agg(pl.len(), pl.col("service_canonical").n_unique())
    return found.sort("country")

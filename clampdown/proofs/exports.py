"""Proof that what publishers write stays text in every export, question and terminal, and comes back as it was.

A warehouse is filled with payloads – formulas, XML, quotes, SQL, terminal escapes, hidden characters – in every text
that a publisher writes, and published. Then each table goes through each format, and each cell is looked at twice:
whether it could run, and whether it is what the snapshot holds.
"""

import hashlib
import io
import json
import math
import re
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clampdown.proofs import hostile_words, payloads, readback
from clampdown.proofs.claims import Claim, Proof, Tell
from pipeline.errors import ClampdownError, InputError
from reports.exports import Wanted, export
from reports.exports.cells import as_text, plain, unguarded
from reports.exports.excel import TEXT_LIMIT
from warehouse.query import EventFilter, connect_snapshot, event, events, run_sql
from warehouse.rows import Column, RowSource

SHOWN = 3
"""Events that are shown one by one, and payloads that are asked for, in the short form."""

SKIPPED = 3
"""The short form takes one payload in so many."""

ODD_NAME = 'it\'s "quoted"; DROP TABLE events --'
_SAMPLE = 6
_COLUMNS = 12
_LARGEST = ("articles", "mentions", "events")
_IMITATES = re.compile("_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")
"""Texts that imitate Excel's escapes one into the other are escaped but in part: they come out as other texts."""

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 – Excel's own, which has no zone


@dataclass(slots=True)
class _Count:
    """Cells that were looked at, those that could run, and those that are not what they should be."""

    cells: int = 0
    live: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def claim(self, what: str, live: str) -> Claim:
        """Held against none."""
        measured = f"{len(self.live)} {live}, {len(self.wrong)} wrong of {self.cells:,} cells"
        found = [*self.live, *self.wrong][:3]
        measured += f": {'; '.join(one[:60] for one in found)}" if found else ""
        return Claim(what, measured, f"0 {live}, 0 wrong", not self.live and not self.wrong and self.cells > 0)


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]


def prove(tell: Tell, *, short: bool = False) -> Proof:
    """Run the proof; the short form has fewer payloads, and `check` looks at less."""
    texts = payloads.ALL[::SKIPPED] if short else payloads.ALL
    with tempfile.TemporaryDirectory() as name:
        tell(f"publishing {len(texts)} payloads in every text of an article")
        return check(hostile_words.publish(Path(name), texts), texts, tell, short=short)


def check(published: Path, texts: Sequence[str], tell: Tell, *, short: bool = False) -> Proof:
    """Look at the exports of a snapshot in which `texts` stand, working beside it.

    The short form takes the tables that hold most of them, and fewer questions and events.
    """
    out = published.parent / "out"
    out.mkdir()
    with RowSource(published, out) as source:
        names = _LARGEST if short else source.tables()
        tables = [_Table(one, (found := source.relation(one)).columns, list(found)) for one in names]
    before = _digest(published)
    few = texts[:: max(1, len(texts) // SHOWN)] if short else texts
    checks: list[tuple[str, Callable[[], Sequence[Claim]]]] = [
        ("what is there", lambda: [_texts(tables, texts)]),
        ("CSV", lambda: _csv(published, out, tables)),
        ("JSON Lines", lambda: [_json_lines(published, out, tables)]),
        ("Parquet", lambda: [_parquet(published, out, tables)]),
        ("Excel", lambda: [_excel(published, out, tables)]),
        ("GeoJSON", lambda: [_geojson(published, out)]),
        ("data package", lambda: [_package(published, out, tables)]),
        ("questions", lambda: [_questions(published, few)]),
        ("terminal", lambda: [_terminal(published, len(few))]),
    ]
    claims: list[Claim] = []
    for what, look in checks:
        tell(what)
        claims.extend(look())
    same = _digest(published) == before
    claims.append(Claim("The snapshot is as it was", "same bytes" if same else "changed", "same bytes", same))
    return Proof("exports", tuple(claims))


def _digest(published: Path) -> str:
    return hashlib.sha256((published / "clampdown.duckdb").read_bytes()).hexdigest()


def _texts(tables: Sequence[_Table], texts: Sequence[str]) -> Claim:
    """In how many columns a payload stands: that the proof is about something."""
    wanted = {text for text in texts if len(text) > 1}
    found = {
        f"{table.name}.{column.name}"
        for table in tables
        for place, column in enumerate(table.columns)
        if any(_has(row[place], wanted) for row in table.rows)
    }
    return Claim("Payloads stand in", f"{len(found)} columns", f"at least {_COLUMNS}", len(found) >= _COLUMNS)


def _has(value: object, wanted: set[str]) -> bool:
    if isinstance(value, list):
        return any(_has(one, wanted) for one in value)
    return isinstance(value, str) and value in wanted


def _csv(published: Path, out: Path, tables: Sequence[_Table]) -> list[Claim]:
    guarded, raw = _Count(), _Count()
    for table in tables:
        path = out / f"{table.name}.csv"
        export(published, path, Wanted((table.name,)))
        _compare_csv(path, table, guarded, unguarded)
        for separator in ",;\t":
            guarded.live += [
                cell for row in readback.csv_rows(path, separator) for cell in row if readback.is_formula(cell)
            ]
        if table.name in ("articles", "mentions"):
            export(published, path, Wanted((table.name,), raw=True))
            _compare_csv(path, table, raw, lambda cell: cell)
    return [
        guarded.claim(
            "CSV, split at commas, semicolons or tabs, computes nothing and gives the texts back", "formulas"
        ),
        raw.claim("CSV with --raw gives the texts as they are", "formulas"),
    ]


def _compare_csv(path: Path, table: _Table, count: _Count, back: Callable[[str], str]) -> None:
    header, *rows = readback.csv_rows(path)
    if header != [column.name for column in table.columns] or len(rows) != len(table.rows):
        count.wrong.append(f"{table.name}: {len(rows)} rows, not {len(table.rows)}")
        return
    for row, values in zip(rows, table.rows, strict=True):
        for cell, value in zip(row, values, strict=True):
            count.cells += 1
            expected = as_text(value)
            text = "" if expected is None else str(expected).replace("\0", "\ufffd")
            if (back(cell) if isinstance(expected, str) else cell) != text:
                count.wrong.append(f"{table.name}: {cell!r} for {text!r}")


def _json_lines(published: Path, out: Path, tables: Sequence[_Table]) -> Claim:
    count = _Count()
    for table in tables:
        path = out / f"{table.name}.jsonl"
        export(published, path, Wanted((table.name,)))
        expected = [_object(table, row) for row in table.rows]
        count.cells += len(expected) * len(table.columns)
        if list(readback.json_rows(path)) != expected:
            count.wrong.append(table.name)
    return count.claim("JSON Lines give every value back, line by line", "objects cut in two")


def _object(table: _Table, row: Sequence[Any]) -> dict[str, object]:
    return {column.name: plain(value) for column, value in zip(table.columns, row, strict=True)}


def _parquet(published: Path, out: Path, tables: Sequence[_Table]) -> Claim:
    count = _Count()
    for table in tables:
        path = out / f"{ODD_NAME}.parquet"
        export(published, path, Wanted((table.name,)))
        quoted = str(path).replace("'", "''")
        # The engine may reach its workspace, and nothing else.
        with RowSource(published, out) as source:
            found = list(source.question(f"FROM read_parquet('{quoted}')"))
        count.cells += len(found) * len(table.columns)
        if found != table.rows:
            count.wrong.append(table.name)
    return count.claim("Parquet, under a file name with quotes, gives every value back", "statements run")


def _excel(published: Path, out: Path, tables: Sequence[_Table]) -> Claim:
    count, path = _Count(), out / "all.xlsx"
    export(published, path, Wanted(tuple(table.name for table in tables)))
    count.live += readback.workbook_dangers(path)
    sheets = dict(readback.workbook_sheets(path))
    for table in tables:
        _, *rows = sheets[table.name]
        letters = readback.column_letters(len(table.columns))
        if len(rows) != len(table.rows):
            count.wrong.append(f"{table.name}: {len(rows)} rows, not {len(table.rows)}")
        for row, values in zip(rows, table.rows, strict=False):
            for letter, value in zip(letters, values, strict=True):
                count.cells += 1
                if not _is_in_excel(row.get(letter), value):
                    count.wrong.append(f"{table.name}: {row.get(letter)!r} for {value!r}")
    return count.claim("A workbook has no formula and no link, and every value that Excel can hold", "live cells")


def _is_in_excel(cell: str | None, value: object) -> bool:
    """Whether a cell holds a value, or what Excel can hold of it."""
    if value is None or cell is None:
        return cell is None and value is None
    if isinstance(value, bool):
        return cell == str(int(value))
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
        return abs(_EPOCH + timedelta(days=float(cell)) - moment) < timedelta(milliseconds=1)
    text = as_text(value)
    if not isinstance(text, str):
        # A workbook has sixteen digits of a number, of which Excel keeps fifteen.
        return text is not None and math.isclose(float(cell), float(text), rel_tol=1e-15)
    held = "".join(
        one if one in "\t\n" or (one >= " " and one not in "\ufffe\uffff") else "\ufffd"
        for one in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    if _IMITATES.search(held):
        return "=" not in cell[:1]
    # One blank may have been added behind what XlsxWriter would have taken for XML of its own.
    return cell in (held, held + " ") or (len(held) > TEXT_LIMIT // 2 and held.startswith(cell))


def _geojson(published: Path, out: Path) -> Claim:
    count, path = _Count(), out / "countries.geojson"
    export(published, path)
    with connect_snapshot(published) as reader:
        expected = {
            code: sorted(services)
            for code, services in reader.rows(
                "SELECT country, list(DISTINCT service_canonical) FROM restrictions GROUP BY country"
            )
        }
    for feature in json.loads(path.read_text("utf-8"))["features"]:
        own = feature["properties"]
        count.cells += len(own)
        if sorted(own["services"]) != expected.pop(own["country"]):
            count.wrong.append(own["country"])
    count.wrong += list(expected)
    return count.claim("GeoJSON has every country, with shape or without, and its services as they are", "cut short")


def _package(published: Path, out: Path, tables: Sequence[_Table]) -> Claim:
    count, folder = _Count(), out / "package"
    export(published, folder, Wanted(tuple(table.name for table in tables)), "datapackage")
    described = json.loads((folder / "datapackage.json").read_text("utf-8"))
    resources = {resource["name"]: resource for resource in described["resources"]}
    for resource in resources.values():
        content = (folder / resource["path"]).read_bytes()
        if (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}") != (resource["bytes"], resource["hash"]):
            count.wrong.append(resource["name"])
    for table in tables:
        fields = [one["name"] for one in resources[table.name]["schema"]["fields"]]
        if fields != [column.name for column in table.columns]:
            count.wrong.append(f"{table.name}: {fields}")
        path = folder / f"{table.name}.csv"
        _compare_csv(path, table, count, unguarded)
        count.live += [cell for row in readback.csv_rows(path) for cell in row if readback.is_formula(cell)]
    return count.claim("A data package has its files by size and hash, and the texts as they were", "formulas")


def _questions(published: Path, texts: Sequence[str]) -> Claim:
    """Each payload as a value, an id, a name of a table: it finds what has these words, or is refused."""
    count = _Count()
    with connect_snapshot(published) as reader, RowSource(published, published.parent) as source:
        all_ = events(reader, EventFilter(everything=True))
        for text in (text for text in texts if text.strip() and max(text) < "\ud800"):
            ways: list[Callable[[], object]] = [
                partial(events, reader, EventFilter(service=text)),
                partial(events, reader, EventFilter(country=text)),
                partial(events, reader, EventFilter(action=text)),
                partial(event, reader, text),
                partial(source.relation, text),
                partial(source.changes, "events", text),
            ]
            count.cells += len(ways) + 1
            found = {one.id for one in events(reader, EventFilter(actor=text, everything=True))}
            having = {one.id for one in all_ if text.lower() in (one.actor or "").lower()}
            if not having <= found or len(found) > len(having) + 1:
                count.wrong.append(f"{text!r} finds {len(found)} events, not {len(having)}")
            for way in ways:
                try:
                    way()
                except InputError:
                    continue
                except ClampdownError as error:
                    count.live.append(f"{text!r}: {error}")
    return count.claim("As an actor, service, id, table or date, a payload finds its own words or is refused", "run")


def _terminal(published: Path, shown: int) -> Claim:
    """What the commands would print, on a stream that is no terminal: any escape in it is a publisher's."""
    from clampdown.commands.event_shown import event_lines
    from clampdown.commands.query import event_table
    from clampdown.commands.table_shown import table_lines
    from clampdown.output import console, print_json

    count, written = _Count(), io.StringIO()
    with connect_snapshot(published) as reader, redirect_stdout(written):
        out = console()
        rows = events(reader)
        out.print(event_table(rows, out.width))
        print_json(rows)
        for row in rows[:: max(1, len(rows) // shown)]:
            detail = event(reader, row.id)
            print_json(detail)
            for line in event_lines(detail, out, everything=True):
                out.print(line, soft_wrap=True)
        for name in (*_LARGEST, "services"):
            for part in table_lines(run_sql(reader, f"FROM {name}", limit=_SAMPLE * shown), out.width):
                out.print(part)
        for row in rows[:: max(1, len(rows) // shown)]:
            out.print(f"a name in a message: {row.service}", markup=False)
    text = written.getvalue()
    count.cells = len(text)
    count.live = sorted({f"U+{ord(one):04X}" for one in text if _steers(one)})
    return count.claim("On a terminal no character of a text steers (cells are characters here)", "control characters")


def _steers(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in "\n\t\u200c\u200d"

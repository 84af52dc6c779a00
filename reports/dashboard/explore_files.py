"""What Explore shows as a file: all events of the view with its columns, and the words that state each of them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pipeline.errors import InputError
from reports.dashboard.explore_page import view_of
from reports.dashboard.snapshots import Held
from reports.dashboard.view_url import COLUMNS, View
from reports.dashboard.visit import Download, Redirect, Visit
from reports.exports.comma_separated import csv_lines
from warehouse.dashboard import explore
from warehouse.dashboard.asking import Sql
from warehouse.rows import answer_to

_PIECE: Final = 64_000
_STEM: Final = "clampdown-events"


def comma_separated(visit: Visit) -> Download | Redirect:
    """The view as CSV; text is guarded against formulas. Where part of the address is not understood, to the page."""
    return _file(visit, "csv", "text/csv; charset=utf-8", _csv)


def parquet(visit: Visit) -> Download | Redirect:
    """The view as Parquet. Where part of the address is not understood, to the page, which says so."""
    return _file(visit, "parquet", "application/vnd.apache.parquet", _parquet)


def _file(
    visit: Visit, ending: str, media_type: str, written: Callable[[Held, Sql], Iterator[bytes]]
) -> Download | Redirect:
    view, problems = view_of(visit)
    if problems:
        # A file does not say what was left out: it would hold more than was asked for.
        return Redirect(visit.address.replace(f".{ending}", "", 1))
    return Download(
        f"{_STEM}-{visit.data.published_at:%Y-%m-%d}.{ending}", media_type, written(visit.data, rows_of(view))
    )


def rows_of(view: View) -> Sql:
    """The question for all rows of a view, with the columns of its table."""
    return explore.everything(view.wanted, view.order, [one for key in view.columns for one in COLUMNS[key].fields])


def _csv(data: Held, sql: Sql) -> Iterator[bytes]:
    with data.reader() as reader:
        pieces = csv_lines(answer_to(reader, sql))
        # What can fail has failed before the first line is sent.
        yield "".join([*next(pieces), *next(pieces, ())]).encode()
        for lines in pieces:
            yield "".join(lines).encode()


def _parquet(data: Held, sql: Sql) -> Iterator[bytes]:
    if data.workspace is None:
        raise InputError("there is no folder to write Parquet to", hint="CSV needs none.")
    target: Path = data.workspace / f"{uuid.uuid4().hex}.parquet"
    try:
        with data.reader() as reader:
            answer_to(reader, sql).to_parquet(target)
        with target.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    finally:
        target.unlink(missing_ok=True)

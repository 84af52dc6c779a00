"""`sources add`: find the feed of a site, test it, show its last items, and put it on the list."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable, shorten, table
from pipeline.errors import FetchError, InputError

if TYPE_CHECKING:
    from pipeline.discovery import Discovery, FoundFeed
    from pipeline.settings import Settings
    from pipeline.types import Source

SHOWN_ITEMS = 5
SHOWN_TRIED = 12
TITLE_WIDTH = 90


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it is shown."""

    published: datetime | date | None
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Report:
    """One feed as it is shown. `source` is the entry that stands for it in the source list."""

    source: "Source"
    found: str
    format: str
    items: int
    latest: list[Item]
    issues: tuple[str, ...]


def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The address of a site, a section of it, or a feed")],
    name: Annotated[str | None, typer.Option("--name", help="Its name [default: the feed's title]")] = None,
    source_id: Annotated[str | None, typer.Option("--id", help="Its id [default: made of the address]")] = None,
    every: Annotated[bool, typer.Option("--all", help="Take all feeds of the page, not only the best")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is found")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Add without asking")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --yes add, else only show")] = False,
) -> None:
    """Find the feed of a site, test it, show its last items, and add it to sources.toml."""
    if every and (name or source_id):
        raise InputError("--name and --id are for one feed, --all takes several")
    settings = load_settings(context).settings
    path = settings.sources
    address = _address(url)
    text, present = _present(path)
    _refuse_id(source_id, present)
    _refuse_double(address, present, path)
    discovery = _discover(settings, address, every=every)
    if not discovery.feeds:
        raise _nothing_found(address, discovery)
    chosen = discovery.feeds if every else discovery.feeds[:1]
    reports = _reports(chosen, discovery.homepage, present, name, source_id)
    if not reports:
        _refuse_double(chosen[0].url, present, path)
    if not as_json:
        _print(reports, discovery.feeds[len(chosen) :])
    wanted = not dry_run and (yes or (not as_json and _asked(len(reports), path)))
    if wanted:
        _write(path, text, [report.source for report in reports])
    if as_json:
        tried = [asdict(tried) for tried in discovery.tried]
        print_json({"sources": str(path), "added": wanted, "feeds": reports, "tried": tried})
    elif wanted:
        names = ", ".join(report.source.id for report in reports)
        console().print(f"{path}: added {names}", markup=False, soft_wrap=True)


def _address(url: str) -> str:
    """Take an address as people write it: `example.com` and `feed:` addresses are understood."""
    from pipeline.opml import web_address
    from pipeline.urls import absolute_url

    address = web_address(url)
    if "://" not in address:
        address = f"https://{address}"
    if absolute_url(address) is None:
        raise InputError(f"{printable(url)}: no address of a site or feed", hint="Such as https://example.com/news")
    return address


def _present(path: Path) -> "tuple[str, Sequence[Source]]":
    from pipeline.sources import load_sources

    if not path.exists():
        return "", ()
    present = load_sources(path)
    return path.read_bytes().decode("utf-8-sig"), present


def _refuse_id(source_id: str | None, present: "Sequence[Source]") -> None:
    from pipeline.sources import ID

    if source_id is not None and not ID.fullmatch(source_id):
        raise InputError(f"--id {source_id!r}: use lower-case letters, digits, '.', '_' and '-', at most 64")
    if source_id in {source.id for source in present}:
        raise InputError(f"--id {source_id}: another source has this id")


def _refuse_double(url: str, present: "Sequence[Source]", path: Path) -> None:
    from pipeline.urls import canonical_url

    key = canonical_url(url)
    for source in present:
        if key is not None and canonical_url(source.url) == key:
            state = "" if source.enabled else ", and is not enabled"
            raise InputError(f"{path} has this feed already: {source.id} ({printable(source.name)}){state}")


def _discover(settings: "Settings", address: str, *, every: bool) -> "Discovery":
    from pipeline.discovery import discover
    from pipeline.fetch import FetchSession
    from pipeline.robots_file import ROBOTS_NAME

    progress = console(stderr=True)
    with FetchSession(settings.fetch, robots_file=settings.data_dir / ROBOTS_NAME) as session:
        try:
            return discover(
                address,
                session.fetch_all,
                session.sitemaps,
                every=every,
                tell=lambda url: progress.print(Text(f"asking {printable(url)}", style="dim"), soft_wrap=True),
            )
        except FetchError as error:
            raise InputError(f"{address}: {printable(str(error))}", hint=error.hint) from None


def _nothing_found(address: str, discovery: "Discovery") -> InputError:
    tried = [f"{printable(tried.url)}: {printable(tried.reason)}" for tried in discovery.tried]
    shown = "\n    ".join(tried[:SHOWN_TRIED])
    more = f"\n    and {len(tried) - SHOWN_TRIED} more" if len(tried) > SHOWN_TRIED else ""
    return InputError(
        f"{address}: no feed found. Tried:\n    {shown}{more}",
        hint="Look for a link that says RSS on the site, and give its address.",
    )


def _reports(
    found: "Sequence[FoundFeed]",
    homepage: str | None,
    present: "Sequence[Source]",
    name: str | None,
    source_id: str | None,
) -> list[Report]:
    """Return what is new among `found`, each with the source to add."""
    from pipeline.discovery import items_per_week, latest
    from pipeline.opml import source_id as id_of
    from pipeline.sources import new_sources
    from pipeline.types import Source

    now = datetime.now(UTC)
    sources = {
        feed.url: Source(
            id=source_id or id_of(feed.url),
            name=name or feed.title or feed.url,
            url=feed.url,
            homepage=homepage,
            language=feed.language,
            items_per_week=items_per_week(feed.feed.entries, now),
        )
        for feed in found
    }
    new = {source.url: source for source in new_sources(present, sources.values())}
    return [
        Report(
            source=new[feed.url],
            found=feed.origin.value,
            format=feed.feed.format,
            items=len(feed.feed.entries),
            latest=[
                Item(entry.published.value if entry.published else entry.updated, entry.title, entry.url)
                for entry in latest(feed.feed.entries, SHOWN_ITEMS)
            ],
            issues=feed.feed.issues,
        )
        for feed in found
        if feed.url in new
    ]


def _print(reports: Sequence[Report], others: "Sequence[FoundFeed]") -> None:
    out = console()
    for report in reports:
        source = report.source
        pace = "unknown" if source.items_per_week is None else f"about {source.items_per_week:g} a week"
        out.print(Text(printable(source.name), style="bold"), soft_wrap=True)
        facts = (
            ("address", f"{source.url} ({report.found})"),
            ("format", f"{report.format}, language {source.language or 'unknown'}"),
            ("items", f"{report.items} now, {pace}"),
            ("id", source.id),
        )
        for label, value in facts:
            out.print(Text.assemble((f"  {label:8}", "dim"), printable(value)), soft_wrap=True)
        for issue in report.issues:
            out.print(Text.assemble(("  issue   ", "yellow"), printable(issue)), soft_wrap=True)
        rows = [(item.published, shorten(printable(item.title), TITLE_WIDTH)) for item in report.latest]
        if rows:
            out.print(table(None, ("published", "title"), rows, published="dim"))
        out.print()
    for feed in others:
        out.print(Text(f"also found: {printable(feed.url)}  {printable(feed.title)}", style="dim"), soft_wrap=True)


def _asked(count: int, path: Path) -> bool:
    return typer.confirm(f"Add {'this feed' if count == 1 else f'these {count} feeds'} to {path}?", default=True)


def _write(path: Path, text: str, sources: "Sequence[Source]") -> None:
    """Add `sources` behind what stands in the file, which stays as it is."""
    from pipeline.sources import parse_sources, render_sources

    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    added = gap + render_sources(sources)
    # What is written must load again: the list is the user's, and a run must not find it broken.
    parse_sources(text + added, name=str(path))
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(added)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}") from None

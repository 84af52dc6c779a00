"""What a person asks a backfill for, checked: ids of sources, days and addresses, as typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flows.backfill import Wanted
from pipeline.archive_pages import Span
from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.sources import load_sources
from pipeline.types import Source
from pipeline.urls import absolute_url


@dataclass(frozen=True, slots=True)
class BackfillOrder:
    """A backfill as typed: sources by their ids, the last day left out where it is today."""

    sources: Sequence[str]
    since: date
    until: date | None = None
    sitemaps: Sequence[str] = ()
    max_pages: int = 1000
    undated: bool = False
    again: bool = False

    def wanted(self) -> Wanted:
        """What to bring back. Raises InputError where the days or an address can't be used."""
        if self.max_pages < 1:
            raise InputError(f"at most {self.max_pages} pages are none")
        return Wanted(
            span=span_of(self.since, self.until),
            undated=self.undated,
            sitemaps=addresses(self.sitemaps),
            max_pages=self.max_pages,
            again=self.again,
        )


def chosen_sources(settings: Settings, ids: Sequence[str]) -> tuple[list[Source], list[Source]]:
    """The sources that are polled, and those to go back for; a source that is switched off can be among the latter.

    Raises InputError where there is no source list, or no such source in it.
    """
    if not ids:
        raise InputError("no source is named", hint="`clampdown sources list` shows all")
    known = {source.id: source for source in listed_sources(settings)}
    for name in ids:
        if name not in known:
            raise InputError(f"{name}: no such source in {settings.sources}", hint="`clampdown sources list` shows all")
    chosen = [known[name] for name in dict.fromkeys(ids)]
    return [source for source in known.values() if source.enabled or source in chosen], chosen


def listed_sources(settings: Settings) -> tuple[Source, ...]:
    """The source list. Raises InputError where there is none, SourceListError where it can't be used."""
    if not settings.sources.exists():
        raise InputError(f"{settings.sources}: no source list", hint="`clampdown init` writes one")
    return load_sources(settings.sources)


def span_of(since: date, until: date | None) -> Span:
    """The days from the first to the last, which is today unless given. Raises InputError where there are none."""
    today = datetime.now(UTC).date()
    last = until or today
    if since > last:
        raise InputError(f"--since {since} lies after {'--until' if until else 'today,'} {last}")
    if last > today + timedelta(days=1):
        raise InputError(f"--until {last} lies in the future")
    return Span(since, last)


def addresses(urls: Sequence[str]) -> tuple[str, ...]:
    """Sitemaps as whole addresses. Raises InputError for what is none."""
    found = []
    for url in urls:
        whole = absolute_url(url)
        if whole is None:
            raise InputError(f"--sitemap {url}: no http or https address")
        found.append(whole)
    return tuple(found)

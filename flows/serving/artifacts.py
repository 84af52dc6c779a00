"""What an operator sees of a run: a few words, a page in Markdown, and tables. `showing` puts it into Prefect.

What publishers wrote is escaped: Prefect renders pages, and the cells of tables too, as Markdown.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flows.digest_report import DigestReport
from flows.house import PUBLISHED_NAME
from flows.maintain import FAILED, Step
from flows.serving.duties import BroughtBack, Ingested, ReadAgain
from pipeline.settings import Settings
from pipeline.site_state import SiteState, SlowSource
from reports import inert
from reports.digest import Item, News
from reports.event_words import sentence
from reports.inert import host, line
from reports.locales import count, day
from warehouse.news import country_names
from warehouse.query import connect_snapshot
from warehouse.run_events import NewEvent, new_events
from warehouse.snapshot import Snapshot

log = logging.getLogger(__name__)

LISTED: Final = 50
"""Events that a page lists; all of them are in the snapshot."""

NAMED: Final = 20
"""Sources that a page names, and problems."""

TITLE_WIDTH: Final = 120
SLOW: Final = 3600.0
"""Seconds from publication to being seen, in the middle, from which on a source counts as slow."""

WORD_JOINER: Final = "\u2060"

Row = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Shown:
    """A run as an operator sees it: in a few words (for names and states), as a page, and as tables by name."""

    words: str
    page: str
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)


def of_ingest(settings: Settings, done: Ingested) -> Shown:
    """New events with links, what became of feeds and articles, and which sources are slow or bring nothing."""
    found, countries = news_of(settings, done.summary.run_id) if done.summary.new_events else ([], {})
    return ingest_page(done, found, countries)


def ingest_page(done: Ingested, found: Sequence[NewEvent], countries: Mapping[str, str]) -> Shown:
    """The same, given the new events and the names of countries by code."""
    state, summary = done.state, done.summary
    articles = sum(summary.outcomes.values())
    is_quiet = not summary.new_events and not articles
    words = _joined(
        "nothing new" if is_quiet else count(summary.new_events, "new event", "new events"),
        "" if is_quiet else count(articles, "article", "articles"),
        count(len(state.trouble), "source in trouble", "sources in trouble") if state.trouble else "",
    )
    parts = [f"**{words}**"]
    if found:
        parts.append("### New events")
        parts.extend(_told(one, countries) for one in found)
        if summary.new_events > len(found):
            parts.append(f"… and {summary.new_events - len(found)} more: `clampdown events`")
    parts.append("### What came of it")
    parts.append(
        _facts(
            {
                "Feeds": _counts(summary.feeds) or "none was due",
                "Entries discovered": f"{summary.discovered:,}",
                "Articles": _counts(summary.outcomes) or "nothing new",
                "Asked again": _counts(summary.revisits),
                "Waiting": _waiting(summary.pending, summary.retrying),
                "In all": f"{state.events:,} events from {state.articles:,} articles",
                "Published": _published(done.snapshot),
                "Model": markdown(state.model),
            }
        )
    )
    parts.extend(_sources(state))
    tables: dict[str, Sequence[Row]] = {
        "events": [_event_row(one, countries) for one in found],
        "outcomes": [
            {"what": what, "ended": name.replace("_", " "), "number": number}
            for what, counts in (("feed", summary.feeds), ("article", summary.outcomes), ("revisit", summary.revisits))
            for name, number in counts.items()
        ],
        "sources": _source_rows(state),
    }
    return Shown(words, "\n\n".join(parts), tables)


def of_publish(snapshot: Snapshot) -> Shown:
    """What is published now."""
    rows: list[Row] = [{"table": name, "rows": number} for name, number in snapshot.counts.items()]
    words = "published" if snapshot.changed else "nothing has changed since the last time"
    return Shown(words, f"**{words}**\n\n{_facts({'Published': _published(snapshot)})}", {"tables": rows})


def of_digests(done: Sequence[DigestReport]) -> Shown:
    """Which digests were made, and what the page of the only one says."""
    if len(done) == 1:
        return _of_digest(done[0])
    made = [one for one in done if one.state == "made"]
    words = _joined(
        f"{len(made)} of {count(len(done), 'digest', 'digests')} made",
        count(sum(one.mails for one in done), "mail", "mails"),
    )
    rows: list[Row] = [
        {
            "subscription": one.subscription,
            "state": one.state.value,
            "day": one.day.isoformat(),
            "says": markdown(line(one.subject or one.error, TITLE_WIDTH)),
            "mails": one.mails,
        }
        for one in sorted(done, key=lambda one: one.state != "made")
    ]
    columns = ("subscription", "state", "day", "says", "mails")
    return Shown(words, f"**{words}**\n\n{_table(columns, rows[:LISTED])}", {"digests": rows})


def _of_digest(done: DigestReport) -> Shown:
    if not done.files:
        due = "" if done.next_at is None else f" The next one is due at {done.next_at:%Y-%m-%d %H:%M} UTC."
        return Shown("none is due yet", f"No digest is due.{due}")
    made = "made" if done.state == "made" else "was made already"
    words = f"no. {done.number} of {done.day} {made}: {line(done.subject, TITLE_WIDTH)}"
    page = next((path for path in done.files if path.suffix == ".md"), None)
    try:
        text = words if page is None else page.read_text(encoding="utf-8")
    except OSError as error:
        log.warning("the page of the digest can't be shown: %s", error)
        text = markdown(words)
    return Shown(words, text)


def of_maintain(steps: Sequence[Step], state: SiteState | None) -> Shown:
    """How each step ended, also where one of them failed; then there is no `state`."""
    rows: list[Row] = [
        {"step": step.name, "ended": step.status, "what": markdown(step.words), "seconds": round(step.seconds, 1)}
        for step in steps
    ]
    failed = [step.name for step in steps if step.status == FAILED]
    words = _joined(count(len(steps), "step", "steps"), f"failed: {', '.join(failed)}" if failed else "none failed")
    parts = [f"**{words}**", _table(("step", "ended", "what", "seconds"), rows)]
    if state is not None:
        parts.extend(_sources(state))
    return Shown(words, "\n\n".join(parts), {"steps": rows})


def of_reextract(done: ReadAgain) -> Shown:
    """What reading again went through and changed."""
    events = sum(done.events.values())
    words = _joined(
        count(done.articles, "article read again", "articles read again"),
        count(events, "event differs", "events differ"),
    )
    facts = {
        "Model": markdown(done.model),
        "Articles": f"{done.articles:,} read again, in {count(done.stretches, 'stretch', 'stretches')}",
        "Left as they were": _joined(
            f"{done.failed:,} could not be read" if done.failed else "",
            f"{done.parted:,} lack an earlier text" if done.parted else "",
        ),
        "Mentions": _counts(done.mentions) or "no difference",
        "Events": _counts(done.events) or "no difference",
        "Decisions about no mention any more": ", ".join(markdown(one) for one in done.lost[:NAMED]),
    }
    rows: list[Row] = [
        {"what": what, "became": sort, "number": number}
        for what, counts in (("mention", done.mentions), ("event", done.events))
        for sort, number in sorted(counts.items())
    ]
    return Shown(words, f"**{words}**\n\n{_facts(facts)}", {"differences": rows})


def of_backfill(done: BroughtBack) -> Shown:
    """What each source's pages held, what became of it, and what is left."""
    words = _joined(
        count(done.discovered, "entry found", "entries found"),
        count(done.new_events, "new event", "new events"),
        f"{done.waiting:,} pages left" if done.waiting else "",
    )
    rows: list[Row] = [
        {
            "source": markdown(one.source_id),
            "pages": sum(one.pages.values()),
            "entries": one.entries,
            "new": one.new_entries,
            "left out undated": one.undated,
            "pages left": one.waiting,
        }
        for one in done.sources
    ]
    facts = {
        "Pages": f"{done.pages:,} read, in {count(done.stretches, 'stretch', 'stretches')}",
        "Articles": _counts(done.outcomes) or "nothing new",
        "Left": f"{done.waiting:,} pages: run it again to go on there" if done.waiting else "",
    }
    parts = [f"**{words}**", _facts(facts), _table(("source", "pages", "entries", "new"), rows)]
    if problems := done.problems:
        parts.append("### Pages that could not be had")
        parts.append("\n".join(f"- {markdown(problem)}" for problem in problems[:NAMED]))
        if len(problems) > NAMED:
            parts.append(f"… and {len(problems) - NAMED} more")
    return Shown(words, "\n\n".join(parts), {"sources": rows})


def news_of(settings: Settings, run_id: str) -> tuple[list[NewEvent], dict[str, str]]:
    """The events that are new, and the names of countries. A snapshot that can't be read costs a run its list."""
    try:
        limit = settings.warehouse.memory_limit or None
        with connect_snapshot(settings.data_dir / PUBLISHED_NAME, memory_limit=limit) as reader:
            return new_events(reader, run_id, LISTED), country_names(reader)
    except Exception as error:
        log.warning("the new events can't be listed: %s", error)
        return [], {}


def markdown(text: str) -> str:
    """`text` as `reports.inert` makes it, and with addresses that Prefect makes no links of.

    Its newer pages do so whatever is escaped. A word joiner is not to be seen, and is no part of an address.
    """
    return re.sub(r"\\(://|@)|\b(www)\\\.", _joined_up, inert.markdown(text))


def link(words: str, url: str) -> str:
    """A link to an http(s) address; only the words where the address is none."""
    address = inert.web_address(url)
    return markdown(words) if address is None else f"[{markdown(words)}](<{address}>)"


def _joined_up(found: re.Match[str]) -> str:
    if found[2]:
        return f"{found[2]}{WORD_JOINER}\\."
    return f":{WORD_JOINER}//" if found[1] == "://" else f"{WORD_JOINER}@"


def _told(one: NewEvent, countries: Mapping[str, str]) -> str:
    """An event as a paragraph with its quote."""
    event, telling = one.event, one.telling
    when = "undated" if event.date_value is None else day(event.date_value)
    about = f"{markdown(when)}, {event.status.value.replace('_', ' ')}, score {event.score:.2f}"
    lines = [f"**{markdown(_sentence(one, countries))}** – {about} · {markdown(event.id)}"]
    if telling is not None:
        source = markdown(telling.source or "unknown source")
        lines.append(f"> “{markdown(telling.quote.text)}”  ")
        lines.append(
            f"> {link(line(telling.title, TITLE_WIDTH) or telling.url, telling.url)} – {source}{_at(telling.url)}"
        )
    return "\n".join(lines)


def _event_row(one: NewEvent, countries: Mapping[str, str]) -> Row:
    event, telling = one.event, one.telling
    return {
        "event": markdown(_sentence(one, countries)),
        "action": event.action.value,
        "status": event.status.value.replace("_", " "),
        "service": markdown(event.service),
        "country": event.country,
        "date": event.date_value or "",
        "score": round(event.score, 2),
        "quote": "" if telling is None else markdown(telling.quote.text),
        "article": "" if telling is None else link(line(telling.title, TITLE_WIDTH) or telling.url, telling.url),
        "source": "" if telling is None else markdown(telling.source or "") + _at(telling.url),
        "id": event.id,
    }


def _sentence(one: NewEvent, countries: Mapping[str, str]) -> str:
    return sentence(Item(News.NEW, one.event, None, countries.get(one.event.country, one.event.country)))


def _at(url: str) -> str:
    """The host that a link leads to, which its words may belie."""
    name = host(url)
    return f" ({markdown(name)})" if name else ""


def _sources(state: SiteState) -> list[str]:
    """Which sources are in trouble, and which are slow."""
    parts = []
    if state.trouble:
        parts.append("### Sources in trouble")
        parts.append("\n".join(f"- {_trouble(one.name, one.state, one.error)}" for one in state.trouble[:NAMED]))
        if len(state.trouble) > NAMED:
            parts.append(f"… and {len(state.trouble) - NAMED} more: `clampdown sources check`")
    if slow := _slow(state):
        parts.append("### Slow sources")
        parts.append("From an item's publication to its being seen here, in the middle:")
        parts.append("\n".join(f"- {markdown(one.name)}: {_span(one.lag_seconds)}" for one in slow))
    return parts


def _slow(state: SiteState) -> list[SlowSource]:
    return [one for one in state.slowest if one.lag_seconds >= SLOW]


def _trouble(name: str, state: str, error: str | None) -> str:
    told = f"{markdown(name)}: {state}"
    return told if error is None else f"{told} – {markdown(line(error, TITLE_WIDTH))}"


def _source_rows(state: SiteState) -> list[Row]:
    troubled: list[Row] = [
        {
            "source": markdown(one.name),
            "state": one.state,
            "since": "ever" if one.since is None else f"{one.since:%Y-%m-%d %H:%M} UTC",
            "error": markdown(line(one.error or "", TITLE_WIDTH)),
            "lag": "",
        }
        for one in state.trouble
    ]
    slow: list[Row] = [
        {"source": markdown(one.name), "state": "slow", "since": "", "error": "", "lag": _span(one.lag_seconds)}
        for one in _slow(state)
    ]
    return troubled + slow


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 60 / 24:.0f} days"


def _waiting(pending: int, retrying: int) -> str:
    return _joined(
        f"{pending:,} for their first try" if pending else "", f"{retrying:,} for another try" if retrying else ""
    )


def _published(snapshot: Snapshot) -> str:
    state = "" if snapshot.changed else ", and nothing has changed since"
    return f"{snapshot.published_at:%Y-%m-%d %H:%M} UTC{state}"


def _counts(counts: Mapping[Any, int]) -> str:
    by_number = sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))
    return ", ".join(f"{number:,} {str(name).replace('_', ' ')}" for name, number in by_number)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _facts(facts: Mapping[str, str]) -> str:
    """Names and values as a table; what is empty is left out."""
    lines = [f"| {name} | {value} |" for name, value in facts.items() if value]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def _table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Rows, whose cells are Markdown, as a table."""
    head = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return "\n".join([*head, *(f"| {' | '.join(str(row[name]) for name in columns)} |" for row in rows)])

"""The health page: how sources fare, what was read of which month, what became of it, and how often the model errs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pipeline.measured import AtCut, Measured, Share, VoicesMeasured
from reports.dashboard import links, specs
from reports.dashboard.figures import Figure, cells
from reports.dashboard.frames import following
from reports.dashboard.paging import Tab, pager
from reports.dashboard.snapshots import Held
from reports.dashboard.visit import Rendered, Visit
from reports.inert import line
from reports.locales import count, day, number
from warehouse.dashboard import health
from warehouse.dashboard.health import MonthRow, RunRow, SourceRow

SOURCES: Final = 25
RUNS: Final = 12

STATES: Final[Mapping[str, str]] = {
    "ok": "answer",
    "failing": "fail",
    "silent": "have fallen silent",
    "gone": "are gone",
    "never_polled": "were never asked",
}
_STATE: Final[Mapping[str, str]] = {
    "ok": "answers",
    "failing": "fails",
    "silent": "silent",
    "gone": "gone",
    "never_polled": "never asked",
}
_OUTCOMES: Final[Mapping[str, str]] = {
    "events": "states restriction events",
    "no_event": "read, and states none",
    "gated": "names no service with a measure: not read by the model",
    "same_story": "the same text as another article",
    "same_article": "an article that was there already",
    "other_language": "in another language than English",
    "pending": "waits to be read",
    "no_text": "no text could be found in the page",
    "unsupported_type": "no page of text",
    "not_found": "the page is not there",
    "http_error": "the server refused or failed",
    "timeout": "the server took too long",
    "network_error": "the server could not be reached",
    "robots": "the publisher does not want it fetched",
    "refused": "an address that is not fetched from",
    "too_large": "too large",
    "quarantined": "could not be processed",
}
_RATES: Final = (
    ("strict_precision", "Reported events that are right in action, actor and service"),
    ("strict_recall", "Stated events that it finds so"),
    ("lenient_precision", "Reported events that are right in country, service and side"),
    ("lenient_recall", "Stated events that it finds so"),
    ("status", "Of those that are right: status"),
    ("country", "Country"),
    ("date_value", "Date, where one is stated"),
    ("scope", "For whom"),
    ("reason_classes_f1", "Reasons (F1)"),
    ("full_record", "Every field"),
)
_TEXTS: Final = {"real dev": "News passages", "own test": "Unusual wordings"}


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as the list has it; `trouble` is what is wrong with it, in words."""

    name: str
    id: str
    state: str
    said: str
    trouble: str
    last_answer: str
    last_item: str
    lag: str
    items: str
    expected: str


@dataclass(frozen=True, slots=True)
class Bar:
    """How many entries ended so, in words, and their share of all in per cent."""

    words: str
    number: int
    share: float
    is_failure: bool


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as the list has it."""

    began: str
    machine: str
    took: str
    mode: str
    status: str
    is_finished: bool
    polls: str
    row: RunRow


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of the model on each set of texts, in per cent with its interval; None where it was not measured."""

    words: str
    shares: tuple[Share | None, ...]


def page(visit: Visit) -> Rendered:
    """The page."""
    data = visit.data
    state = visit.one("state")
    state = state if state in STATES else None
    counted = {str(name): int(found) for name, found, _ in data.ask(health.counts()).rows}
    total = sum(counted.values())
    part = pager(visit, total if state is None else counted.get(state, 0), SOURCES)
    sources_sql = health.sources(state, part.offset, part.size)
    months = [MonthRow(*row) for row in data.ask(health.months()).rows]
    values = {
        "lead": _lead(data, counted, visit.zone),
        "tabs": _tabs(counted, state),
        "sources": [_source(SourceRow(*row), visit.zone) for row in data.ask(sources_sql).rows],
        "sources_sql": sources_sql,
        "pager": part if total > SOURCES else None,
        "coverage": _coverage(months),
        "outcomes": _outcomes(data),
        "outcomes_sql": health.outcomes(),
        "runs": [_run(RunRow(*row), visit.zone) for row in data.ask(health.runs(RUNS)).rows],
        "runs_sql": health.runs(RUNS),
        "models": [
            (line(model), runs, _at(since, visit.zone), _at(until, visit.zone))
            for model, runs, since, until in data.ask(health.models()).rows
        ],
        **_measured(visit.measured, data.model),
    }
    return Rendered("health.html.j2", values, "Health")


def _lead(data: Held, counted: Mapping[str, int], zone: ZoneInfo) -> str:
    total = sum(counted.values())
    if not total:
        return "No source is listed. `clampdown sources add` takes one on."
    told = [f"{number(counted[state])} {words}" for state, words in STATES.items() if counted.get(state)]
    median, slow = data.ask(health.lag()).rows[0]
    seen = ""
    if median is not None:
        seen = f" Half of them bring an item within {span(median)} of its publication"
        seen += f", nine in ten within {span(slow)}." if slow > 1.5 * max(median, 1) else "."
    published = data.published_at.astimezone(zone)
    return (
        f"Of {count(total, 'source', 'sources')}, {_listed(told)}.{seen} "
        f"The data were published on {day(published.date())} at {published:%H:%M}."
    )


def _listed(told: Sequence[str]) -> str:
    return f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else "".join(told)


def _tabs(counted: Mapping[str, int], state: str | None) -> list[Tab]:
    tabs = [Tab("All", sum(counted.values()), links.health(), state is None)]
    for name in health.STATES:
        if counted.get(name) or name == state:
            address = f"{links.health()}?{urlencode({'state': name})}"
            tabs.append(Tab(_STATE[name].capitalize(), counted.get(name, 0), address, name == state))
    return tabs


def _source(row: SourceRow, zone: ZoneInfo) -> SourceLine:
    trouble = ""
    if row.state == "failing":
        times = f", {row.failures} times in a row" if row.failures > 1 else ""
        trouble = f"{line(row.error or 'it could not be read', 200)}{times}"
    elif row.state == "silent":
        trouble = f"nothing new since {_at(row.silent_since, zone)}: longer than chance explains"
    elif row.state == "gone":
        trouble = "its server says that it is gone for good: it is asked no more"
    elif row.state == "never_polled":
        trouble = "no run has asked it yet"
    if row.moved_to:
        trouble = "; ".join(part for part in (trouble, f"has moved to {line(row.moved_to, 120)}") if part)
    return SourceLine(
        line(row.name),
        line(row.source_id),
        row.state,
        _STATE[row.state],
        trouble,
        _at(row.last_answer_at, zone),
        _at(row.last_item_at, zone),
        "–" if row.lag_seconds is None else span(row.lag_seconds),
        "–" if row.items_per_week is None else f"{row.items_per_week:,.1f}",
        "–" if row.expected_per_week is None else f"{row.expected_per_week:,.1f}",
    )


def _coverage(months: Sequence[MonthRow]) -> Figure | None:
    """The articles read of each month's news, on a ground that is shaded where they are too few to tell a calm by."""
    last = max((place for place, one in enumerate(months) if one.articles), default=None)
    if last is None:
        return None
    shown, since = months[: last + 1], len(months) - last - 1
    bars = [
        specs.Bar(
            one.month, "articles", one.articles, f"{day(f'{one.month:%Y-%m}')}: {_read(one)}, {one.sources} sources"
        )
        for one in shown
        if one.articles
    ]
    frame = (shown[0].month, following(shown[-1].month, "month"))
    shades = [specs.Shade(one.month, following(one.month, "month"), one.coverage) for one in shown]
    weak = [one for one in shown if one.coverage != "ok"]
    return Figure(
        "coverage",
        "Articles read, by the month of their publication",
        f"{number(sum(one.articles for one in shown))} articles over {count(len(shown), 'month', 'months')}. "
        + (f"In {number(len(weak))} of them too little was read to take a calm for one." if weak else "None is thin."),
        specs.bars_panel(bars, frame, max(one.articles for one in shown), every="month", shades=shades, height=_HEIGHT),
        ("Month", "Articles", "To be expected", "Read, per cent", "Sources", "Silent sources", "Coverage"),
        cells(
            (
                day(f"{one.month:%Y-%m}"),
                one.articles,
                None if one.expected is None else round(one.expected),
                None if one.read_share is None else round(100 * one.read_share),
                one.sources,
                one.silent_sources,
                one.coverage,
            )
            for one in reversed(months)
        ),
        health.months(),
        _HEIGHT,
        "The ground is shaded where coverage is none, gaps or thin. What is to be expected goes by each source’s pace."
        + (f" Nothing was read of the {number(since)} months since." if since > 1 else ""),
    )


_HEIGHT: Final = 160


def _read(one: MonthRow) -> str:
    if one.expected is None:
        return f"{number(one.articles)} articles"
    return f"{number(one.articles)} articles of {number(round(one.expected))} to be expected"


def _outcomes(data: Held) -> list[Bar]:
    fine = {"events", "no_event", "pending", *health.ASIDE}
    return [
        Bar(_OUTCOMES.get(outcome, str(outcome).replace("_", " ")), entries, share, outcome not in fine)
        for outcome, entries, share, _ in data.ask(health.outcomes()).rows
    ]


def _run(row: RunRow, zone: ZoneInfo) -> RunLine:
    began = row.started_at.replace(tzinfo=UTC).astimezone(zone)
    took = "" if row.finished_at is None else span((row.finished_at - row.started_at).total_seconds())
    return RunLine(
        _at(row.started_at, zone),
        began.isoformat(timespec="seconds"),
        took or "–",
        line(row.mode),
        line(row.status),
        row.status == "finished",
        f"{number(row.answered)} of {number(row.polls)}" if row.polls else "–",
        row,
    )


def _measured(measured: Measured | None, model: str) -> dict[str, object]:
    if measured is None:
        return {"measured": None, "fits": False}
    real = next(iter(measured.texts), None)
    cuts: tuple[AtCut, ...] = () if real is None else real.by_cut
    any_voices = [one for one in measured.voices if one.voices == "any"]
    lowest = min((one.cut for one in measured.voices), default=0.0)
    by_voices: list[VoicesMeasured] = [one for one in measured.voices if one.cut == lowest]
    return {
        "measured": measured,
        "fits": measured.fits(model),
        "texts": [(_TEXTS.get(one.name, one.name), one.about, one.passages) for one in measured.texts],
        "rates": [
            Rate(words, tuple(one.rates.get(name) for one in measured.texts))
            for name, words in _RATES
            if any(name in one.rates for one in measured.texts)
        ],
        "first_cut": cuts[0] if cuts else None,
        "cuts": [(one, next((each for each in any_voices if each.cut == one.cut), None)) for one in cuts],
        "by_voices": by_voices,
    }


def span(seconds: float) -> str:
    """A length of time in words, in its largest fitting unit: "15 minutes"."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    whole = round(max(seconds, 0))
    return f"{whole} {'second' if whole == 1 else 'seconds'}"


def _at(moment: datetime | None, zone: ZoneInfo) -> str:
    if moment is None:
        return "never"
    local = moment.replace(tzinfo=UTC).astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}"

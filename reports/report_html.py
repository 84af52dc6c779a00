"""A report as one HTML page that needs nothing else: charts as SVG, evidence in a table, no outside request.

It is whole without its script, which only filters the table. What others wrote is only ever text, and links lead to
http(s). The policy in its head forbids whatever is not in the page by its hash.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from lxml import etree
from markupsafe import Markup

from pipeline.types import SIDE, Side, Status, Transition
from reports import charts, digest_words, event_words
from reports.chart_data import NO_COUNTRY, Curve
from reports.digest import UNKNOWN
from reports.digest_pages import imprint, source, upper
from reports.inert import line, web_address
from reports.locales import count, day, full_day, listing, moment, number
from reports.palette import INKS, PALETTE, THEMES, dark_of, mark_of
from reports.report import Entry, Report
from reports.templating import template, unescaped
from warehouse.news import Telling

WIDE: Final = 960
NARROW: Final = 366
"""Pixels of a chart on a wide and on a narrow screen."""

_CURVE: Final = 270
_LIVES: Final = 700
_QUOTE: Final = 600
_TITLE: Final = 140
_MOST_NAMED: Final = 8
"""Countries named as those with the most restrictions."""

_NAMED: Final = 4
"""Countries named as the first to restrict a service."""

_LONGEST: Final = timedelta(days=5 * 366)
"""Lives are drawn so far back at most."""

_LEAST: Final = timedelta(days=90)
"""An axis of days is at least so long."""


@dataclass(frozen=True, slots=True)
class _Figure:
    """A chart with its heading and what is to be known of it. `narrow` is the same for narrow screens, if any."""

    heading: str
    wide: Markup
    narrow: Markup | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True)
class _Quoted:
    """Words of an article, where they stand, and the article."""

    text: str
    place: str
    title: str
    address: str | None
    imprint: str


@dataclass(frozen=True, slots=True)
class _Row:
    """An event as the table has it. `marks` are the classes of its mark, `deed` stands in it."""

    id: str
    when: str
    where: str
    marks: str
    deed: str
    state: str
    sentence: str
    facts: str
    support: str
    life: str
    quotes: tuple[_Quoted, ...]


def page(report: Report, zone: str, links: Iterable[str] = ()) -> str:
    """The report as a page, with times in that zone. `links` are elements for its head, those of `feeds.links`."""
    style, script = _style(), _script()
    return template("report.html.j2").render(
        policy=_policy(style, script),
        style=style,
        script=script,
        links=Markup("\n".join(links)),  # noqa: S704 – elements, by contract
        dateline=_dateline(report, zone),
        lead=_lead(report),
        asked="; ".join(report.asked),
        figures=_numbers(report),
        partial=report.coverage.is_partial,
        health=" ".join(digest_words.health(report.coverage, zone)) if report.coverage.sources else "",
        map=_map(report),
        curves=[_curve(curve, report) for curve in report.curves],
        lives=_lives(report),
        months=_months(report),
        rows=[_row(entry) for entry in report.entries],
        left=report.counted - len(report.entries),
        number=number,
    )


def _dateline(report: Report, zone: str) -> str:
    known = "nothing was read yet" if report.known_at is None else f"as known on {moment(report.known_at, zone)}"
    return f"{full_day(report.day)} · {known} ({zone})"


def _lead(report: Report) -> str:
    if not report.standing:
        return "No restriction is in force."
    places = sum(code not in NO_COUNTRY for code in report.in_force)
    restrictions = count(report.standing, "restriction is", "restrictions are")
    return f"{restrictions} in force in {count(places, 'country', 'countries')}."


def _numbers(report: Report) -> list[tuple[str, str]]:
    """What stands in large figures, and what it counts."""
    ended = report.restrictions - report.standing
    told = [
        (report.standing, "in force"),
        (ended, "ended"),
        (report.services, "service restricted" if report.services == 1 else "services restricted"),
        (report.counted - report.restrictions, "other events: proposals, warnings, inquiries, lifts"),
    ]
    return [(number(value), label) for value, label in told]


def _map(report: Report) -> _Figure | None:
    if not report.in_force:
        return None
    most = [(code, some) for code, some in report.in_force.items() if code not in NO_COUNTRY]
    named = ", ".join(f"{_named(code, report)} {number(some)}" for code, some in most[:_MOST_NAMED])
    made = [charts.spread_map(report.in_force, report.new, names=report.names, width=width) for width in (WIDE, NARROW)]
    wide, narrow = (_drawn(charts.svg(one), f"Map of the world: {named}") for one in made)
    return _Figure("In force, by country", wide, narrow, f"Most: {named}." if named else "")


def _span(report: Report) -> tuple[date, date]:
    """From the first day on a curve to the day of the report."""
    first = min((curve.perhaps[0][0] for curve in report.curves if curve.perhaps), default=report.day)
    return min(first, report.day - _LEAST), report.day


def _named(code: str, report: Report) -> str:
    return line(report.names.get(code, code))


def _curve(curve: Curve, report: Report) -> _Figure:
    first = [_named(code, report) for code in curve.first]
    said = []
    if first:
        verb = "First" if len(first) == 1 else "First, or perhaps"
        said.append(f"{verb}: {listing(first[:_NAMED], max(len(first) - _NAMED, 0))}.")
    if curve.undated:
        said.append(f"{count(curve.undated, 'country', 'countries')} more without a date.")
    service = line(curve.service)
    drawn = charts.svg(charts.spread_curve(curve, _span(report), width=_CURVE))
    return _Figure(service, _drawn(drawn, f"Countries that restricted {service}"), None, " ".join(said))


def _lives(report: Report) -> _Figure | None:
    if not report.lives:
        return None
    start = max(min(life.known for life in report.lives), report.day - _LONGEST)
    span = min(start, report.day - _LEAST), report.day
    shown = [life for life in report.lives if life.until is None or life.until >= span[0]]
    return _Figure(
        "Lives of measures", _drawn(charts.svg(charts.timeline(shown, span, width=_LIVES)), "Timeline of measures")
    )


def _months(report: Report) -> _Figure | None:
    if not report.months:
        return None
    # The last bar stands for a whole month.
    span = (
        min(report.months[0][0], report.day - _LEAST),
        (report.day.replace(day=1) + timedelta(days=31)).replace(day=1),
    )
    drawn = charts.svg(charts.by_action(report.months, span, width=WIDE - 40))
    return _Figure("Month by month", _drawn(drawn, "Events by month and action"))


def _drawn(svg: str, label: str) -> Markup:
    """An SVG element as a page has it: as wide as there is room, with a label, its marks told where a pointer rests."""
    root = etree.fromstring(svg, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    for element in list(root.iterdescendants()):
        if told := element.get("aria-label"):
            etree.SubElement(element, f"{{{_SVG}}}title").text = told
    etree.strip_attributes(root, *_UNUSED)
    root.set("role", "img")
    root.set("aria-label", label)
    etree.cleanup_namespaces(root)
    # An element of Vega's whose texts are escaped, and that lxml has read and written again.
    return Markup(etree.tostring(root, encoding="unicode"))  # noqa: S704 - see above


_SVG: Final = "http://www.w3.org/2000/svg"
_UNUSED: Final = ("aria-label", "aria-roledescription", "aria-hidden", "role", "class")


def _row(entry: Entry) -> _Row:
    item, event = entry.item, entry.item.event
    side = SIDE[event.action]
    is_open = event.status is not Status.IN_FORCE or event.retracted or event.dismissed
    when = event.date_value or ("" if event.first_reported is None else event.first_reported.isoformat())
    return _Row(
        event.id,
        f"{day(when)}{'' if event.date_value else ' (reported)'}" if when else "undated",
        line("not told" if event.country == UNKNOWN else item.country),
        f"{event.action.value}{' open' if is_open else ''}",
        event_words.noun(event.action),
        _state(entry) if side is not Side.EASING else "",
        line(event_words.sentence(item)),
        upper(" · ".join(map(line, event_words.facts(item)))),
        upper(", ".join([*event_words.support(item), count(event.articles, "article", "articles")])),
        " → ".join(map(_step, entry.steps)) if len(entry.steps) > 1 else "",
        tuple(map(_quoted, item.tellings)),
    )


def _state(entry: Entry) -> str:
    event = entry.item.event
    if event.retracted:
        return "retracted"
    if event.dismissed:
        return "dismissed"
    if event.lifted:
        return "ended"
    return event.status.value.replace("_", " ")


def _step(step: Transition) -> str:
    name = step.kind.value.replace("_", " ")
    if step.date_value is not None:
        return f"{name} {day(step.date_value)}"
    return name if step.reported_on is None else f"{name} (reported {day(step.reported_on)})"


def _quoted(telling: Telling) -> _Quoted:
    version = "" if telling.version == 1 else f" of version {telling.version}"
    return _Quoted(
        line(telling.quote.text, _QUOTE),
        f"characters {number(telling.quote.start)} to {number(telling.quote.end)}{version} of its text",
        line(telling.title, _TITLE) or source(telling),
        web_address(telling.url),
        line(", ".join(imprint(telling))),
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _style() -> Markup:
    values: Mapping[str, Any] = {
        "inks": INKS,
        "marks": {theme: {action.value: mark_of(action, theme) for action in PALETTE[theme]} for theme in THEMES},
        "dark_of": dark_of(),
    }
    return unescaped("report.css.j2", values)


@cache
def _script() -> Markup:
    return unescaped("report.js.j2")

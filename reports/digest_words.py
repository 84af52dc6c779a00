"""The words of a digest: what it says of itself, of the week, of its sources and of what it leaves out.

Words of articles and names come out as they are: whoever makes a page of them escapes them (`reports.inert`). What is
said of a single event stands in `reports.event_words`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pipeline.site_state import Trouble
from pipeline.subscriptions import BUILT_IN, Cadence
from reports.chart_data import NO_COUNTRY
from reports.digest import UNKNOWN, Coverage, Digest, News, Part, Week
from reports.inert import line
from reports.locales import ENGLISH, count, day, listing, moment, number, short_day, the_country

PROGRAM: Final = "Clampdown"
NAMED: Final = 8
"""Sources, services and countries that are named, and not only counted."""

_ON_MAP: Final = 5
"""Countries that are named of a map."""

_PLURALS: Final[Mapping[News, tuple[str, str]]] = {
    News.NEW: ("new measure", "new measures"),
    News.IN_FORCE: ("now in force", "now in force"),
}


def headline(digest: Digest) -> str:
    """What there is, in a few words: "2 new measures, 1 lifted"; also as the subject of a mail."""
    return ", ".join([*counted(digest), *counted_apart(digest)]) or "nothing new"


def counted(digest: Digest) -> list[str]:
    """What is news of today or taken back, in numbers."""
    return _numbered(
        digest, [(*_PLURALS.get(news, (news, news)), some) for news, some in digest.findings.counts.items()]
    )


def counted_apart(digest: Digest) -> list[str]:
    """What is told apart from the news of today, in numbers."""
    others = (("learned of late", Part.LATE), ("unsure", Part.UNSURE))
    found = [(words, words, some) for words, part in others if (some := digest.findings.of_part(part))]
    return _numbered(digest, found, is_first=not digest.findings.counts)


def _numbered(digest: Digest, found: Sequence[tuple[str, str, int]], *, is_first: bool = True) -> list[str]:
    """Numbers with words for one and for many; the first of all has a noun, which holds for those after it."""
    said: list[str] = []
    for one, many, some in found:
        noun = ("measure ", "measures ") if is_first and not said and "measure" not in one else ("", "")
        said.append(count(some, noun[0] + one, noun[1] + many, digest.subscription.language))
    return said


def subject(digest: Digest) -> str:
    """The subject of a mail: nothing that anybody but the operator wrote is in it."""
    partial = " (coverage was partial)" if digest.coverage.is_partial else ""
    when = short_day(digest.day, digest.subscription.language)
    when = f"week to {when}" if digest.subscription.cadence is Cadence.WEEKLY else when
    return f"{name(digest)}, {when}: {headline(digest)}{partial}"


def name(digest: Digest) -> str:
    """What the digest is called: the built-in one as the program, others with the title of their subscription."""
    subscription = digest.subscription
    return PROGRAM if subscription.id == BUILT_IN.id else f"{PROGRAM} · {line(subscription.title or subscription.id)}"


def since(digest: Digest) -> str:
    """Since when it tells, as a phrase."""
    if digest.since is None:
        return "since watching began"
    return f"since {moment(digest.since, digest.zone, digest.subscription.language)} ({digest.zone})"


def spread(week: Week, language: str = ENGLISH) -> Iterator[str]:
    """Sentences on how restrictions have spread: how many are in force and in how many countries, and who is new."""
    total, fresh = sum(week.by_country.values()), sum(week.new_by_country.values())
    countries = sum(bool(some) for code, some in week.by_country.items() if code not in NO_COUNTRY)
    if not total:
        yield "No restriction is in force."
        return
    in_force = count(total, "restriction is", "restrictions are", language)
    begun, then = week.curve[0] if week.curve else (week.days[0], total)
    way = (
        ""
        if then == total
        else f", {'up' if then < total else 'down'} from {number(then, language) if then else 'none'}"
    )
    ago = way and f"{way} on {day(begun, language)}"
    yield f"{in_force} in force in {count(countries, 'country', 'countries', language)}{ago}."
    joined = [the_country(week.names.get(code, code)) for code in week.joined if code != UNKNOWN]
    named = listing(joined[:NAMED], len(joined) - NAMED)
    first = "" if not joined else f"; {named} {'has its' if len(joined) == 1 else 'have their'} first"
    yield f"{count(fresh, 'is', 'are', language) if fresh else 'None is'} new this week{first}."


def pictured(week: Week, language: str = ENGLISH) -> str:
    """What the picture of a week shows, for whoever does not see it: where most is in force, where it is new, since."""
    told = {code: some for code, some in week.by_country.items() if some and code != UNKNOWN}
    most = sorted(told, key=lambda code: (-told[code], code))
    named = [f"{week.names.get(code, code)} {number(told[code], language)}" for code in most[:_ON_MAP]]
    said = f"Map of restrictions in force: {listing(named, len(most) - _ON_MAP) or 'none'}."
    new_in = [code for code, some in week.new_by_country.items() if some and code != UNKNOWN]
    if fresh := [the_country(week.names.get(code, code)) for code in new_in]:
        said += f" New this week in {listing(fresh[:NAMED], len(fresh) - NAMED)}."
    if week.curve:
        ends = (f"{number(some, language)} on {day(on, language)}" for on, some in (week.curve[0], week.curve[-1]))
        said += f" Curve by week: {' to '.join(ends)}."
    return said


def health(coverage: Coverage, zone: str, language: str = ENGLISH) -> Iterator[str]:
    """Sentences on how the sources fare. `Coverage.is_partial` says whether they are to be heeded."""
    well = coverage.states.get("ok", 0)
    if not coverage.sources:
        yield "How the sources fare is not known: no run has told yet."
    elif well == coverage.sources:
        yield "The only source answered." if well == 1 else f"All {number(well, language)} sources answered."
    else:
        of_all = count(coverage.sources, "source", "sources", language)
        yield f"Coverage was partial: {number(well, language)} of {of_all} did well."
    for state, words in _STATES.items():
        some = [one for one in coverage.trouble if one.state == state]
        if found := coverage.states.get(state, 0):
            yield f"{count(found, *words, language)}{_names(some)}."
    for begin, end in coverage.gaps:
        yield f"Nothing was read from {moment(begin, zone, language)} to {moment(end, zone, language)}."


_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "failing": ("fails", "fail"),
    "gone": ("is gone for good", "are gone for good"),
    "silent": (
        "answers, but has brought nothing for longer than chance explains",
        "answer, but have brought nothing for longer than chance explains",
    ),
    "never_polled": ("was never asked", "were never asked"),
}


def _names(some: Sequence[Trouble]) -> str:
    return f": {listing([one.name for one in some[:NAMED]], len(some) - NAMED)}" if some else ""


def remainder(digest: Digest) -> Iterator[str]:
    """Sentences on what is only counted."""
    findings, language = digest.findings, digest.subscription.language
    if findings.told_again:
        again = count(findings.told_again, "known event was", "known events were", language)
        yield f"{again} told of again, with nothing new."
    if findings.regrouped:
        regrouped = count(findings.regrouped, "event was", "events were", language)
        yield f"{regrouped} put together or apart otherwise, without news."
    if digest.anew:
        yield "The warehouse was made anew since the last digest: a change may be told twice or, rarely, be left out."


def more(others: Iterable[tuple[str, int]], language: str = ENGLISH) -> str | None:
    """What else there is, by service, as a sentence; None where there is nothing."""
    listed = list(others)
    if not listed:
        return None
    named = ", ".join(f"{service} {number(some, language)}" for service, some in listed[:NAMED])
    rest = sum(some for _, some in listed[NAMED:])
    total = number(sum(some for _, some in listed), language)
    return f"{total} more: {named}" + (f", others {number(rest, language)}" if rest else "") + "."

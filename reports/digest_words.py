"""The words of a digest: an item as a sentence with what qualifies it, what a digest says of itself, dates and times.

Words of articles and names come out as they are: whoever makes a page of them escapes them (`reports.inert`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pipeline.site_state import Trouble
from pipeline.subscriptions import BUILT_IN, Cadence
from pipeline.types import Action, ReasonClass, ScopeClass, Side, Status
from reports.chart_data import NO_COUNTRY
from reports.digest import TAKEN_BACK, UNKNOWN, Coverage, Digest, Item, News, Part, Week
from reports.inert import line
from reports.locales import ENGLISH, count, day, moment, number, short_day, the_country
from warehouse.event_list import EventRow

PROGRAM: Final = "Clampdown"
NAMED: Final = 8
"""Sources, services and countries that are named, and not only counted."""

_ON_MAP: Final = 5
"""Countries that are named of a map."""


class _Deed(NamedTuple):
    past: str
    infinitive: str
    noun: str


_DEEDS: Final[Mapping[Action, _Deed]] = {
    Action.BAN: _Deed("banned", "ban", "ban on"),
    Action.BLOCK: _Deed("blocked", "block", "block on"),
    Action.SUSPEND: _Deed("suspended", "suspend", "suspension of"),
    Action.LIMIT: _Deed("limited", "limit", "limits on"),
    Action.REMOVE: _Deed("removed", "remove", "removal of"),
    Action.WARN: _Deed("warned of", "warn of", "warning of"),
    Action.INVESTIGATE: _Deed("opened an inquiry into", "open an inquiry into", "inquiry into"),
    Action.PENALIZE: _Deed("penalised", "penalise", "penalty for"),
    Action.LIFT: _Deed("freed", "free", "end of restrictions on"),
}
_PLURALS: Final[Mapping[News, tuple[str, str]]] = {
    News.NEW: ("new measure", "new measures"),
    News.IN_FORCE: ("now in force", "now in force"),
}


def sentence(item: Item) -> str:
    """What is new, as a sentence without its full stop."""
    event = item.event
    who, deed = actor(event, item.country), _DEEDS[event.action]
    ended = "ended" if event.side is Side.PRESSING else "lifted"
    match item.news:
        case News.LIFTED if event.action is not Action.LIFT:
            return f"{who} {ended} its {deed.noun} {event.service}"
        case News.STRUCK_DOWN:
            return f"A court struck down {_of(who)} {deed.noun} {event.service}"
        case News.EASED | News.WIDENED | News.EXTENDED:
            return f"{who} {item.news.value} its {deed.noun} {event.service}"
        case News.RETRACTED:
            return f"No article states any longer that {_inside(_told(event, who))}"
        case News.REINSTATED:
            return f"Articles state again that {_inside(_told(event, who))}"
        case News.DISMISSED:
            return f"A person has dismissed that {_inside(_told(event, who))}"
        case News.RESTORED:
            return f"A person has restored that {_inside(_told(event, who))}"
        case News.GONE:
            return f"As it is read today, no article states that {_inside(_told(event, who))}"
        case News.REOPENED:
            return f"The {deed.noun} {event.service} by {who} is not held to be lifted any longer"
        case _:
            return standing(event, item.country)


def _told(event: EventRow, who: str) -> str:
    """The event as it stands."""
    deed = _DEEDS[event.action]
    match event.status:
        case Status.IN_FORCE:
            return f"{who} {deed.past} {event.service}"
        case Status.ANNOUNCED:
            return f"{who} will {deed.infinitive} {event.service}"
        case Status.PROPOSED:
            return f"{who} proposed to {deed.infinitive} {event.service}"
        case Status.REJECTED:
            return f"{who} will not {deed.infinitive} {event.service}"


def standing(event: EventRow, country: str) -> str:
    """The event as it stands, as a sentence without its full stop. `country` is the name of its country."""
    return _told(event, actor(event, country))


def noun(action: Action) -> str:
    """What an action is called: "ban", "inquiry"."""
    return "lifting" if action is Action.LIFT else _DEEDS[action].noun.rpartition(" ")[0]


def actor(event: EventRow, country: str) -> str:
    """Who acts, and where, so that it can begin a sentence."""
    if event.actor is None:
        who = unnamed(event.country, country)
        return who[:1].upper() + who[1:]
    who = event.actor[:1].upper() + event.actor[1:]
    is_told = event.country == UNKNOWN or country.casefold() in who.casefold()
    return who if is_told else f"{who} ({country})"


def unnamed(code: str, country: str) -> str:
    """Who acts where no article names anybody, by the code and the name of the country."""
    return "an unnamed body" if code == UNKNOWN else f"an unnamed body in {the_country(country)}"


def _inside(words: str) -> str:
    """A sentence inside another: only what is no name begins small."""
    return words[:1].lower() + words[1:] if words.startswith("An unnamed body") else words


def _of(who: str) -> str:
    return f"{who}'" if who.endswith("s") else f"{who}'s"


def qualities(item: Item, language: str = ENGLISH) -> Iterator[str]:
    """What qualifies the sentence: what is new, when, for whom, why, how it stood before, and how well it is told."""
    yield item.news.value
    if item.age is not None:
        yield item.age.value
    yield from facts(item, language)
    if (earlier := before(item, language)) is not None:
        yield earlier
    yield from support(item, language)


def facts(item: Item, language: str = ENGLISH) -> Iterator[str]:
    """Since when, for whom, for what stated reason, and what a step changed."""
    event = item.event
    yield _when(item, language)
    if (held := _held(item, language)) is not None:
        yield held
    if (where := scope(event, item.country)) is not None:
        yield where
    if reasons := [reason(one) for one in event.reason_classes if one is not ReasonClass.OTHER]:
        yield f"stated reason{'s' * (len(reasons) > 1)}: {listing(reasons)}"
    if item.step is not None and item.step.detail:
        yield item.step.detail


def scope(event: EventRow, country: str) -> str | None:
    """For whom or where, in the words of an article, else by its class; None where neither tells."""
    kind = event.scope_class if event.scope_class is not ScopeClass.OTHER else None
    if event.scope and not _is_whole_country(event, country):
        return _scope(event.scope, kind)
    return None if kind is None else _SCOPES[kind]


def reason(kind: ReasonClass) -> str:
    """What a class of reasons is called: "a breach of law"."""
    return _REASONS.get(kind, _plain(kind))


def _is_whole_country(event: EventRow, country: str) -> bool:
    """Whether the words for the scope say no more than its class."""
    said = (event.scope or "").casefold()
    return event.scope_class is ScopeClass.NATIONWIDE and said in (ScopeClass.NATIONWIDE.value, country.casefold())


def _scope(said: str, kind: ScopeClass | None) -> str:
    """The scope in the words of an article, which begin as the sentence did from which they are taken."""
    quoted = f"“{said}”" if _BEGINS.match(said) else f"for “{said}”"
    plain = "" if kind is None else _plain(kind)
    return quoted if plain in ("", said.casefold()) else f"{quoted} ({plain})"


_BEGINS: Final = re.compile(
    r"(?i)(for|from|on|in|at|to|by|across|among|inside|nationwide|over|through|throughout|within)\b"
)

_REASONS: Final[Mapping[ReasonClass, str]] = {
    ReasonClass.LEGAL: "a breach of law",
    ReasonClass.INTELLECTUAL_PROPERTY: "rights of others",
}
"""Classes of reasons whose names say too little to readers."""

_SCOPES: Final[Mapping[ScopeClass, str]] = {
    ScopeClass.NATIONWIDE: "nationwide",
    ScopeClass.SUBNATIONAL: "in a part of the country",
    ScopeClass.GOVERNMENT_DEVICES: "on government devices",
    ScopeClass.MILITARY: "for the military",
    ScopeClass.WORKPLACE: "at work",
    ScopeClass.SCHOOLS: "in schools",
    ScopeClass.MINORS: "for minors",
    ScopeClass.APP_STORES: "in app stores",
    ScopeClass.CRITICAL_INFRASTRUCTURE: "for critical infrastructure",
    ScopeClass.EXPORTS: "for exports",
}


def _when(item: Item, language: str) -> str:
    event, step = item.event, item.step
    value = event.date_value if step is None else step.date_value
    if value is None:
        return "no date stated"
    when = day(value, language)
    if item.news in TAKEN_BACK:
        return f"dated {when}"
    lasts = event.status is Status.IN_FORCE and event.side is Side.RESTRICTING and not event.lifted
    if lasts and (step is None or item.news is News.IN_FORCE):
        return f"since {when}"
    return f"{'on' if len(value) == len('YYYY-MM-DD') else 'in'} {when}"


def _held(item: Item, language: str) -> str | None:
    """Since when a measure holds, or held, of which a later step is told."""
    value, step = item.event.date_value, item.step
    if value is None or step is None or step.date_value == value or item.news not in _HELD:
        return None
    return f"{_HELD[item.news]} since {day(value, language)}"


_HELD: Final[Mapping[News, str]] = {
    News.LIFTED: "had held",
    News.STRUCK_DOWN: "had held",
    News.EASED: "in force",
    News.WIDENED: "in force",
    News.EXTENDED: "in force",
}


def support(item: Item, language: str = ENGLISH) -> Iterator[str]:
    """How well an event is told: the independent voices, and the score."""
    voices = item.event.voices
    yield "one source" if voices == 1 else f"{number(voices, language)} independent sources"
    yield f"score {item.event.score:.2f}"


def told_by(event: EventRow) -> Iterator[str]:
    """How widely an event is told: the independent voices, and the articles."""
    yield "one source" if event.voices == 1 else f"{number(event.voices)} independent sources"
    yield count(event.articles, "article", "articles")


def before(item: Item, language: str = ENGLISH) -> str | None:
    """How it stood before, where that tells more than the sentence does."""
    was, now = item.before, item.event
    if was is None:
        return "lifted since" if now.lifted and now.action is not Action.LIFT else None
    found = [_plain(was.status)] if was.status is not now.status else []
    if was.action is not now.action:
        found.append(was.action.value)
    if not found:
        return None
    dated = was.date_value is not None and was.date_value != now.date_value
    return f"before: {', '.join(found)}" + (f" ({day(was.date_value, language)})" if dated and was.date_value else "")


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


def listing(names: Iterable[str], others: int = 0) -> str:
    """Names as a sentence lists them: "A, B and C", "A, B and 7 more"."""
    said = [*names, *([f"{others} more"] if others > 0 else [])]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _plain(value: str) -> str:
    return value.replace("_", " ")

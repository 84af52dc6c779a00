"""The words of an event and of an item: a sentence, and what qualifies it, such as when, for whom, and who told it.

Words of articles and names come out as they are: whoever makes a page of them escapes them (`reports.inert`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from pipeline.types import Action, ReasonClass, ScopeClass, Side, Status
from reports.digest import TAKEN_BACK, UNKNOWN, Item, News
from reports.locales import ENGLISH, count, day, listing, number, the_country
from warehouse.event_list import EventRow


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


def _plain(value: str) -> str:
    return value.replace("_", " ")

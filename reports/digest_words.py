"""The words of a digest: an item as a sentence with what qualifies it, what a digest says of itself, dates and times.

Words of articles and names come out as they are: whoever makes a page of them escapes them (`reports.inert`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.site_state import Trouble
from pipeline.types import Action, Side, Status
from reports.digest import UNKNOWN, Coverage, Digest, Item, News, Part
from warehouse.event_list import EventRow

NAMED: Final = 8
"""Sources and services that are named, and not only counted."""


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
            return _told(event, who)


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


def actor(event: EventRow, country: str) -> str:
    """Who acts, and where, so that it can begin a sentence."""
    if event.actor is None:
        return "An unnamed body" if event.country == UNKNOWN else f"An unnamed body in {country}"
    who = event.actor[:1].upper() + event.actor[1:]
    is_told = event.country == UNKNOWN or country.casefold() in who.casefold()
    return who if is_told else f"{who} ({country})"


def _inside(words: str) -> str:
    """A sentence inside another: only what is no name begins small."""
    return words[:1].lower() + words[1:] if words.startswith("An unnamed body") else words


def _of(who: str) -> str:
    return f"{who}'" if who.endswith("s") else f"{who}'s"


def qualities(item: Item) -> Iterator[str]:
    """What qualifies the sentence: what is new, when, for whom, why, how it stood before, and how well it is told."""
    event = item.event
    yield item.news.value
    if item.age is not None:
        yield item.age.value
    when = item.event.date_value if item.step is None else item.step.date_value
    yield "undated" if when is None else day(when)
    kind = _plain(event.scope_class) if event.scope_class else ""
    if event.scope:
        yield f"for “{event.scope}”" + (f" ({kind})" if kind and kind != "other" else "")
    elif kind:
        yield f"for {kind}"
    if event.reason_classes:
        yield f"because of {_plain(', '.join(event.reason_classes))}"
    if item.step is not None and item.step.detail:
        yield item.step.detail
    if (earlier := _earlier(item)) is not None:
        yield earlier
    yield count(event.voices, "voice", "independent voices")
    yield f"score {event.score:.2f}"


def _earlier(item: Item) -> str | None:
    """How it stood before, where that tells more than the sentence does."""
    before, now = item.before, item.event
    if before is not None and before.status is not now.status:
        return f"before: {_plain(before.status)}"
    if before is not None and before.action is not now.action:
        return f"before: {before.action.value}"
    return "lifted since" if before is None and now.lifted and now.action is not Action.LIFT else None


def headline(digest: Digest) -> str:
    """What there is, in a few words: "2 new measures, 1 lifted"; also as the subject of a mail."""
    counts = digest.findings.counts
    said = [f"{number} {_PLURALS.get(news, (news.value, news.value))[number != 1]}" for news, number in counts.items()]
    others = ((Part.LATE, "learned of late"), (Part.UNSURE, "unsure"))
    said += [f"{number} {name}" for part, name in others if (number := digest.findings.of_part(part))]
    return ", ".join(said) or "nothing new"


def subject(digest: Digest) -> str:
    """The subject of a mail: nothing that anybody else wrote is in it."""
    partial = " (coverage was partial)" if digest.coverage.is_partial else ""
    return f"Clampdown, {digest.day.day} {digest.day:%B}: {headline(digest)}{partial}"


def since(digest: Digest) -> str:
    """Since when it tells, as a phrase."""
    if digest.since is None:
        return "since watching began"
    return f"since {moment(digest.since, digest.zone)}"


def health(coverage: Coverage, zone: str) -> Iterator[str]:
    """Sentences on how the sources fare. `Coverage.is_partial` says whether they are to be heeded."""
    well = coverage.states.get("ok", 0)
    if not coverage.sources:
        yield "How the sources fare is not known: no run has told yet."
    elif well == coverage.sources:
        yield "The only source answered." if well == 1 else f"All {well} sources answered."
    else:
        yield f"Coverage was partial: {well} of {count(coverage.sources, 'source', 'sources')} did well."
    for state, words in _STATES.items():
        some = [one for one in coverage.trouble if one.state == state]
        if number := coverage.states.get(state, 0):
            yield f"{number} {words[number != 1]}{_names(some)}."
    for begin, end in coverage.gaps:
        yield f"Nothing was read from {moment(begin, zone)} to {moment(end, zone)}."


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
    if not some:
        return ""
    named = ", ".join(one.name for one in some[:NAMED])
    return f": {named}" + (f" and {len(some) - NAMED} more" if len(some) > NAMED else "")


def remainder(digest: Digest) -> Iterator[str]:
    """Sentences on what is only counted."""
    findings = digest.findings
    if findings.told_again:
        yield f"{count(findings.told_again, 'known event was', 'known events were')} told of again, with nothing new."
    if findings.regrouped:
        yield f"{count(findings.regrouped, 'event was', 'events were')} put together or apart otherwise, without news."
    if digest.anew:
        yield "The warehouse was made anew since the last digest: a change may be told twice or, rarely, be left out."


def more(others: Iterable[tuple[str, int]]) -> str | None:
    """What else there is, by service, as a sentence; None where there is nothing."""
    listed = list(others)
    if not listed:
        return None
    named = ", ".join(f"{service} {number}" for service, number in listed[:NAMED])
    rest = sum(number for _, number in listed[NAMED:])
    return f"{sum(number for _, number in listed)} more: {named}" + (f", others {rest}" if rest else "") + "."


def day(value: date | str) -> str:
    """A day, month or year: "4 February 2025", "February 2025", "2025"."""
    text = value if isinstance(value, str) else value.isoformat()
    try:
        if len(text) == len("YYYY-MM"):
            return date.fromisoformat(f"{text}-01").strftime("%B %Y")
        known = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{known.day} {known:%B %Y}"


def moment(at: datetime, zone: str) -> str:
    """A time in that zone: "Saturday 21 November, 07:00"."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B, %H:%M}"


def count(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many}"


def _plain(value: str) -> str:
    return value.replace("_", " ")

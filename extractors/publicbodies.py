"""What the registry knows of public bodies, and how a body that it doesn't hold is named after its country."""

import re
from dataclasses import dataclass
from functools import cache

from extractors import registries
from extractors.bodynames import kind_of, ministry, titled, without_person
from extractors.countries import EUROPEAN_UNION, country_names
from extractors.folding import key
from extractors.registries import Alias
from pipeline.types import ActorKind, Body

# Several bodies in common nouns, the first perhaps with the capital of a sentence's first word: no name of one body.
_SEVERAL = re.compile(
    r"(?:\w[a-z]*\s+)?(?:[a-z]+\s+)*(?:[Rr]egulators|[Ww]atchdogs|[Cc]ourts|[Aa]gencies|[Pp]rosecutors|[Mm]inistries)"
)


@dataclass(frozen=True, slots=True)
class Actor:
    """A resolved actor. `canonical` and `kind` are None where no actor is stated; `country` is XX where unknown."""

    canonical: str | None
    kind: ActorKind | None
    country: str


@cache
def bodies_named() -> dict[str, tuple[Body, ...]]:
    """Return every way to write a body, folded → the bodies that it may mean."""
    found: dict[str, tuple[Body, ...]] = {}
    for entry in registries.named_bodies():
        for name in {key(alias.text) for alias in entry.aliases}:
            found[name] = (*found.get(name, ()), entry.record)
    return found


@cache
def shy_names() -> frozenset[str]:
    """Return the folded names that mean a public body only where its country is the nearest one ("Commission")."""
    aliases = (alias for entry in registries.named_bodies() for alias in entry.aliases)
    return frozenset(key(alias.text) for alias in aliases if not alias.sought)


@cache
def seats() -> dict[str, str]:
    """Return folded capitals and leaders → country code."""
    pairs: tuple[tuple[str, Alias], ...] = (*registries.capitals(), *registries.leaders())
    return {key(alias.text): code for code, alias in pairs}


@cache
def capital_names() -> frozenset[str]:
    return frozenset(key(alias.text) for _, alias in registries.capitals())


def actor_of(body: Body) -> Actor:
    return Actor(body.name, body.kind, body.country)


def government(code: str) -> Actor:
    kind = ActorKind.INTERNATIONAL if code == EUROPEAN_UNION else ActorKind.GOVERNMENT
    return Actor(country_names().get(code, code), kind, code)


def compose(code: str, words: str) -> Actor | None:
    """Name a body of a country by its words: "Lithuania" and "defence minister X" → Lithuania Ministry of Defence."""
    place = country_names().get(code)
    if place is None:
        return None
    named = ministry(words, departments=code == "US")
    if named is not None:
        exact = bodies_named().get(key(f"{place} {named}"))
        known = exact[0] if exact is not None else _by_field(code, words, named)
        return actor_of(known) if known is not None else Actor(f"{place} {named}", ActorKind.MINISTRY, code)
    kind = kind_of(words)
    if kind in (ActorKind.OTHER, ActorKind.COMPANY, ActorKind.SCHOOL):
        return None
    if (known := _by_role(code, words, kind)) is not None:
        return actor_of(known)
    plain = without_person(words)
    if kind is ActorKind.COURT:
        plain = re.sub(r"(?i)\bjudges?\b", "court", plain)
    exact = bodies_named().get(key(f"{place} {plain}")) or _within(code, plain)
    if exact:
        return actor_of(exact[0])
    several = _SEVERAL.fullmatch(plain) is not None
    return Actor(f"{place} {f'{plain[0].lower()}{plain[1:]}' if several else titled(plain)}".strip(), kind, code)


def _within(code: str, name: str) -> tuple[Body, ...]:
    """Return the public bodies of the country that the registry knows by this bare name."""
    known = bodies_named().get(key(name), ())
    return tuple(body for body in known if body.country == code and body.kind is not ActorKind.COMPANY)


# What is asked for, what the names of bodies in that role say, and whether the first of several listed is the main one.
# A narrow role stands before a wider one, which is tried where the narrow one has nobody.
_ROLES = tuple(
    (re.compile(asked), re.compile(offered), main)
    for asked, offered, main in (
        (
            r"media|broadcast|censor",
            r"media|broadcast|audiovisual|radio and tele|television and radio|cyberspace|ofcom|agcom|roskomnadzor",
            True,
        ),
        (
            r"telecom|communications|media|internet|broadcast|censor|cyberspace",
            r"communic|telecom|media|ofcom|roskomnadzor|arcom|agcom|cyberspace",
            True,
        ),
        (
            r"competition|antitrust|anti trust|cartel|fair trade|monopol",
            r"competition|cartel|fair trade|concorrenza|monopol|consumers and markets|market regulation",
            True,
        ),
        (r"central bank|reserve bank", r"\bbank\b|reserve", True),
        (r"securities", r"securities", True),
        (r"financial|securities|markets", r"financial|securities|bafin", False),
        (r"constitutional court", r"constitutional", True),
        (r"supreme court", r"supreme", True),
        (r"top court", r"supreme|constitutional", False),
    )
)


# What ministries of one field are called: a country's only one whose name begins so is meant by any of the words.
_FIELDS = tuple(
    re.compile(rf"^(?:{field})")
    for field in (
        r"telecom\w*|(?:information and )?communications?\b|ict\b",
        r"digital",
        r"econom\w+",
        r"(?:the )?interior|home\b|internal affairs",
        r"(?:national )?defen[cs]e",
        r"educat\w+",
        r"health",
    )
)
_MINISTRY_HEAD = re.compile(r"^(?:federal )?(?:ministry|department|office) (?:of|for) (?:the )?")


def _by_field(code: str, words: str, name: str) -> Body | None:
    """Return the country's only registered ministry of the field for an informal name ("digital minister").

    `name` is what the words would make. "Ministry of …" and "… Department" are names as they stand.
    """
    if re.search(r"(?i)\b(?:ministry|department|minister|secretary) (?:of|for)\b|\bdepartment\b", words):
        return None
    field = next((field for field in _FIELDS if field.search(_MINISTRY_HEAD.sub("", key(name)))), None)
    if field is None:
        return None
    fitting = [
        body
        for body in registries.bodies()
        if body.country == code and body.kind is ActorKind.MINISTRY and field.search(_field_of(body))
    ]
    return fitting[0] if len(fitting) == 1 and fitting[0].part_of is None else None


def _field_of(body: Body) -> str:
    place = key(country_names().get(body.country, ""))
    return _MINISTRY_HEAD.sub("", key(body.name).removeprefix(place).strip())


def _by_role(code: str, words: str, kind: ActorKind) -> Body | None:
    """Return the one registered body of the country that fits a description ("Italy's privacy watchdog")."""
    of_kind = [
        body for body in registries.bodies() if body.country == code and body.kind is kind and body.part_of is None
    ]
    if kind is ActorKind.DATA_PROTECTION:
        # Where states have commissioners too, the country's own is listed first.
        return of_kind[0] if of_kind else None
    folded = key(words)
    if kind is ActorKind.LEGISLATURE:
        asked = re.search(r"parliament|congress|legislature|lawmakers|legislators", folded)
        return of_kind[0] if asked and len(of_kind) == 1 else None
    for asked_for, offered, main in _ROLES:
        if asked_for.search(folded):
            fitting = [body for body in of_kind if offered.search(key(body.name))]
            if len(fitting) == 1 or (main and fitting):
                return fitting[0]
    return None


@cache
def state_names() -> frozenset[str]:
    return frozenset(place.name for place in registries.places() if place.code is not None)

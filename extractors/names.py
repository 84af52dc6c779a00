"""When two names mean the same body or the same service (annotation guidelines, "Matching").

Names are compared as sets of words: folded, without articles and legal suffixes, with every form of a country's name
("US", "American", "of the United States") read as that country, and British and American spellings as one. Names
that the registry of bodies lists for one body are one name.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from extractors import registries
from extractors.folding import fold, key
from extractors.registries import slug
from extractors.servicenames import LEGAL, compared
from pipeline.types import ActorKind, Body

_BRACKETS = re.compile(r"\(([^()]*)\)")
_DROPPED = frozenset({"the", "a", "an", "of", "for", "and", "on", "in", "to", "at", "s", "de", "la", "le", "du", "per"})
_SPELLINGS = {
    "defense": "defence",
    "center": "centre",
    "organization": "organisation",
    "labor": "labour",
    "minister": "ministry",
    "communication": "communications",
    "telecommunication": "telecommunications",
    "telecom": "telecommunications",
    "telecoms": "telecommunications",
    "commissioners": "commissioner",
    "courts": "court",
}
# Words for whoever governs a country or a place, and for the person who does: they add no other body to its name.
_RULERS = frozenset(
    [
        "government",
        "governments",
        "authorities",
        "administration",
        "cabinet",
        "regime",
        "governor",
        "state",
        "president",
        "prime",
        "ministry",
        "premier",
        "chancellor",
        "mayor",
        "officials",
        "federal",
        "central",
        "junta",
        "govt",
        "province",
        "city",
        "council",
        "municipality",
        "king",
        "leader",
    ]
)
_HEADS = frozenset(("governor", "president", "prime", "premier", "chancellor", "mayor", "king"))
_GENERIC = _RULERS | frozenset(
    [
        "court",
        "judge",
        "regulator",
        "regulators",
        "authority",
        "agency",
        "commission",
        "commissioner",
        "police",
        "department",
        "bureau",
        "office",
        "board",
        "ministries",
        "army",
        "military",
        "parliament",
        "lawmakers",
        "senate",
        "senators",
        "congress",
        "school",
        "schools",
        "university",
        "company",
        "companies",
        "watchdog",
        "legislature",
        "high",
        "district",
        "supreme",
        "national",
        "data",
        "protection",
        "privacy",
        "committee",
    ]
)


@dataclass(frozen=True, slots=True)
class _Words:
    """A name's words without those for countries, and the countries (ISO codes) that it names."""

    words: frozenset[str]
    countries: frozenset[str]


def same_service(one: str, other: str) -> bool:
    """Whether two canonical names of services are the same, or names that the registry lists for one service."""
    return compared(one) == compared(other) or _with_countries(one) == _with_countries(other)


@lru_cache(maxsize=4096)
def _with_countries(service: str) -> tuple[str, ...]:
    """Return the compared words of a service's name, every form of a country as its code: "US chips", "American chips".

    "Chinese-made" is read as "Chinese".
    """
    tokens = compared(service).split()
    known = _country_words()
    words: list[str] = []
    while tokens:
        length = next((n for n in (3, 2, 1) if tuple(tokens[:n]) in known and n <= len(tokens)), 0)
        if length:
            words.append(known[tuple(tokens[:length])].upper())
            tokens = tokens[length + (tokens[length : length + 1] == ["made"]) :]
        else:
            words.append(tokens.pop(0))
    return tuple(words)


def same_name(one: str, other: str, *, same_country: bool) -> bool:
    """Whether two canonical names of bodies are the same; `same_country`: whether they sit in one country.

    Within one country the country's own name may be left out ("Federal Trade Commission" of the United States).
    """
    if key(one) == key(other):
        return True
    first, second = _bodies_by_key().get(key(one)), _bodies_by_key().get(key(other))
    if first is not None and second is not None:
        return first.id == second.id
    first, second = first or _body(one), second or _body(other)
    if first is not None and second is not None and first.id == second.id:
        return True
    left, right = _words(one), _words(other)
    if not left.words or left.words != right.words:
        return not left.words and not right.words and bool(left.countries) and left.countries == right.countries
    return left.countries == right.countries or (same_country and not (left.countries and right.countries))


def part_of(one: str, other: str, *, same_country: bool) -> bool:
    """Whether one of two differently named bodies is a part of the other, or the person who heads it.

    The registry says so, or all words of one name are among the other's. A bare country or place counts only against
    those who govern it ("Texas", "Governor of Texas"), and a bare noun ("court", "the ministry") against nothing.
    """
    if not same_country:
        return False
    if _registered_part(one, other) or _registered_part(other, one):
        return True
    left, right = sorted((_words(one), _words(other)), key=lambda name: (len(name.words), len(name.countries)))
    if left.countries and right.countries and left.countries != right.countries:
        return False
    extra = right.words - left.words
    if not left.words <= right.words:
        return False
    if not left.words or _is_place(left.words):
        return bool(left.words or left.countries) and _rules(extra)
    return bool(left.words - _GENERIC) or (bool(left.countries) and left.countries == right.countries)


def _rules(words: frozenset[str]) -> bool:
    """Whether what a longer name adds to a country's or place's is its government or the person who heads it."""
    if words & {"junta", "government", "regime"}:
        words -= {"military", "interim", "transitional", "acting", "ruling"}
    return words <= _RULERS or (bool(words & _HEADS) and not words & (_GENERIC - _RULERS))


@cache
def _bodies_by_key() -> dict[str, Body]:
    return {
        key(alias.text): entry.record
        for entry in reversed(registries.named_bodies())
        for alias in entry.aliases
        if len(key(alias.text)) > 1
    }


@cache
def _body_ids() -> dict[str, Body]:
    return {body.id: body for body in registries.bodies()}


@cache
def _country_words() -> dict[tuple[str, ...], str]:
    """Return folded words of every name and demonym → ISO code."""
    found = {
        tuple(key(alias.text).split()): entry.record.code
        for entry in registries.named_countries()
        for alias in entry.aliases
    }
    found |= {tuple(key(alias.text).split()): code for code, alias in registries.demonyms()}
    # Not "us" alone is read off a folded name by accident: actor names hold no pronouns.
    found[("uk",)] = "GB"
    return found


@cache
def _place_words() -> frozenset[frozenset[str]]:
    return frozenset(
        frozenset(key(alias.text).split()) - _DROPPED for entry in registries.named_places() for alias in entry.aliases
    )


def _is_place(words: frozenset[str]) -> bool:
    return words in _place_words()


def _body(name: str) -> Body | None:
    """Return the registered body of this name, or of the rest of the name within the one country that it names."""
    found = _bodies_by_key().get(key(name))
    return found if found is not None else _bodies_by_country().get(_without_country(name))


@cache
def _bodies_by_country() -> dict[tuple[str, frozenset[str]] | None, Body]:
    """Return (country, words of a name without the country) → the only body that it can mean there."""
    found: dict[tuple[str, frozenset[str]] | None, Body] = {}
    several: set[tuple[str, frozenset[str]]] = set()
    for entry in registries.named_bodies():
        for alias in entry.aliases:
            words = _words(alias.text)
            if not words.words or words.countries - {entry.record.country} or entry.record.kind is ActorKind.COMPANY:
                continue
            place = (entry.record.country, words.words)
            if found.setdefault(place, entry.record) is not entry.record:
                several.add(place)
    return {place: body for place, body in found.items() if place not in several}


def _without_country(name: str) -> tuple[str, frozenset[str]] | None:
    words = _words(name)
    return (next(iter(words.countries)), words.words) if len(words.countries) == 1 and words.words else None


def _registered_part(name: str, whole: str) -> bool:
    body = _body(name)
    wholes = {slug(whole)} | ({found.id} if (found := _body(whole)) is not None else set())
    if len(codes := _words(whole).countries) == 1 and not _words(whole).words - _RULERS:
        wholes |= {slug(country.name) for country in registries.countries() if country.code in codes}
    seen: set[str] = set()
    while body is not None and body.part_of is not None and body.part_of not in seen:
        if body.part_of in wholes:
            return True
        seen.add(body.part_of)
        body = _body_ids().get(body.part_of)
    return False


@lru_cache(maxsize=4096)
def _words(name: str) -> _Words:
    plain = _BRACKETS.sub(_bracketed_place, name)
    name = plain if plain.strip() else name
    tokens = [
        _SPELLINGS.get(token, token) for token in fold(name.replace("U.S.", "US").replace("U.K.", "UK")).text.split()
    ]
    known = _country_words()
    words: set[str] = set()
    codes: set[str] = set()
    place = 0
    while place < len(tokens):
        for length in (4, 3, 2, 1):
            code = known.get(tuple(tokens[place : place + length]))
            if code is not None and place + length <= len(tokens):
                codes.add(code)
                place += length
                break
        else:
            words.add(tokens[place])
            place += 1
    kept = words - _DROPPED - LEGAL
    return _Words(frozenset(kept or words - {"the"}) if not codes or kept else frozenset(), frozenset(codes))


def _bracketed_place(match: re.Match[str]) -> str:
    """Keep what stands in brackets where it is a country or place; an acronym of the name adds nothing to it."""
    words = tuple(key(match[1]).split())
    return match[0] if words in _country_words() or _is_place(frozenset(words)) else " "

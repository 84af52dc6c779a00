"""Who governs a state or a city that the text names, for words that don't name it: "the authorities", "City Hall"."""

import re

from extractors.bodynames import titled, without_person
from extractors.countries import UNKNOWN, country_of, place_countries
from extractors.folding import key
from extractors.gazetteer import Hit, tag
from extractors.healing import heal
from extractors.publicbodies import Actor, capital_names, government, state_names
from extractors.reading import Reading, nearest
from pipeline.types import ActorKind, Quote

_SECRETARY = re.compile(
    r"^(?:(?:principal|additional|chief|joint|special|deputy|under|home|acting)\s+)*secretary(?:\s*\([^)]*\))?,?\s+to\s+"
    r"(?:the\s+)?(?:state\s+)?gov(?:ernmen)?t\.?(?:\s+of\s+(?P<place>.+))?$",
    re.IGNORECASE,
)
_RULERS = frozenset(("authorities", "government", "administration", "police"))
_DISTRICT = re.compile(r"\bdistricts?\b", re.IGNORECASE)
_CITY = re.compile(
    r"^(?:(?:the |its )?(?:deputy )?(?:lord )?mayor(?:['’]?s office)?|city hall|town council|"
    r"city(?: government| council)?)$",
    re.IGNORECASE,
)


def secretary(reading: Reading, actor: Quote, words: str, country: str | None) -> Actor | None:
    """Resolve "Principal Secretary to the Government of Tripura": the government whose secretary it is.

    One that is not named is that of the nearest state, or else of `country`.
    """
    match = _SECRETARY.match(words)
    if match is None:
        return None
    if match["place"] is None:
        place = nearest_state(reading, actor)
        if place is not None:
            return _governed(place)
        return None if country is None else government(country)
    hits = [hit for hit in tag(match["place"]) if hit.kind in ("country", "subdivision")]
    if hits:
        return _governed(hits[0])
    name = _state_by_initials(match["place"])
    return None if name is None else Actor(name, ActorKind.SUBNATIONAL, place_countries()[name])


def of_state(reading: Reading, actor: Quote, words: str) -> Actor | None:
    """Resolve "authorities" or "police" in a text that names states, and no country by its name or its bodies.

    "The government" is the state's only where the text speaks of its districts: else it may be the country's. So may
    "the administration" of the United States.
    """
    noun = key(words)
    if noun not in _RULERS or (noun == "government" and not _DISTRICT.search(reading.text)):
        return None
    place = nearest_state(reading, actor)
    if place is None or any(country_of(hit) is not None for hit in reading.of("country", "demonym", "body")):
        return None
    if noun == "administration" and country_of(place) == "US":
        return None
    if noun == "police":
        return Actor(f"{place.canonical} Police", ActorKind.POLICE, country_of(place) or UNKNOWN)
    return _governed(place)


def of_city(reading: Reading, actor: Quote, words: str) -> Actor | None:
    """Resolve "City Hall" or "the mayor" by the city named last before it, or else first after it."""
    if not _CITY.match(without_person(words)):
        return None
    cities = [hit for hit in reading.of("country", "subdivision") if _is_city(reading, hit)]
    before = [hit for hit in cities if hit.end <= actor.start]
    chosen = before[-1:] or cities[:1]
    if not chosen:
        return None
    name = chosen[0].canonical if chosen[0].kind == "subdivision" else titled(heal(reading.words(chosen[0])))
    return Actor(name, ActorKind.SUBNATIONAL, country_of(chosen[0]) or UNKNOWN)


def nearest_state(reading: Reading, actor: Quote) -> Hit | None:
    """Return the state or province named nearest to the actor."""
    states = state_names()
    return nearest((hit for hit in reading.of("subdivision") if hit.canonical in states), actor)


def _governed(place: Hit) -> Actor:
    code = country_of(place) or UNKNOWN
    return government(code) if place.kind == "country" else Actor(place.canonical, ActorKind.SUBNATIONAL, code)


def _is_city(reading: Reading, hit: Hit) -> bool:
    """Whether a hit is a city: a capital stands for its country, and states have codes."""
    return key(reading.words(hit)) in capital_names() or (
        hit.kind == "subdivision" and hit.canonical not in state_names()
    )


def _state_by_initials(letters: str) -> str | None:
    """Return the only state with these initials around an "&" ("J&K")."""
    if not re.fullmatch(r"[A-Z] ?& ?[A-Z]", letters):
        return None
    fitting = [name for name in state_names() if re.fullmatch(rf"{letters[0]}\w+ (?:and|&) {letters[-1]}\w+", name)]
    return fitting[0] if len(fitting) == 1 else None

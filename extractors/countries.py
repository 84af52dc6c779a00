"""Which country an event belongs to: the one that the actor's words name, else the nearest that the text names."""

from collections.abc import Iterable
from functools import cache

from extractors import registries
from extractors.gazetteer import Hit
from extractors.reading import Reading, gap
from pipeline.types import ActorKind, Body, Quote

UNKNOWN = "XX"
EUROPEAN_UNION = "EU"

_KINDS = ("country", "demonym", "subdivision", "body")
# What a country's adjective says less about where an event is than its name: "Chinese" often goes with the product.
_DEMONYM = 60
_OTHER_SENTENCE = 120
_ORIGIN_COST = 250
_PROVIDER_ADJECTIVE = 250
_PROVIDER_NAME = 60
_AFTER = 40
_ORIGIN = (
    frozenset(
        (
            "ai",
            "app",
            "apps",
            "artificial",
            "car",
            "cars",
            "chatbot",
            "companies",
            "company",
            "developer",
            "drone",
            "drones",
        )
    )
    | frozenset(
        (
            "equipment",
            "firm",
            "giant",
            "made",
            "maker",
            "model",
            "owned",
            "phones",
            "product",
            "search",
            "service",
            "social",
        )
    )
    | frozenset(("start-up", "startup", "tech", "technology", "telecom", "vendor", "video"))
)


@cache
def country_names() -> dict[str, str]:
    """Return ISO code → usual English name."""
    return {country.code: country.name for country in registries.countries()}


@cache
def bodies() -> dict[str, Body]:
    """Return canonical name → body."""
    return {body.name: body for body in registries.bodies()}


@cache
def place_countries() -> dict[str, str]:
    """Return name of a subdivision or city → ISO code of its country."""
    return {place.name: place.country for place in registries.places()}


def country_of(hit: Hit) -> str | None:
    """Return the ISO code that a hit stands for; None for companies, which act in many countries, and other kinds."""
    if hit.kind in ("country", "demonym"):
        return hit.canonical
    if hit.kind == "subdivision":
        return place_countries().get(hit.canonical)
    if hit.kind == "body":
        body = bodies()[hit.canonical]
        if body.kind not in (ActorKind.COMPANY, ActorKind.APP_STORE) and body.country != UNKNOWN:
            return body.country
    return None


def nearest_country(
    reading: Reading,
    anchors: Iterable[Quote],
    service: Quote | None = None,
    provider: str | None = None,
    actor: Quote | None = None,
) -> str | None:
    """Return the country that the text names nearest to the anchors, or None if it names none.

    Adjectives weigh less than names, other sentences less than the anchors' own; where the service comes from
    (`provider`: the country of its provider) and an adjective of a company hardly count. What stands inside the quotes
    of the service and the actor does not count at all.
    """
    anchors = tuple(anchors)
    named = [
        (hit, code)
        for hit in reading.of(*_KINDS)
        if (code := country_of(hit)) is not None and not _inside(hit, service) and not _inside(hit, actor)
    ]
    if not named:
        return None

    def cost(hit: Hit, code: str) -> tuple[int, int]:
        distance = min(_distance(reading, anchor, hit) for anchor in anchors)
        if hit.kind == "demonym":
            distance += _DEMONYM + (_ORIGIN_COST if _origin(reading, hit) else 0)
        if code == provider:
            distance += _PROVIDER_ADJECTIVE if hit.kind == "demonym" else _PROVIDER_NAME
        return distance, hit.start

    return min(named, key=lambda pair: cost(*pair))[1]


def _inside(hit: Hit, quote: Quote | None) -> bool:
    return quote is not None and quote.start <= hit.start < quote.end


def _distance(reading: Reading, anchor: Quote, hit: Hit) -> int:
    start, end = reading.sentence(anchor.start)
    distance = gap(anchor.start, anchor.end, hit)
    if not start <= hit.start < end:
        distance += _OTHER_SENTENCE
    return distance + (_AFTER if hit.start >= anchor.end else 0)


def _origin(reading: Reading, hit: Hit) -> bool:
    """Whether a demonym is followed by a word for a company or product ("Chinese startup")."""
    following = reading.text[hit.end : hit.end + 40].lower().replace(",", " ").split()
    return bool(following) and following[0].strip("-’'.") in _ORIGIN

"""The registries: services, public bodies, countries and places, kept as data files beside this module.

The tables are small, readable and reviewed by hand; `revision()` identifies their content. A name that is in no table
is no error anywhere: it stays as it was written.
"""

import csv
import hashlib
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

import pycountry

from pipeline.types import ActorKind, Body, Country, Service

Record = TypeVar("Record", Service, Body, Country, "Place")

COUNTRIES_WITH_SUBDIVISIONS = ("US", "IN", "CA", "AU", "DE", "CN")
"""Countries whose ISO 3166-2 names are plain enough in English news to be taken whole."""

_TABLES = ("services.csv", "bodies.csv", "countries.csv", "places.csv", "vocabulary.toml")
_ISO_SUFFIXES = (" Sheng", " Shi", " Zhuangzu Zizhiqu", " Huizu Zizhiqu", " Uygur Zizhiqu", " Zizhiqu")


@dataclass(frozen=True, slots=True)
class Place:
    """A subdivision or city. `code` is its ISO 3166-2 code, or None where it has none."""

    name: str
    country: str
    code: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """One way to write a name.

    `cased`: its capitals must be capitals in the text. `context`: unless empty, one of these words must stand nearby.
    `sought`: whether texts are searched for it; otherwise it only names what is known to be a service or body.
    """

    text: str
    cased: bool = False
    context: tuple[str, ...] = ()
    sought: bool = True


@dataclass(frozen=True, slots=True)
class Named(Generic[Record]):
    """A record of a registry with every way to write it, its name first."""

    record: Record
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A list of the vocabulary. `label` is an action, an actor kind or "date"; `verbs` are base forms."""

    label: str
    verbs: tuple[str, ...]
    phrases: tuple[str, ...]


def slug(name: str) -> str:
    """Return `name` in lower case ASCII with hyphens, as the tables' ids are written."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).lower()
    plain = plain.replace("+", " plus").replace("'", "")
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in plain).split())


@cache
def revision() -> str:
    """Return a hash of all tables: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in _TABLES:
        digest.update(files(__name__).joinpath(name).read_bytes())
    return digest.hexdigest()[:16]


@cache
def named_services() -> tuple[Named[Service], ...]:
    """Return every service and technology with its guarded aliases."""
    return tuple(
        Named(
            Service(
                id=row["id"],
                name=row["name"],
                aliases=_plain(row["name"], row["aliases"]),
                category=row["category"],
                provider=row["provider"] or None,
                provider_country=row["country"] or None,
                since=int(row["since"]) if row["since"] else None,
            ),
            _aliases(row["name"], row["aliases"], row["context"]),
        )
        for row in _rows("services.csv")
    )


@cache
def named_bodies() -> tuple[Named[Body], ...]:
    """Return every public body and company with its guarded aliases."""
    return tuple(
        Named(
            Body(
                id=row["id"],
                name=row["name"],
                aliases=_plain(row["name"], row["aliases"]),
                kind=ActorKind(row["kind"]),
                country=row["country"],
                part_of=row["part_of"] or None,
            ),
            _aliases(row["name"], row["aliases"]),
        )
        for row in _rows("bodies.csv")
    )


@cache
def named_countries() -> tuple[Named[Country], ...]:
    """Return every country with the guarded forms of its names. Demonyms and capitals: `demonyms`, `capitals`."""
    own = tuple(
        Named(
            Country(
                code=row["code"],
                name=row["name"],
                aliases=_plain(row["name"], row["aliases"]),
                demonyms=_plain("", row["demonyms"]),
                capital=next(iter(_plain("", row["capitals"])), None),
            ),
            _aliases(row["name"], row["aliases"]),
        )
        for row in _rows("countries.csv")
    )
    listed = {entry.record.code for entry in own}
    rest = tuple(
        Named(Country(code=country.alpha_2, name=country.name, aliases=(), demonyms=()), (Alias(country.name),))
        for country in pycountry.countries
        if country.alpha_2 not in listed
    )
    return own + rest


@cache
def demonyms() -> tuple[tuple[str, Alias], ...]:
    """Return (country code, guarded adjective or people) pairs."""
    return tuple((row["code"], alias) for row in _rows("countries.csv") for alias in _aliases("", row["demonyms"]))


@cache
def capitals() -> tuple[tuple[str, Alias], ...]:
    """Return (country code, guarded seat of government) pairs."""
    return tuple((row["code"], alias) for row in _rows("countries.csv") for alias in _aliases("", row["capitals"]))


@cache
def leaders() -> tuple[tuple[str, Alias], ...]:
    """Return (country code, guarded name of a person or administration that stands for its government) pairs."""
    return tuple((row["code"], alias) for row in _rows("countries.csv") for alias in _aliases("", row["leaders"]))


@cache
def named_places() -> tuple[Named[Place], ...]:
    """Return subdivisions and cities with their guarded aliases; a row of the table replaces ISO's of the same code."""
    own = tuple(
        Named(
            Place(row["name"], row["country"], row["code"] or None, _plain(row["name"], row["aliases"])),
            _aliases(row["name"], row["aliases"], row["context"]),
        )
        for row in _rows("places.csv")
    )
    listed = {entry.record.code for entry in own} | {"CN-HK", "CN-MO", "CN-TW", "CN-BJ", "US-PR"}
    rest = []
    for subdivision in pycountry.subdivisions:
        country, code = subdivision.country_code, subdivision.code
        if country in COUNTRIES_WITH_SUBDIVISIONS and code not in listed:
            name = _english(subdivision.name, country)
            rest.append(Named(Place(name, country, code), (Alias(name),)))
    return own + tuple(rest)


@cache
def vocabulary() -> dict[str, tuple[Words, ...]]:
    """Return the word lists: "restriction" by action (or "other"), "body_noun" by actor kind, "technology", "date"."""
    table: dict[str, Any] = tomllib.loads(files(__name__).joinpath("vocabulary.toml").read_text("utf-8"))
    return {
        "restriction": tuple(
            Words(label, tuple(lists["verbs"]), tuple(lists["phrases"]))
            for label, lists in table["restriction"].items()
        ),
        "body_noun": tuple(Words(label, (), tuple(words)) for label, words in table["body_noun"].items()),
        "technology": (Words("technology", (), tuple(table["technology"]["words"])),),
        "date": (Words("date", (), tuple(table["date"]["words"])),),
    }


def services() -> tuple[Service, ...]:
    """Return the registry of services and technologies."""
    return tuple(entry.record for entry in named_services())


def bodies() -> tuple[Body, ...]:
    """Return the registry of public bodies and companies."""
    return tuple(entry.record for entry in named_bodies())


def countries() -> tuple[Country, ...]:
    """Return all ISO 3166-1 countries, the European Union (EU) and Kosovo (XK)."""
    return tuple(entry.record for entry in named_countries())


def places() -> tuple[Place, ...]:
    """Return the registry of subdivisions and cities."""
    return tuple(entry.record for entry in named_places())


def _rows(name: str) -> Iterator[dict[str, str]]:
    lines = files(__name__).joinpath(name).read_text("utf-8").splitlines()
    yield from csv.DictReader(line for line in lines if not line.startswith("#"))


def _plain(name: str, joined: str) -> tuple[str, ...]:
    texts = (alias.text for alias in _aliases(name, joined))
    return tuple(text for text in texts if text != name)


def _aliases(name: str, joined: str, context: str = "") -> tuple[Alias, ...]:
    """Read a list of aliases with its marks; the name comes first, with the mark of the alias that equals it."""
    words = tuple(word.strip() for word in context.split(";") if word.strip())
    found: dict[str, Alias] = {name: Alias(name)} if name else {}
    for mark in filter(None, (part.strip() for part in joined.split(";"))):
        text = mark.lstrip("=~-")
        found[text] = Alias(text, mark[0] in "=~", words if mark[0] == "~" else (), sought=mark[0] != "-")
    return tuple(found.values())


def _english(name: str, country: str) -> str:
    """Return ISO's romanised name as English news writes it."""
    for suffix in _ISO_SUFFIXES:
        name = name.removesuffix(suffix)
    if country == "DE":
        return name
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))

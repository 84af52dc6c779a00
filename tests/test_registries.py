"""The data files hold what they promise: enough of everything, no contradictions, valid codes."""

from collections import Counter, defaultdict
from importlib.resources import files

import pycountry
import pytest

from extractors import registries
from extractors.folding import key
from extractors.inflection import inflections, plural
from extractors.registries import Alias, Named
from pipeline.types import ActorKind, Body, Service

CODES = {country.alpha_2 for country in pycountry.countries} | {"EU", "XK"}


def test_there_are_enough_of_everything() -> None:
    bodies = registries.bodies()
    private = (ActorKind.COMPANY, ActorKind.APP_STORE, ActorKind.SCHOOL, ActorKind.OTHER)
    assert len(registries.services()) >= 750
    assert sum(body.kind not in private for body in bodies) >= 900
    assert sum(body.kind in private for body in bodies) >= 320
    assert len({body.country for body in bodies if body.kind not in private}) >= 140
    assert {country.code for country in registries.countries()} >= CODES
    assert len(registries.places()) >= 200


def test_ids_are_unique_and_names_stand_once() -> None:
    for records in (registries.services(), registries.bodies()):
        assert [count for count in Counter(record.id for record in records).values() if count > 1] == []
        assert [name for name, count in Counter(key(record.name) for record in records).items() if count > 1] == []
    codes = Counter(country.code for country in registries.countries())
    assert max(codes.values()) == 1


def test_codes_are_iso_codes() -> None:
    assert {service.provider_country for service in registries.services()} - {None} <= CODES
    assert {body.country for body in registries.bodies()} <= CODES | {"XX"}
    assert {place.country for place in registries.places()} <= CODES
    for place in registries.places():
        assert place.code is None or pycountry.subdivisions.get(code=place.code) is not None, place


def test_every_european_data_protection_authority_is_there() -> None:
    union = {"AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE"}
    union |= {"IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"}
    have = {body.country for body in registries.bodies() if body.kind is ActorKind.DATA_PROTECTION}
    assert union | {"KR", "JP", "GB", "CA", "AU", "BR"} <= have


def test_data_protection_authorities_reach_beyond_europe() -> None:
    have = {body.country for body in registries.bodies() if body.kind is ActorKind.DATA_PROTECTION}
    assert {"AR", "CN", "CO", "GH", "HK", "IL", "IN", "JM", "KE", "MX", "NG", "PE", "PH", "SG", "TH", "UY", "ZA"} - {
        "CN",  # the cyberspace administration sees to it
        "CO",  # the superintendence of industry and commerce does
    } <= have


def test_no_company_is_sought_by_a_word_of_news_text() -> None:
    """A name that is also a word, or whose owner signs many reports, counts only with capitals or not at all."""
    words = {
        "apple",
        "circle",
        "cruise",
        "ford",
        "grab",
        "meta",
        "orange",
        "paramount",
        "shell",
        "sky",
        "snap",
        "square",
    }
    words |= {"steam", "sharp", "target", "toss", "true", "valve", "visa", "vivo", "x", "three", "du", "ee", "jazz"}
    aliases = [alias for entry in registries.named_bodies() for alias in entry.aliases]
    assert [alias for alias in aliases if key(alias.text) in words and alias.sought and not alias.cased] == []
    sources = {"reuters", "associated press", "bloomberg", "agence france presse", "cnn", "al jazeera"}
    assert [alias for alias in aliases if key(alias.text) in sources and alias.sought] == []


def test_short_acronyms_need_their_capitals() -> None:
    acronyms = [
        (entry.record.name, alias.text)
        for entry in registries.named_bodies()
        for alias in entry.aliases
        if alias.sought and not alias.cased and len(alias.text) <= 4 and alias.text.isupper()
    ]
    known = {"BBC", "LG", "NTT", "POSCO", "NASA", "NATO", "BSNL", "TSMC"}
    assert [found for found in acronyms if found[1] not in known] == []


def test_what_a_body_is_part_of_is_a_body_or_a_country() -> None:
    known = {body.id for body in registries.bodies()}
    known |= {registries.slug(country.name) for country in registries.countries()}
    assert [body.id for body in registries.bodies() if body.part_of is not None and body.part_of not in known] == []


def test_no_body_is_part_of_itself() -> None:
    whole = {body.id: body.part_of for body in registries.bodies()}
    for start in whole:
        seen, place = {start}, whole[start]
        while place in whole:
            assert place not in seen, start
            seen.add(place)
            place = whole[place]


@pytest.mark.parametrize(
    "entries", [registries.named_services(), registries.named_bodies()], ids=["services", "bodies"]
)
def test_no_plain_alias_means_two_things(entries: tuple[Named[Service], ...] | tuple[Named[Body], ...]) -> None:
    """Where two records share a form, all but one of them guard it, or the country decides (bodies)."""
    meanings: dict[str, list[tuple[str, Alias]]] = defaultdict(list)
    for entry in entries:
        for alias in entry.aliases:
            meanings[key(alias.text)].append((entry.record.name, alias))
    for form, found in meanings.items():
        if len({name for name, _ in found}) > 1:
            countries = {record.country for record in registries.bodies() if record.name in {name for name, _ in found}}
            plain = [name for name, alias in found if not alias.cased]
            assert len(plain) <= 1 or len(countries) == len(found), (form, found)


def test_every_alias_can_be_found() -> None:
    for entry in (*registries.named_services(), *registries.named_bodies(), *registries.named_countries()):
        for alias in entry.aliases:
            assert key(alias.text), entry.record


def test_records_carry_aliases_without_marks() -> None:
    for record in (*registries.services(), *registries.bodies(), *registries.countries()):
        assert record.name not in record.aliases
        assert not any(alias[0] in "=~-" for alias in record.aliases)


def test_guards_are_read_from_the_marks() -> None:
    services = {entry.record.name: entry.aliases for entry in registries.named_services()}
    name = services["X"][0]
    assert (name.text, name.cased) == ("X", True)
    assert "twitter" in name.context
    assert services["TikTok"][0] == Alias("TikTok")


def test_capitals_demonyms_and_leaders_belong_to_listed_countries() -> None:
    codes = {country.code for country in registries.countries()}
    for pairs in (registries.capitals(), registries.demonyms(), registries.leaders()):
        assert {code for code, _ in pairs} <= codes
    assert ("KR", Alias("Seoul")) in registries.capitals()
    korea = next(country for country in registries.countries() if country.code == "KR")
    assert korea.name == "South Korea"
    assert korea.capital == "Seoul"
    assert "South Korean" in korea.demonyms


def test_subdivisions_of_federal_countries_have_english_names() -> None:
    names = {place.code: place.name for place in registries.places() if place.code}
    assert names["US-TX"] == "Texas"
    assert names["IN-RJ"] == "Rajasthan"
    assert names["CN-GD"] == "Guangdong"
    assert names["DE-BY"] == "Bavaria"
    assert "CN-TW" not in names


def test_the_revision_is_stable_and_short() -> None:
    assert registries.revision() == registries.revision()
    assert len(registries.revision()) == 16


def test_the_tables_are_package_data() -> None:
    folder = files(registries)
    assert {"services.csv", "bodies.csv", "countries.csv", "places.csv", "vocabulary.toml"} <= {
        item.name for item in folder.iterdir()
    }


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("block", ("block", "blocks", "blocked", "blocking")),
        ("ban*", ("ban", "bans", "banned", "banning")),
        ("restrict", ("restrict", "restricts", "restricted", "restricting")),
        ("remove", ("remove", "removes", "removed", "removing")),
        ("deny", ("deny", "denies", "denied", "denying")),
        ("delay", ("delay", "delays", "delayed", "delaying")),
        ("pass", ("pass", "passes", "passed", "passing")),
        ("banish", ("banish", "banishes", "banished", "banishing")),
    ],
)
def test_inflections(verb: str, forms: tuple[str, ...]) -> None:
    assert inflections(verb) == forms


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("drone", "drones"),
        ("battery", "batteries"),
        ("toy", "toys"),
        ("watch", "watches"),
        ("drones", None),
        ("5", None),
    ],
)
def test_plurals(noun: str, expected: str | None) -> None:
    assert plural(noun) == expected

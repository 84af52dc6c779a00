"""Who restricts: the full English name of the quoted body, what sort of body it is, and its country.

In order: a body that the registry knows; a country or place together with who governs it or with a body noun
("Lithuania's defence ministry"); a bare noun, whose body or country the text names elsewhere; else the words as they
stand. A person who acts for a government counts as the ministry, state or country that the words name.
"""

import re

from extractors import registries
from extractors.actor_case import ActorCase
from extractors.actor_words import names_nobody
from extractors.bodynames import initials, kind_of, member, ministry, titled, without_person
from extractors.countries import EUROPEAN_UNION, UNKNOWN, bodies, country_of, nearest_country
from extractors.folding import key
from extractors.gazetteer import Hit, tag
from extractors.healing import heal
from extractors.localbodies import nearest_state, of_city, of_state, secretary
from extractors.publicbodies import (
    Actor,
    actor_of,
    bodies_named,
    capital_names,
    compose,
    government,
    seats,
    shy_names,
)
from extractors.reading import Reading
from extractors.services import by_name
from pipeline.types import ActorKind, Body, Quote


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GOVERNS = _words(
    """
    government governments govt gov authorities authority administration cabinet regime officials official leaders
    president prime minister premier chancellor king emir leader state federal central the of and s interim new
    military junta coalition rulers ruling ruler's ruler national republic kingdom mr mrs ms dr administration's
    agencies ministries departments bodies decree pm government's executive council ministers in its former then
    outgoing incoming party ex first second country nation
    """
)
_PLACE_GOVERNS = _GOVERNS | _words(
    """
    governor governors gov. mayor city council county province provincial municipality municipal local gov town
    borough lawmakers commune canton municipality's city's hall region regional territory valley
    """
)
_FORCES = frozenset(("military", "s military", "military of"))
_PERSONAL = _words(
    """
    president prime minister premier chancellor king emir governor mayor gov secretary leader chief mr mrs ms
    """
)
_PUBLIC = frozenset(
    (
        ActorKind.MINISTRY,
        ActorKind.REGULATOR,
        ActorKind.DATA_PROTECTION,
        ActorKind.COURT,
        ActorKind.MILITARY,
        ActorKind.LEGISLATURE,
        ActorKind.POLICE,
    )
)
# Bodies of these kinds have names that many countries share: a text that names other countries only means another's.
_SHARED_NAMES = frozenset(
    (ActorKind.MINISTRY, ActorKind.COURT, ActorKind.MILITARY, ActorKind.LEGISLATURE, ActorKind.POLICE)
)
_GENERIC_FIRST = _words(
    """
    national federal central supreme high state public constitutional parliamentary ministry department securities
    communications communication telecommunications telecom data information competition financial consumer election
    electoral civil home education broadcasting media cyber cybersecurity internet network digital personal privacy
    general special home interior justice health foreign trade transport committee council superior district city
    administrative commercial criminal appeals court regional provincial army navy police
    """
)
_COMPANY_LIKE = frozenset((ActorKind.OTHER, ActorKind.COMPANY, ActorKind.APP_STORE))
_LOCAL = frozenset((ActorKind.SUBNATIONAL, ActorKind.SCHOOL))
_REGULATING = frozenset((ActorKind.REGULATOR, ActorKind.DATA_PROTECTION))
_OWN = re.compile(r"^(?:(?:the|a|an|its|our|country's|nation's|republic's|kingdom's|state's)\s+)+", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?(?=\s|$)")
_NAME_WORD = r"(?:[A-Z][\w&'’.-]*|of|for|and|the|de|la|y|e|per|di|on|in|et|des|du)"
_STATE_WORDS = re.compile(
    r"\b(?:state|home department|divisional commissioner|district|provincial|chief minister)|^gov(?:ernor|\.)(?! of)",
    re.IGNORECASE,
)
_COUNTRIES_LISTED = re.compile(r",|\band\b|&", re.IGNORECASE)
_PLURAL_BODY = re.compile(r"(?:regulators|watchdogs|courts|judges|agencies|prosecutors|ministries)$", re.IGNORECASE)
# Nouns that say which body of its kind is meant, so another of the kind is not.
_PARTICULAR = frozenset(("treasury", "army", "navy", "senate", "duma", "police", "intelligence", "council", "congress"))
_OF_OFFICES = frozenset((ActorKind.GOVERNMENT, ActorKind.SUBNATIONAL, ActorKind.MINISTRY))
_LOCAL_SERVICES = frozenset(("ride hailing", "lodging", "micromobility", "delivery"))


def resolve_actor(
    reading: Reading, actor: Quote | None, anchors: tuple[Quote, ...], service: str | None = None
) -> Actor:
    """Resolve the quoted actor. `anchors` are the event's other quotes: trigger, service, then scope if there is one.

    `service` is the service's canonical name: where its provider sits says little about the actor.
    """
    if actor is not None:
        # A quote that holds half a name means the whole one: "Uttar" in "Uttar Pradesh".
        actor = reading.whole(actor, "body", "subdivision", "country")
    record = by_name().get(service or "")
    provider = None if record is None else record.provider_country
    if actor is None:
        return Actor(None, None, nearest_country(reading, anchors, anchors[1], provider) or UNKNOWN)
    local = record is not None and record.category in _LOCAL_SERVICES
    case = ActorCase(reading, actor, _OWN.sub("", heal(actor.text)) or heal(actor.text), anchors, provider, local)
    return _resolved(case) or _resolved_full_name(case) or _of_initials(case) or _of_surname(case) or _as_written(case)


def _resolved(case: ActorCase) -> Actor | None:
    return _office(case) or _registered(case) or _of_country(case) or _of_place(case) or _bare(case)


def _office(case: ActorCase) -> Actor | None:
    """Resolve a government's secretary, and a member of a parliament, who acts in their own name."""
    found = member(case.words)
    if found is None:
        return secretary(case.reading, case.actor, case.words, case.country)
    person, american = found
    # Other countries have representatives too, so the text must name the United States or no country at all.
    american = american and (not case.countries or "US" in case.countries)
    return Actor(person, ActorKind.LEGISLATURE, "US" if american else case.country or UNKNOWN)


def _of_initials(case: ActorCase) -> Actor | None:
    """Resolve an acronym as the one public body of the country nearest to it whose name has these initials."""
    if not re.fullmatch(r"[A-Z]{3,8}", case.words) or case.country is None:
        return None
    fitting = [
        body
        for body in registries.bodies()
        if body.country == case.country
        and body.kind is not ActorKind.COMPANY
        and case.words in {initials(name) for name in (_plain_name(body), *body.aliases)}
    ]
    return actor_of(fitting[0]) if len(fitting) == 1 else None


def _of_surname(case: ActorCase) -> Actor | None:
    """Resolve "Abbott" as the office with which the text names that person."""
    named = case.of_the_person()
    found = None if named is None else _resolved(named)
    return found if found is not None and found.kind in _OF_OFFICES else None


def _plain_name(body: Body) -> str:
    """Return a body's name without its country ("Japan Financial Services Agency", "Arcom (France)")."""
    hits = [hit for hit in tag(body.name) if hit.kind in ("country", "demonym")]
    return _without(body.name, hits).removesuffix("()").strip()


def _resolved_full_name(case: ActorCase) -> Actor | None:
    """Resolve an acronym by the full name that the text gives for it."""
    name = _full_name(case)
    if name is None:
        return None
    known = bodies_named().get(key(name))
    if known is not None:
        return actor_of(_one_of(case, known))
    kind = kind_of(name)
    code = case.stated or case.country or UNKNOWN
    if kind in _PUBLIC and (composed := compose(code, name)) is not None and _is_generic(name):
        return composed
    return Actor(name, kind, code)


def _as_written(case: ActorCase) -> Actor:
    kind = kind_of(case.words)
    code = case.stated or case.country
    if names_nobody(case.words):
        return Actor(None, None, code or UNKNOWN)
    if case.stated is None and kind in _LOCAL and code in case.providers:
        # "Northmoor Borough Council" is not Chinese because the text says where DeepSeek keeps its data.
        code = None
    return Actor(case.words, kind, code or UNKNOWN)


def _one_of(case: ActorCase, known: tuple[Body, ...]) -> Body:
    """Return the body that a name shared by several means here."""
    if len(known) == 1:
        return known[0]
    code = case.stated or case.country
    return next((body for body in known if body.country == code), known[0])


def _foreign(case: ActorCase, body: Body) -> bool:
    """Whether a body can't be meant because the words or the text point to other countries only."""
    if body.kind is ActorKind.COMPANY or body.country in (UNKNOWN, EUROPEAN_UNION):
        return False
    if case.stated is not None:
        return body.country != case.stated
    named = case.countries
    return body.kind in _SHARED_NAMES and bool(named) and body.country not in named


def _registered(case: ActorCase) -> Actor | None:
    exact = bodies_named().get(key(case.words))
    if exact is not None:
        body = _one_of(case, exact)
        shy = key(case.words) in shy_names() and body.kind is not ActorKind.COMPANY
        return None if _foreign(case, body) or (shy and case.country != body.country) else actor_of(body)
    # The words of hits are looked up again, since some names mean different bodies in different countries.
    named = [key(case.words[hit.start : hit.end]) for hit in tag(case.words) if hit.kind == "body"]
    found = [_one_of(case, bodies_named()[name]) for name in named if name in bodies_named()]
    if not found:
        return None
    body = next((body for body in found if body.kind is not ActorKind.COMPANY), found[-1])
    if _foreign(case, body):
        return None
    rest = key(case.words)
    for name in named:
        rest = rest.replace(name, " ")
    if body.kind is ActorKind.COMPANY and kind_of(rest) not in _COMPANY_LIKE:
        return None  # "Samsung's regulator" is not Samsung
    return actor_of(body)


def _of_country(case: ActorCase) -> Actor | None:
    """Resolve "Italy", "Italian government", "Greek education minister Kyriakos Pierrakakis", "Brussels"."""
    words = case.words
    if (code := seats().get(key(words))) is not None:
        if case.local and key(words) in capital_names():
            return Actor(words, ActorKind.SUBNATIONAL, code)
        return government(code)
    hits = [hit for hit in tag(words) if hit.kind in ("country", "demonym")]
    if not hits or any(hit.kind == "subdivision" for hit in tag(words)):
        return None
    code = hits[0].canonical
    rest = _without(words, hits)
    if len({hit.canonical for hit in hits}) > 1 and _COUNTRIES_LISTED.search(words):
        return Actor(words, kind_of(rest), UNKNOWN)
    if _is_ruler(rest, _GOVERNS) and key(rest) not in _FORCES:
        return government(code)
    seat = key(words[hits[0].start : hits[0].end]) in capital_names()
    if seat and kind_of(rest) in (ActorKind.COURT, ActorKind.SUBNATIONAL, ActorKind.POLICE, ActorKind.SCHOOL):
        return Actor(titled(_POSSESSIVE.sub("", without_person(words))), kind_of(rest), code)
    named = _elsewhere_of_country(case, code, rest)
    return named or compose(code, rest)


def _of_place(case: ActorCase) -> Actor | None:
    """Resolve "Texas Governor Greg Abbott", "California's attorney general", "San Francisco"."""
    hits = [hit for hit in tag(case.words) if hit.kind == "subdivision"]
    if not hits:
        return None
    name, code = hits[0].canonical, country_of(hits[0]) or UNKNOWN
    rest = _without(case.words, hits)
    if _is_ruler(rest, _PLACE_GOVERNS):
        return Actor(name, ActorKind.SUBNATIONAL, code)
    kind = kind_of(rest)
    if kind in (ActorKind.OTHER, ActorKind.COMPANY, ActorKind.SCHOOL):
        return None
    lower = kind if kind in (ActorKind.COURT, ActorKind.POLICE, ActorKind.DATA_PROTECTION) else ActorKind.SUBNATIONAL
    return Actor(titled(_POSSESSIVE.sub("", without_person(case.words))), lower, code)


def _bare(case: ActorCase) -> Actor | None:
    """Resolve a noun or a ministry without a country by what the text names elsewhere."""
    kind = kind_of(case.words)
    if (named := _named_elsewhere(case, kind)) is not None:
        return named
    if not (_is_noun_only(case.words) or (kind in _PUBLIC and _is_generic(case.words))):
        return None
    place = of_state(case.reading, case.actor, case.words) or of_city(case.reading, case.actor, case.words)
    if place is not None:
        return place
    if _STATE_WORDS.search(case.words) and (state := nearest_state(case.reading, case.actor)) is not None:
        words = without_person(case.words)
        rest = [word for word in key(words).split() if word not in _PLACE_GOVERNS]
        name = state.canonical if not rest else f"{state.canonical} {titled(words)}"
        return Actor(name, ActorKind.SUBNATIONAL, country_of(state) or UNKNOWN)
    code = case.country
    if code is None:
        return None
    bare = key(without_person(case.words)).split()
    if kind is ActorKind.GOVERNMENT or (bare and bare != ["military"] and all(word in _GOVERNS for word in bare)):
        return government(code)
    return compose(code, case.words)


def _named_elsewhere(case: ActorCase, kind: ActorKind) -> Actor | None:
    """Return the registered body of this kind that the text named last before a bare "the ministry"."""
    bare = [word for word in key(case.words).split() if word not in ("the", "a", "an", "its", "that", "same", "s")]
    if _PLURAL_BODY.search(case.words):
        return None  # several bodies are none of those named
    if len(bare) > 3 or kind not in _PUBLIC or (case.words != case.words.lower() and len(bare) > 1):
        return None
    actor = case.actor
    named = [
        hit
        for hit in case.reading.of("body")
        if not actor.start <= hit.start < actor.end and bodies()[hit.canonical].kind is not ActorKind.COMPANY
    ]
    fitting = [hit for hit in named if _shares(bare, bodies()[hit.canonical])]
    written = [hit for hit in fitting if set(bare) <= set(key(case.reading.words(hit)).split())]
    fitting = written or fitting
    if not fitting and len(bare) == 1 and bare[0] not in _PARTICULAR:
        fitting = [hit for hit in named if bodies()[hit.canonical].kind is kind]
    before = [hit for hit in fitting if hit.end <= actor.start]
    chosen = before[-1:] or fitting[:1]
    return actor_of(bodies()[chosen[0].canonical]) if chosen else None


def _elsewhere_of_country(case: ActorCase, code: str, rest: str) -> Actor | None:
    """Return the body of the country that the text names elsewhere for "Ireland's watchdog", "Taiwanese FTC"."""
    words = key(rest).split()
    if len(words) == 1 and rest.isupper():
        fitting = [body for body in registries.bodies() if body.country == code and initials(body.name).endswith(rest)]
        return actor_of(fitting[0]) if len(fitting) == 1 else None
    kind = kind_of(rest)
    if kind not in _REGULATING or len(words) > 2:
        return None
    named = [bodies()[hit.canonical] for hit in case.reading.of("body")]
    fitting = [body for body in named if body.country == code and body.kind in _REGULATING]
    if kind is ActorKind.DATA_PROTECTION:
        fitting = [body for body in fitting if body.kind is kind]
    return actor_of(fitting[0]) if fitting else None


def _shares(bare: list[str], body: Body) -> bool:
    """Whether all words of a bare noun phrase are in a body's name ("commission", "privacy commissioner")."""
    names = [set(key(name).split()) for name in (body.name, *body.aliases)]
    return any(set(bare) <= name for name in names)


def _is_ruler(rest: str, governs: frozenset[str]) -> bool:
    """Whether words beside a country or place only say that it is governed, or name the person who governs it."""
    tokens = key(rest).split()
    if all(token in governs for token in tokens):
        return True
    plain = key(without_person(rest)).split()
    return len(plain) < len(tokens) and all(token in governs for token in plain) and bool(_PERSONAL & set(plain))


def _is_noun_only(words: str) -> bool:
    """Whether words hold no name of their own: all lower case but for a title and a person, or a ministry."""
    plain = without_person(words)
    if ministry(words) is not None or plain == plain.lower() or (plain.isupper() and " " in plain):
        return True
    covered = sum(hit.end - hit.start for hit in tag(plain) if hit.kind == "body_noun")
    return covered >= len(plain.replace(" ", "")) - 4


def _is_generic(name: str) -> bool:
    """Whether a name begins as the names of many countries' bodies do ("National Broadcasting Commission")."""
    return name.lower().split()[:1] != [] and name.lower().split()[0] in _GENERIC_FIRST


def _without(words: str, hits: list[Hit]) -> str:
    """Return the words without the hits and what ties them to the rest ("of", "'s")."""
    rest = words
    for hit in sorted(hits, key=lambda hit: -hit.start):
        rest = f"{rest[: hit.start]} {rest[hit.end :]}"
    rest = " ".join(_POSSESSIVE.sub(" ", rest).split())
    rest = re.sub(r"\s+(?:of|in|from)\s*$|^\s*(?:of|in|the)\s+", " ", f"{rest} ", flags=re.IGNORECASE)
    return " ".join(rest.split()).strip(" ,-–'")


def _full_name(case: ActorCase) -> str | None:
    """Return the full name that the text gives for an acronym: before it in brackets, or with its initials."""
    words = case.words
    if not re.fullmatch(r"[A-Z][A-Za-z.&-]{1,9}", words) or sum(c.isupper() for c in words) < 2:
        return None
    text = case.reading.text
    match = re.search(rf"(?P<name>(?:{_NAME_WORD}\s+){{1,12}})\(\s*{re.escape(words)}\s*\)", text)
    if match is None:
        small = r"(?:(?:of|for|and|the|on|&)\s+){0,2}"
        spelled = rf"\s+{small}".join(rf"{re.escape(c)}[a-z][\w'’-]*" for c in words if c.isupper())
        match = re.search(rf"(?<!\w)(?P<name>{spelled})(?!\w)", text)
    if match is None:
        return None
    return re.sub(r"^(?:(?:the|of|and|in|for)\s+)+", "", heal(match["name"]), flags=re.IGNORECASE) or None

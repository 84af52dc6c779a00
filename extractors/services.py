"""The usual English name of a quoted service: the registry's where it knows it, otherwise the cleaned words.

A name is never forced onto a near one: what the registry doesn't hold stays as it was written.
"""

import re
from collections import Counter
from functools import cache

from extractors import registries
from extractors.folding import key
from extractors.gazetteer import tag
from extractors.healing import heal
from extractors.networks import network
from extractors.reading import Reading
from extractors.servicenames import NUMBERS, lookup
from pipeline.types import Quote, Service


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words around a name that say what sort of thing it is, or praise it, but don't make it another thing.
_AROUND = _words(
    """
    a access account accounts add ai all american an and antivirus any app application applications apps artificial
    assistant based big biggest browser called chat chatbot chatbots chinese client cloud com company company's
    content controversial desktop device devices domain edition encrypted engine every exchange existing fintech
    firm foreign free further giant global group hugely in inc intelligence its known korean lab latest led limited
    live made major maker maps markets messaging messenger microblogging mobile model models most named network
    networking new newer newest of official older on online operating other own owned phones photo platform
    platforms popular products program programme programs resources russian s search server service services sharing
    short site sites smartphone smartphones so social software some south start startup studio suite system systems
    tech technologies technology the their these this those to tool tools unit up us usage use user users version
    versions video video-sharing videos vpn web website websites widely with workplace
    """
)
_COMMON = _words("app apps platform platforms messenger messengers website websites tools services sites")
# What a text calls a service that it named before.
_REFERENCES = _words(
    """
    app application assistant browser chatbot company connection data firm game it maker messenger model network
    platform program programme service services site tool traffic website
    """
)
# Bare nouns that mean a technology: a line that was named before, or the internet; social media in fitting company.
_LINES = _words("connection connections network traffic")
_SOCIAL = _words("platforms account accounts")
_MEANT = {"data": "mobile internet", "web": "internet", "sites": "websites"}
_DETERMINERS = re.compile(
    r"^(?:(?:the|a|an|all|any|some|its|their|his|her|our|your|this|that|these|those|such|other|several|many|most|"
    r"certain|various|both|new|newer|newest|latest|popular|controversial|so-called|existing|few|more|multiple|numerous|"
    r"particular|specific|further|additional|(?:rest|types?|kinds?|sorts?) of)\s+)+",
    re.IGNORECASE,
)
_EXAMPLES = re.compile(r"\b(?:such as|including|like|called|named|e\.g\.)\s+(?P<name>.+)$", re.IGNORECASE)
_FORMERLY = re.compile(r"\s*[(,]\s*(?:formerly|previously|formerly known as|known as)\b.*$", re.IGNORECASE)
_ACRONYM = re.compile(r"\s*\(([A-Z][\w&.-]{0,9}s?)\)")
_ABOUT = r"(?:(?:more than|over|at least|some|about|around|nearly|almost|up to|another|a further)\s+)?"
_OTHERS = r"(?:(?:other|more|further|additional)\s+)?"
_NUMBER = re.compile(
    rf"^{_ABOUT}(?P<number>\d[\d,.]*|(?:{'|'.join(NUMBERS)})(?:-\w+)?)\s+{_OTHERS}(?=\w)", re.IGNORECASE
)
_NUMBER_LATER = re.compile(_DETERMINERS.pattern + _NUMBER.pattern.removeprefix("^"), re.IGNORECASE)
_EXCEPTIONS = re.compile(r"\s*\((?:including|except|excluding|other than|such as)\b[^)]*\)", re.IGNORECASE)
_DOMAIN = re.compile(r"^(?:https?://)?(?:www\.)?(?P<name>[\w-]+(?:\.[\w-]+)?)\.(?:com|org|net)/?$", re.IGNORECASE)
_MADE = re.compile(r"(?<=[a-z])-made\b")
_BEFORE = _words(
    """
    additional all banned big commercial domestic existing external global highspeed largescale local major mobile
    most online other personal popular postpaid prepaid private public twoway
    """
)
_AFTER = _words(
    """
    access account accounts app apps client connection connections connectivity content data edition
    engine facilities facility framework gear kit link links platform platforms product products program programs
    sector server servers service services site sites software speed speeds system systems technologies
    technology tool tools update updates usage use website websites
    """
)
_OWNER = re.compile(r"^(?P<owner>[^\s].*?)['’]s?\s+(?P<thing>.+)$")
_SITE_OF = re.compile(
    r"^(?:\w+\s+)?(?:[Ww]ebsite|[Ww]eb\s?site|[Ss]ite) of (?:[Tt]he )?(?P<owner>[A-Z][\w.&-]*(?:\s[A-Z][\w.&-]*)*)$"
)
_LONGEST_NAME = 30  # words; more than that is no name, and looking inside costs the square of it
_SHUTDOWNS = frozenset(("shutdown", "shutdowns", "blackout", "blackouts", "internet shutdown", "internet shutdowns"))


@cache
def by_name() -> dict[str, Service]:
    """Return canonical name → service of the registry."""
    return {service.name: service for service in registries.services()}


def existed(name: str | None, when: str) -> bool:
    """Whether a service may have been there on a date ("2013", "2013-05-02"): false only where it is sure."""
    known = by_name().get(name or "")
    return known is None or known.since is None or int(when[:4]) >= known.since


def canonical_service(reading: Reading, quote: Quote) -> str:
    """Return the canonical name of the quoted service; the healed quote itself where nothing better is known."""
    written = heal(quote.text)
    if lookup(written) is None:
        # A quote that holds half a name means the whole one: "Galaxy" in "Galaxy Note 7".
        written = heal(reading.whole(quote, "service", "technology").text)
    if written.count(" ") >= _LONGEST_NAME:
        return written
    name = _FORMERLY.sub("", written) or written
    plain = _plain(name) or written
    if key(plain) in _SHUTDOWNS:
        return "internet"
    if (bare := _bare(reading, quote, key(plain))) is not None:
        return bare
    for candidate in (written, name, plain):
        if (known := lookup(candidate)) is not None:
            return _counted(name, plain, known)
    acronym = _ACRONYM.search(name)
    known = (
        (lookup(acronym[1]) if acronym is not None else None)
        or network(plain)
        or _domain(plain)
        or _either(plain)
        or _shortened(plain)
        or _possessed(plain)
        or _inside(plain)
    )
    return known if known is not None else _counted(name, plain, _cleaned(plain))


def _plain(name: str) -> str:
    """Return a name without what brackets add, number and determiners."""
    name = _EXCEPTIONS.sub("", _ACRONYM.sub("", name))
    return _DETERMINERS.sub("", name[number.end() :] if (number := _number(name)) is not None else name).strip()


def _number(name: str) -> re.Match[str] | None:
    """Return the match of the number before a name, after determiners or not ("more than 40", "the other 40")."""
    return _NUMBER.match(name) or _NUMBER_LATER.match(name)


def _counted(name: str, plain: str, known: str) -> str:
    """Return "57 Chinese apps" for "57 other Chinese-made apps": a number is part of a collective name.

    It is one where nobody lists the things otherwise: of a registered technology only the country says which they are.
    """
    number = _number(name)
    if number is None or lookup(name) is not None:
        return known
    countries = any(hit.kind == "demonym" for hit in tag(plain))
    if lookup(known) is not None and not countries:
        return known
    return f"{number['number']} {_MADE.sub('', known) if countries else known}"


def _bare(reading: Reading, quote: Quote, noun: str) -> str | None:
    """Return what a bare noun means: what the text named before, or the technology that it commonly stands for."""
    if noun in _MEANT:
        return _MEANT[noun]
    if noun in _LINES:
        return _antecedent_line(reading, quote) or "internet"
    if noun in _SOCIAL and any(hit.canonical in _social() for hit in reading.of("service", "technology")):
        return "social media"
    if noun in _REFERENCES:
        return _antecedent(reading, quote) or lookup(noun) or noun
    return None


@cache
def _social() -> frozenset[str]:
    return frozenset(service.name for service in registries.services() if service.category == "social") | {
        "social media"
    }


def _domain(name: str) -> str | None:
    """Return the service at an address: "grindr.com" → Grindr, "news.google.com" → Google News."""
    match = _DOMAIN.match(name)
    if match is None:
        return None
    known = lookup(" ".join(reversed(match["name"].split("."))))
    return None if known is None or known in _makers() or known in _technologies() else known


def _either(name: str) -> str | None:
    """Return the technology of "website/URL", named before the slash."""
    first, slash, _ = name.partition("/")
    known = lookup(first.strip()) if slash else None
    return known if known in _technologies() else None


def _shortened(name: str) -> str | None:
    """Return the registry's name of what is left without common nouns after it and common adjectives before it."""
    words = name.split()
    first = 0
    while first < len(words) - 1 and key(words[first]).replace(" ", "") in _BEFORE:
        first += 1
    for start in range(first + 1):
        for end in range(len(words), start, -1):
            if all(key(word) in _AFTER for word in words[end:]) and (start, end) != (0, len(words)):
                known = lookup(" ".join(words[start:end]))
                if known is not None and key(" ".join(words[start:end])) not in _REFERENCES:
                    return known
    return None


def _inside(name: str) -> str | None:
    """Return the one service that `name` holds among words that only describe it."""
    examples = _EXAMPLES.search(name)
    if examples is not None and (known := lookup(examples["name"])) is not None:
        return known
    words = name.split()
    for length in range(min(len(words), 5), 0, -1):
        for start in range(len(words) - length + 1):
            known = lookup(" ".join(words[start : start + length]))
            before, after = words[:start], words[start + length :]
            if known is not None and known not in _technologies() and _describe(before, after):
                return known
    return None


def _describe(before: list[str], after: list[str]) -> bool:
    """Whether the words around a name only describe it; a number after it is part of the name ("iPhone 6")."""
    if after and after[0][:1].isdigit():
        return False
    return all(token in _AROUND for word in before + after for token in key(word).split())


def _possessed(name: str) -> str | None:
    """Return the name of "Google's search engine" (owner and thing), "OpenAI's ChatGPT" (thing), "site of Quorzle"."""
    owned = _OWNER.match(name)
    if owned is None:
        site = _SITE_OF.match(name)
        return None if site is None else lookup(site["owner"]) or f"{site['owner']} website"
    owner, thing = owned["owner"], owned["thing"]
    if tag(owner) and all(hit.kind in ("country", "demonym", "subdivision") for hit in tag(owner)):
        # A country's network is the network there, while "China's chatbots" come from China.
        known = lookup(thing)
        return known if known in ("internet", "mobile internet") else network(thing)
    if (joined := lookup(f"{owner} {thing}") or _shortened(f"{owner} {thing}")) is not None:
        return joined
    inner = lookup(thing) or _inside(thing)
    if inner is not None and inner not in _technologies():
        return inner
    maker = lookup(owner)
    if inner is not None and maker in _makers():
        return f"{maker} {thing}"
    return maker if all(token in _AROUND for token in key(thing).split()) else None


@cache
def _makers() -> frozenset[str]:
    """Return the names of companies that provide so many services that their name alone means none of them."""
    provided = Counter(service.provider for service in registries.services())
    return frozenset(service.name for service in registries.services() if provided[service.name] > 3)


@cache
def _technologies() -> frozenset[str]:
    return frozenset(service.name for service in registries.services() if service.category == "technology")


def _cleaned(name: str) -> str:
    """Drop a common noun after a proper name ("Bybit app"), and the capital of a common noun that begins a sentence."""
    words = name.split()
    if len(words) < 2 or key(words[-1]) not in _COMMON:
        return name
    first, before, noun = words[0], words[:-1], words[-1]
    common = first.endswith("ing") or any(word.islower() for word in before)
    if common and first[1:].islower() and not tag(first):
        return f"{name[0].lower()}{name[1:]}"  # "Period tracking apps"
    if common or any(hit.kind == "demonym" for hit in tag(before[-1])):
        return name
    owner = " ".join(before)
    if (plain := re.sub(r"'s?$", "", owner)) != owner:
        return f"{plain} {noun}"
    return owner if key(noun) in ("app", "apps", "platform", "messenger") else name


def _antecedent_line(reading: Reading, quote: Quote) -> str | None:
    """Return the network that the text named last before a bare "the connection": an internet, or a social network."""
    social = _social() if key(quote.text) == "network" else frozenset()
    before = [hit.canonical for hit in reading.of("service", "technology") if hit.end <= quote.start]
    fitting = [name for name in before if name in social or "internet" in name.split()]
    return fitting[-1] if fitting else None


def _antecedent(reading: Reading, quote: Quote) -> str | None:
    """Return the service last named before a bare "the app", or else the first named after it."""
    technologies = _technologies()
    named = [
        hit for hit in reading.of("service", "technology") if hit.kind == "service" or hit.canonical in technologies
    ]
    named = [hit for hit in named if key(reading.words(hit)) not in _REFERENCES]
    before = [hit for hit in named if hit.end <= quote.start]
    apps = [hit for hit in before if hit.kind == "service"]
    if apps or before:
        return (apps or before)[-1].canonical
    after = [hit for hit in named if quote.end <= hit.start]
    apps = [hit for hit in after if hit.kind == "service"]
    return apps[0].canonical if apps else None

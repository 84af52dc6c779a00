"""The usual English name of a quoted service: the registry's where it knows it, otherwise the cleaned words.

A name is never forced onto a near one: what the registry doesn't hold stays as it was written.
"""

import re
from collections import Counter
from functools import cache

from extractors import registries
from extractors.folding import key
from extractors.healing import heal
from extractors.inflection import plural
from extractors.reading import Reading
from pipeline.types import Quote


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
# What a text calls a service that it named before.
_REFERENCES = _words(
    """
    app application assistant browser chatbot company connection data firm game it maker messenger model network
    platform program programme service services site tool traffic website
    """
)
_DETERMINERS = re.compile(
    r"^(?:(?:the|a|an|all|any|some|its|their|his|her|our|your|this|that|these|those|such|other|several|many|most|"
    r"certain|various|both|new|newer|newest|latest|popular|controversial|so-called|existing|few|more)\s+)+",
    re.IGNORECASE,
)
_EXAMPLES = re.compile(r"\b(?:such as|including|like|called|named|e\.g\.)\s+(?P<name>.+)$", re.IGNORECASE)
_FORMERLY = re.compile(r"\s*[(,]\s*(?:formerly|previously|formerly known as|known as)\b.*$", re.IGNORECASE)
_ACRONYM = re.compile(r"\s*\(([A-Z][\w&.-]{0,9}s?)\)")
_NUMBER = re.compile(r"^(?:(?:more than|over|at least|some|about|nearly|up to)\s+)?[\d,.]*\d\s+", re.IGNORECASE)
_BEFORE = _words(
    """
    additional all banned big commercial domestic existing external global high-speed large-scale local major mobile
    most online other personal popular post-paid postpaid pre-paid prepaid private public third-party
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
_LONGEST_NAME = 30  # words; more than that is no name, and looking inside costs the square of it
_SHUTDOWNS = frozenset(("shutdown", "shutdowns", "blackout", "blackouts", "internet shutdown", "internet shutdowns"))


def canonical_service(reading: Reading, quote: Quote) -> str:
    """Return the canonical name of the quoted service; the healed quote itself where nothing better is known."""
    written = heal(quote.text)
    if lookup(written) is None:
        # A quote that holds half a name means the whole one: "Galaxy" in "Galaxy Note 7".
        written = heal(reading.whole(quote, "service", "technology").text)
    if written.count(" ") >= _LONGEST_NAME:
        return written
    name = _FORMERLY.sub("", written) or written
    plain = _DETERMINERS.sub("", _NUMBER.sub("", _ACRONYM.sub("", name))).strip() or written
    if key(plain) in _SHUTDOWNS:
        return "internet"
    if key(plain) in _REFERENCES:
        return _antecedent(reading, quote) or lookup(plain) or plain
    for candidate in (written, name, plain):
        if (known := lookup(candidate)) is not None:
            return known
    acronym = _ACRONYM.search(name)
    return (
        (lookup(acronym[1]) if acronym is not None else None)
        or _shortened(plain)
        or _possessed(plain)
        or _inside(plain)
        or _cleaned(_DETERMINERS.sub("", _ACRONYM.sub("", name)).strip() or written)
    )


@cache
def _names() -> dict[str, str]:
    """Return every way to write a service, folded → its canonical name. Guards don't count: the quote is a service."""
    found: dict[str, str] = {}
    for entry in registries.named_services():
        for alias in entry.aliases:
            found.setdefault(key(alias.text), entry.record.name)
    for entry in registries.named_services():
        found[key(entry.record.name)] = entry.record.name
    return found


def lookup(name: str) -> str | None:
    """Return the canonical name of a service that the registry knows by `name`, in singular or plural."""
    folded = key(name)
    if (found := _names().get(folded)) is not None:
        return found
    if (found := _names().get(plural(folded) or "")) is not None:
        return found
    return _names().get(folded.removesuffix("s")) if len(folded) > 4 else None


def _shortened(name: str) -> str | None:
    """Return the registry's name of what is left without common nouns after it and common adjectives before it."""
    words = name.split()
    first = 0
    while first < len(words) - 1 and key(words[first]) in _BEFORE:
        first += 1
    for start in {0, first}:
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
    """Return the registry's name of "Google's search engine" (owner and thing) or "OpenAI's ChatGPT" (thing)."""
    owned = _OWNER.match(name)
    if owned is None:
        return None
    owner, thing = owned["owner"], owned["thing"]
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
    """Drop a common noun after a name ("Bybit app"), and the capital of a common noun that begins a sentence."""
    words = name.split()
    if len(words) > 1 and words[0][:1].isupper() and key(words[-1]) in ("app", "apps", "platform", "messenger"):
        words.pop()
    return " ".join(words)


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

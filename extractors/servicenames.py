"""What the registry calls a service, and the form in which two canonical names of services are compared.

A name is looked up as it is written, in singular or plural: nothing is ever forced onto a merely similar name.
"""

from functools import cache, lru_cache

from extractors import registries
from extractors.folding import fold, key
from extractors.inflection import plural, singular

LEGAL = frozenset(
    ("inc", "corp", "corporation", "ltd", "limited", "llc", "plc", "gmbh", "ag", "sa", "co", "company", "nv", "bv")
)
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = {
    **{word: str(value) for value, word in enumerate(_ONES)},
    **{ten: str(20 + 10 * place) for place, ten in enumerate(_TENS)},
}
"""English words for numbers below 100 that are one word → digits."""
_SAME_NOUN = {"site": "website", "application": "app"}


@cache
def _names(*, guarded: bool) -> dict[str, str]:
    """Return every way to write a service, folded → its canonical name; `guarded`: also what needs a telling word."""
    found: dict[str, str] = {}
    for entry in registries.named_services():
        for alias in entry.aliases:
            if guarded or not alias.context:
                found.setdefault(key(alias.text), entry.record.name)
    for entry in registries.named_services():
        found[key(entry.record.name)] = entry.record.name
    return found


def lookup(name: str, *, guarded: bool = True) -> str | None:
    """Return the canonical name of a service that the registry knows by `name`, in singular or plural.

    Guards count for texts; of a quote it is known that it is a service. `guarded=False` leaves out the aliases that
    mean the service only in fitting company ("Messenger").
    """
    names, folded = _names(guarded=guarded), key(name)
    for form in (folded, plural(folded) or "", folded.replace("application", "app")):
        if (found := names.get(form)) is not None:
            return found
    return names.get(folded.removesuffix("s")) if len(folded) > 4 else None


@lru_cache(maxsize=4096)
def compared(name: str) -> str:
    """Return the form in which a canonical name is compared: equal forms mean the same service.

    Names that the registry lists for one service are one. Otherwise the words count, without the article, possessive
    "s" and legal suffixes; numbers in digits, the last word in singular.
    """
    words = [word for word in key(lookup(name, guarded=False) or name).split() if word not in ("the", "s")]
    while len(words) > 1 and words[-1] in LEGAL:
        words.pop()
    words = _numbered(words) or fold(name).text.split()
    last = singular(words[-1]) if words else ""
    return " ".join((*words[:-1], _SAME_NOUN.get(last, last)))


def _numbered(words: list[str]) -> list[str]:
    """Return the words with numbers below 100 in digits ("twenty six" → "26")."""
    found: list[str] = []
    after_ten = False
    for word in words:
        digits = NUMBERS.get(word, word)
        if after_ten and len(digits) == 1 and digits.isdigit() and digits != "0":
            found[-1] = found[-1][0] + digits
        else:
            found.append(digits)
        after_ten = word in _TENS
    return found

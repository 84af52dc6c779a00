"""Reports whose words are disguised: other characters, unseen ones, markup amid words. A reader sees the same words."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from clampdown.proofs import soak_articles

_SIZELESS: Final = "what has no size"
_CYRILLIC: Final = str.maketrans("eopcaxEOPCAXTKMHB", "еорсахЕОРСАХТКМНВ")
_GREEK: Final = str.maketrans("oTKEAHBMPX", "οΤΚΕΑΗΒΜΡΧ")
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_BOLD: Final = {ord("A") + n: 0x1D400 + n for n in range(26)} | {ord("a") + n: 0x1D41A + n for n in range(26)}
_SCRIPT: Final = {ord("A") + n: 0x1D4D0 + n for n in range(26)} | {ord("a") + n: 0x1D4EA + n for n in range(26)}


def _amid(unseen: str) -> Callable[[str], str]:
    return unseen.join


DISGUISES: Final[Mapping[str, Callable[[str], str]]] = {
    "nothing": lambda word: word,
    "zero-width spaces": _amid("\u200b"),
    "zero-width non-joiners": _amid("\u200c"),
    "zero-width joiners": _amid("\u200d"),
    "soft hyphens": _amid("\u00ad"),
    "word joiners": _amid("\u2060"),
    "byte order marks": _amid("\ufeff"),
    "Mongolian vowel separators": _amid("\u180e"),
    "variation selectors": _amid("\ufe0f"),
    "invisible times": _amid("\u2062"),
    "tag characters": _amid("\U000e0041"),
    "Hangul fillers": _amid("\u3164"),
    "marks of direction": _amid("\u200e"),
    "isolates": lambda word: f"\u2068{word}\u2069",
    "embeddings": lambda word: f"\u202a{word}\u202c",
    "overrides to the right": lambda word: f"\u202d{word}\u202c",
    "full-width letters": lambda word: word.translate(_WIDE),
    "mathematical bold letters": lambda word: word.translate(_BOLD),
    "mathematical script letters": lambda word: word.translate(_SCRIPT),
    "Cyrillic look-alikes": lambda word: word.translate(_CYRILLIC),
    "Greek look-alikes": lambda word: word.translate(_GREEK),
    "entities": lambda word: "".join(f"&#{ord(letter)};" for letter in word),
    "entities in hexadecimal": lambda word: "".join(f"&#x{ord(letter):X};" for letter in word),
    "soft hyphens as entities": "&shy;".join,
    "elements that may break": lambda word: f"{word[:2]}<wbr>{word[2:]}",
    "letters in bold": lambda word: f"<b>{word[:1]}</b>{word[1:]}",
    "comments": lambda word: f"{word[:2]}<!-- not seen -->{word[2:]}",
    "what is hidden": lambda word: f'{word[:2]}<span style="display:none">not seen</span>{word[2:]}',
    _SIZELESS: lambda word: f'{word[:2]}<i style="font-size:0">not seen</i>{word[2:]}',
}
"""How each service is written on a page, in words and as markup."""

LEADS: Final = ("", "\U0001f6a8\U0001f1ee\U0001f1f9 ", "cafe\u0301 e\u0301te\u0301 \u2013 ", "\u5317\u4eac \u2014 ")
"""What stands before it: offsets count characters, whatever these take in other counts."""

UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class DisguisedPage:
    """A page, what disguises the service that it tells of, and that service."""

    disguise: str
    html: str
    service: str
    title: str

    @property
    def has_text_oracle(self) -> bool:
        """Whether a browser's `innerText` can tell what is seen here: of sizes it knows nothing."""
        return self.disguise != _SIZELESS


def pages(rounds: int) -> Iterator[DisguisedPage]:
    """A page for each disguise in each of so many rounds."""
    for round_ in range(rounds):
        for number, (name, disguise) in enumerate(DISGUISES.items()):
            service = soak_articles.SERVICES[(number + 3 * round_) % 5]
            country, adjective, capital, body = soak_articles.ORDERS[(number + round_) % len(soak_articles.ORDERS)]
            written, lead = disguise(service), LEADS[(number + round_) % len(LEADS)]
            title = f"{country} acts on a service, report {number} of {round_}"
            more = soak_articles.plain(1000 * round_ + number).paragraphs[1:]
            paragraphs = [
                f"{lead}{escape(body)} has blocked {written} across the country, citing privacy concerns. The order "
                f"was published in {capital} and takes effect at once.",
                f"{adjective} users of {written} had {number + 2} hours to save what they keep there.",
                *more,
            ]
            inner = "".join(f"<p>{one}</p>" for one in paragraphs)
            head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
            html = f"{head}<body><article><h1>{title}</h1>{inner}</article></body></html>"
            yield DisguisedPage(name, html, service, title)

"""Folding: the one form in which texts and names are compared, with the way back to the text's own offsets.

Folding is case-insensitive, ignores accents and invisible characters, reads full-width and look-alike letters as the
Latin letters that they imitate, and turns everything that is neither letter nor digit into a space. "T\u200bikTok’s"
becomes "tiktok s".
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Cyrillic and Greek letters that look like Latin ones. Only an English text's stray letters are meant to be healed, so
# the table holds true look-alikes and no transliterations.
_LOOK_ALIKES = str.maketrans(
    "АВЕКМНОРСТХІЈЅаеорсухіјѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονıɡⅼ",
    "ABEKMHOPCTXIJSaeopcyxijshdqwABEZHIKMNOPTYXovigl",
)

_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


def plain_letters(word: str) -> str:
    """Return `word` in NFKC without invisible characters; look-alikes become Latin if all its letters then are."""
    plain = unicodedata.normalize("NFKC", word)
    plain = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc"))
    latin = plain.translate(_LOOK_ALIKES)
    return latin if latin.isascii() else plain


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. `starts` maps its indices to those of the text it came from; None stands for the identity."""

    text: str
    starts: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the original text of the folded span [start, end), which must not be empty."""
        if self.starts is None:
            return start, end
        return self.starts[start], self.starts[end - 1] + 1


@lru_cache(maxsize=8192)
def fold_char(char: str) -> str:
    """Return the folded form of one character: any number of letters, digits and spaces."""
    if char.isascii():
        return char.lower() if char.isalnum() else " "
    if char.isspace():
        return " "
    plain = unicodedata.normalize("NFKD", char.translate(_LOOK_ALIKES))
    kept = (c for c in plain if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    return "".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFC", "".join(kept)).casefold())


def fold(text: str) -> Folded:
    """Fold `text`."""
    table = {char: fold_char(char) for char in set(text)}
    if all(len(folded) == 1 for folded in table.values()):
        # Replacing the few other characters first lets `translate` take its fast way for ASCII.
        for char, folded in table.items():
            if not char.isascii():
                text = text.replace(char, folded)
        return Folded(text.translate(_ASCII), None)
    parts = [table[char] for char in text]
    starts = tuple(index for index, part in enumerate(parts) for _ in part)
    return Folded("".join(parts), starts)


def key(name: str) -> str:
    """Return `name` folded, its words parted by single spaces: equal keys mean the same name."""
    return " ".join(fold(name).text.split())

"""What stands around a mention: its telling words and the names in it.

Two mentions of one happening share more than their fields: the same figures, people and places stand around them. The
passage is the sentence with the trigger and its two neighbours, of which the folded words are kept that tell something
(neither small words nor those of any news) and the names. It is stored with the mention, so that mentions can be
compared when their articles are not at hand.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from pipeline.types import Passage

MOST_WORDS = 40
MOST_NAMES = 20

_REACH = 320
"""Characters on either side of the trigger in which its neighbours are looked for."""


def read_passage(text: str, start: int, end: int) -> Passage:
    """Read what stands around `text[start:end]`, the trigger; offsets count code points.

    Kept are at most `MOST_WORDS` words and `MOST_NAMES` words of names: those of the trigger's own sentence first,
    then of the next, then of the one before. A capital that only begins a sentence makes no name, and neither do the
    capitals of a headline in which every word has one.
    """
    words: dict[str, None] = {}
    names: dict[str, None] = {}
    for sentence in _sentences_around(text, start, end):
        found = _WORD.findall(sentence)
        folded = [word.lower() if word.isascii() else fold(word) for word in found]
        named = _named(found, folded)
        names.update(dict.fromkeys(named))
        words.update(dict.fromkeys(word for word in folded if len(word) > 1 and word not in _SMALL))
    return Passage(frozenset(list(words)[:MOST_WORDS]), frozenset(list(names)[:MOST_NAMES]))


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """Offsets of the sentence that holds `text[start:end]`, without the blanks around it.

    One that goes on for too long is cut where a word ends; a line of text is a sentence, be there a full stop or not.
    """
    first, last = max(0, start - _REACH), min(len(text), end + _REACH)
    begin = max((match.end() for match in _END.finditer(text, first, start)), default=None)
    if begin is None:
        begin = first if first == 0 else _after_blank(text, first, start)
    after = _END.search(text, end, last)
    stop = after.end() if after is not None else last if last == len(text) else _before_blank(text, last, end)
    while begin < start and text[begin].isspace():
        begin += 1
    while stop > end and text[stop - 1].isspace():
        stop -= 1
    return begin, stop


def _after_blank(text: str, first: int, start: int) -> int:
    return next((at + 1 for at in range(first, start) if text[at].isspace()), first)


def _before_blank(text: str, last: int, end: int) -> int:
    return next((at for at in range(last - 1, end - 1, -1) if text[at].isspace()), last)


def _sentences_around(text: str, start: int, end: int) -> list[str]:
    """Return the sentence with the trigger, the next, and the one before, cut where they reach too far."""
    first, last = max(0, start - _REACH), min(len(text), end + _REACH)
    before = [match.end() for match in _END.finditer(text, first, start)]
    after = [match.end() for match in _END.finditer(text, end, last)]
    begin = before[-1] if before else first
    stop = after[0] if after else last
    earlier = text[(before[-2] if len(before) > 1 else first) : begin] if before else ""
    later = text[stop : (after[1] if len(after) > 1 else last)]
    return [text[begin:stop], later, earlier]


@lru_cache(maxsize=16_384)
def fold(word: str) -> str:
    """Return a word without diacritics, in lower case."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)).casefold()


def _named(words: Sequence[str], folded: Sequence[str]) -> list[str]:
    """Return the folded words that are, or belong to, names."""
    telling = [i for i, word in enumerate(folded) if word not in _SMALL]
    capital = [i for i in telling if words[i][0].isupper() and len(words[i]) > 1]
    if len(capital) == len(telling) > 3:
        return []
    if capital and capital[0] == 0 and capital[1:2] != [1]:
        # The first word has its capital from the sentence, unless another follows at once: "Amit Shah said".
        capital = capital[1:]
    return [folded[i] for i in capital]


_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]{2,}|(?:[.,]\d+)+)?")
_END = re.compile(
    r"[.!?\n](?<!\b[A-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|No)\.)(?<!\b(?:Mrs|Gov|Sen|Rep)\.)"
    r"(?:(?<=\n)\s*|['\"’”)]{0,2}\s+(?=['\"‘“(]?[A-ZÀ-Þ0-9]))"
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CALENDAR = _set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august"
    " september october november december jan feb mar apr jun jul aug sep sept oct nov dec"
)
_SMALL = _CALENDAR | _set(
    "a about above after again against ago all almost already also although always am among an and another any are"
    " around as asked at away back be because been before began behind being below between both but by came can cannot"
    " could day days did do does doing done down during each either else enough even ever every few first for former"
    " from further gave get gets give given go goes going gone got had has have having he her here hers him his how"
    " however if in including into is it its itself just last late later least less let like made make makes making"
    " many may me might more most much must my near nearly never new next no nor not nothing now of off often on once"
    " one only onto or other others our out over own part per put quite rather s same say saying says said several she"
    " should since so some such t take taken takes taking than that the their theirs them themselves then there these"
    " they this those though through thus till time times to today told tomorrow too took toward towards two under"
    " until up upon us use used users using very via was way we week weeks well went were what when where whether which"
    " while who whole whom whose why will with within without would year years yes yesterday yet you your month months"
    " added according reported reports report told news agency statement announced mr ms mrs dr earlier"
)
"""English words that stand in any news."""

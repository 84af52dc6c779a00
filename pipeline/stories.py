"""Which articles carry the same text: exact and near copies become one story.

A story stands for one independent report. Ten copies of one agency text are ten articles and one story, so they support
an event once. Titles take no part: outlets rewrite them. Nor do a site's own notices – "subscribe to continue", "this
page uses cookies" – which make strangers look alike and copies differ.

Each article's parent is the most similar of its copies that comes before it in the order of publication (by day, those
without a day last, then by id). An article without a parent founds a story, which is named after it; the others belong
to the story of their parent. So stories are a function of the set of articles, whatever the order in which these came.

Two bodies are copies

- for certain, when their words agree once case, punctuation and spacing are put aside (similarity 1);
- when enough of their three-word shingles agree: the share of all that both have (Jaccard, the similarity), and the
  share of the shorter one's that the longer one has. A short text within a long one is a copy of it only while it makes
  up about half of the whole; beyond that, the long one is a report of its own;
- unless what differs is what counts. Notices are written to a pattern: "Internet cut in X on the 3rd" and "Internet cut
  in Y on the 5th" share most of their words. Where a figure, a weekday, a month or a name stands in the one in place of
  another figure, weekday, month or name in the other, that is a contradiction, and a text may hold one for every
  `WORDS_PER_CONTRADICTION` words: corrected figures of an updated report, but not another happening.

Candidates are found by bands of MinHash signatures (`bands`); they are then compared by their words (`similarity`),
because the estimate alone errs near the threshold. The figures behind each constant: `python -m benchmarks.stories`.
"""

import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from rapidfuzz.distance import LCSseq
from rensa import RMinHash

from pipeline.ids import content_id

MIN_EXACT_WORDS = 25
"""Words, notices aside, below which a body proves nothing: equal bodies of real feed items shorter than that are
recurring lead sentences as often as copies."""

MIN_NEAR_WORDS = 30
"""Words, notices aside, below which only exact copies count."""

MIN_SIMILARITY = 0.45
"""Least Jaccard similarity of the shingles of two copies."""

MIN_SHARED = 0.65
"""Least share of the shorter body's shingles that the longer one has."""

WORDS_PER_CONTRADICTION = 60
"""A copy may contradict its original once in so many words of the shorter of both."""

_SLOT_WORDS = 20
_COMPARED_WORDS = 400
"""Contradictions are looked for in places of at most so many words, and in bodies of which one has at most so many:
longer texts are seldom written to a pattern."""

_PERMUTATIONS = 126
_ROWS = 3
"""42 bands of 3 rows find a pair of similarity 0.45 with probability 0.98, one of 0.6 with 0.99997."""

_DIGEST = 32
_LOWEST = int("1" * 2 * _DIGEST, 16)
_LIKELY = 19
"""At the least similarity 31 of the 64 values agree on average, with a deviation of 4."""

_SEED = 20250101
_HEADER = struct.Struct("<4sI")
_MAGIC = b"CDs2"
"""Changes with anything that changes what `sign` returns: words, shingles, permutations, seed."""

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+(?:[,.:'’/-]\w+)*")
_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…]*")
_OPENING = frozenset("\"'“‘«(")
# fmt: off
_NOTICES = (
    "subscri", "sign up", "signed up", "sign in", "log in", "logged in", "register", "newsletter", "cookie",
    "consent", "javascript", "adblock", "ad block", "paywall", "continue reading", "keep reading", "read more",
    "already a member", "free trial", "your browser", "terms of use", "terms of service", "privacy policy",
    "rights reserved", "copyright", "©", "follow us", "share this", "our app", "version of this article",
    "version of this story", "first appeared", "create an account", "your account", "premium", "members only",
    "access denied", "captcha", "you are human", "not a robot", "page not found", "not available in your",
    "editor's note", "editor’s note", "advertisement",
)
"""Words by which a sentence is taken for a notice of the site. Too many are found rather than too few: a sentence of
news that goes with them costs a copy at most, a notice that stays joins strangers."""

_WEEKDAYS = frozenset((
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "mon", "tue", "tues", "wed", "thu",
    "thurs", "fri", "sat", "sun",
))
_MONTHS = frozenset((
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class Parent:
    """An article that another one copies, with its day of publication, and how similar both are (0 to 1)."""

    article_id: str
    day: date | None
    similarity: float

    @property
    def rank(self) -> tuple[float, tuple[bool, date, str]]:
        """The least rank is the best parent: the most similar one and, among equals, the first."""
        return -self.similarity, order(self.day, self.article_id)


class Body:
    """A body as it is compared: what it takes is made when it is asked for, once."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _sentences(self) -> list[str]:
        return list(_told(unicodedata.normalize("NFKC", self.text)))

    @cached_property
    def words(self) -> list[str]:
        """The words, folded, notices aside."""
        return [word for sentence in self._sentences for word in _WORD.findall(sentence.casefold())]

    @cached_property
    def shingles(self) -> frozenset[tuple[str, str, str]]:
        """All sequences of three words."""
        return frozenset(zip(self.words, self.words[1:], self.words[2:], strict=False))

    @cached_property
    def facts(self) -> list[tuple[str, str]]:
        """The words, folded, each with its kind: figure, weekday, month, name, or nothing.

        A capital at the beginning of a sentence or a quotation makes no name.
        """
        return [fact for sentence in self._sentences for fact in _facts(sentence)]


def order(day: date | None, article_id: str) -> tuple[bool, date, str]:
    """Sort key of the order of publication: by day, undated articles last, then by id."""
    return day is None, day or date.min, article_id


def story_id(root_id: str) -> str:
    """The id of the story that the article `root_id` founds."""
    return content_id("story", root_id)


def sign(body: str) -> tuple[str, bytes]:
    """Return the hash of a body's normalised words and its signature: a header and, for longer bodies, a MinHash.

    The header holds the number of words, notices aside. Equal bodies give equal results on every machine.
    """
    everything = _WORD.findall(unicodedata.normalize("NFKC", body).casefold())
    body_hash = hashlib.sha256(" ".join(everything).encode("utf-8", "surrogatepass")).hexdigest()
    words = Body(body).words
    header = _HEADER.pack(_MAGIC, len(words))
    if len(words) < MIN_NEAR_WORDS:
        return body_hash, header
    sketch = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    sketch.update(list(map(" ".join, zip(words, words[1:], words[2:], strict=False))))
    return body_hash, header + _state(sketch)


def number(body: str) -> int:
    """Return the number (64 bits) by which the warehouse knows a body, letter for letter."""
    return int.from_bytes(hashlib.blake2b(body.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def proves(signature: bytes) -> bool:
    """Whether the signed body is long enough for an equal one to be its copy."""
    return _read(signature)[0] >= MIN_EXACT_WORDS


def bands(body_hash: str, signature: bytes) -> list[int]:
    """Return the keys (32 bits) of which a copy shares at least one: of the hash, and of each band of the MinHash.

    None for a body that is too short to prove anything, or a signature of another version.
    """
    words, sketch = _read(signature)
    if words < MIN_EXACT_WORDS:
        return []
    keys = [_key(b"exact", bytes.fromhex(body_hash))]
    if sketch is not None:
        values = sketch.digest()
        for start in range(0, _PERMUTATIONS, _ROWS):
            row = values[start : start + _ROWS]
            keys.append(_key(b"band", struct.pack(f"<{1 + len(row)}I", start, *row)))
    return sorted(set(keys))


def digest(signature: bytes) -> bytes:
    """Return the 32 bytes of a signature by which `is_likely` decides, none for a short body or another version."""
    sketch = _read(signature)[1]
    if sketch is None:
        return b""
    first, second = sketch.digest()[: 2 * _DIGEST : 2], sketch.digest()[1 : 2 * _DIGEST : 2]
    return bytes((one & 15) << 4 | other & 15 for one, other in zip(first, second, strict=True))


def is_likely(one: bytes, other: bytes) -> bool:
    """Whether two digests leave it open that their bodies are near copies: it saves fetching the texts of strangers.

    Four bits are kept of each of 64 values of the MinHash. Of copies of the least similarity one in a thousand is lost.
    """
    if not one or not other:
        return False
    differing = int.from_bytes(one) ^ int.from_bytes(other)
    differing |= differing >> 2
    differing |= differing >> 1
    return 2 * _DIGEST - (differing & _LOWEST).bit_count() >= _LIKELY


def sketch_of(signature: bytes) -> RMinHash | None:
    """Return the MinHash of a signature; None for a short body or another version."""
    return _read(signature)[1]


def similarity(one: Body, other: Body) -> float | None:
    """Return the Jaccard similarity of two bodies whose words are not all equal, or None if they are no copies.

    The order of both doesn't matter.
    """
    if len(one.words) < MIN_NEAR_WORDS or len(other.words) < MIN_NEAR_WORDS:
        return None
    jaccard, shared = overlap(one, other)
    if jaccard < MIN_SIMILARITY or shared < MIN_SHARED:
        return None
    shorter = min(len(one.words), len(other.words))
    if shorter <= _COMPARED_WORDS and len(contradictions(one, other)) > shorter // WORDS_PER_CONTRADICTION:
        return None
    return jaccard


def overlap(one: Body, other: Body) -> tuple[float, float]:
    """Return the Jaccard similarity of two bodies' shingles, and the share of the fewer that are among the others."""
    both = len(one.shingles & other.shingles)
    if not both:
        return 0.0, 0.0
    sizes = len(one.shingles), len(other.shingles)
    return both / (sum(sizes) - both), both / min(sizes)


def contradictions(one: Body, other: Body) -> set[tuple[str, str]]:
    """Return where the bodies contradict each other: what stands in the one, and what in its place in the other.

    A word that both have, be it elsewhere, contradicts nothing.
    """
    first, second = sorted((one, other), key=lambda body: body.text)
    words = [word for word, _ in first.facts], [word for word, _ in second.facts]
    known = set(words[0]), set(words[1])
    found: set[tuple[str, str]] = set()
    for at, instead in _replaced(*words):
        ours = [fact for fact in first.facts[at] if fact[1] and fact[0] not in known[1]]
        theirs = [fact for fact in second.facts[instead] if fact[1] and fact[0] not in known[0]]
        if {kind for _, kind in ours} & {kind for _, kind in theirs}:
            found.add((" ".join(word for word, _ in ours), " ".join(word for word, _ in theirs)))
    return found


def _replaced(first: list[str], second: list[str]) -> Iterator[tuple[slice, slice]]:
    """The places where a few words stand in the one and a few others in the other, the rest being equal."""
    at = instead = 0
    for block in LCSseq.opcodes(first, second):
        if block.tag != "equal":
            continue
        if 0 < block.src_start - at <= _SLOT_WORDS and 0 < block.dest_start - instead <= _SLOT_WORDS:
            yield slice(at, block.src_start), slice(instead, block.dest_start)
        at, instead = block.src_end, block.dest_end
    if 0 < len(first) - at <= _SLOT_WORDS and 0 < len(second) - instead <= _SLOT_WORDS:
        yield slice(at, len(first)), slice(instead, len(second))


def _told(text: str) -> Iterator[str]:
    """The sentences of a text that are no notices."""
    folded = text.casefold()
    notices = [notice for notice in _NOTICES if notice in folded]
    for sentence in _SENTENCE.findall(text):
        low = sentence.casefold()
        if not any(notice in low for notice in notices):
            yield sentence


def _facts(sentence: str) -> Iterator[tuple[str, str]]:
    is_first = True
    for match in _TOKEN.finditer(sentence):
        written = match.group()
        word = re.sub(r"['’]s?$", "", written.casefold())
        capital = written[0].isupper()
        opens = is_first or sentence[match.start() - 1] in _OPENING
        is_first = False
        if any(char.isdigit() for char in written):
            yield word, "figure"
        elif capital and word in _WEEKDAYS:
            yield word, "weekday"
        elif capital and word in _MONTHS:
            yield word, "month"
        else:
            yield word, "name" if capital and not opens else ""


def _key(kind: bytes, data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=4, person=kind).digest(), "little")


def _state(sketch: RMinHash) -> bytes:
    # The library's own serialisation carries the version of its algorithm, which raw digests do not.
    state: bytes = sketch.__reduce__()[2]
    return state


def _read(signature: bytes) -> tuple[int, RMinHash | None]:
    """Return the words, notices aside, and the MinHash of a signature. One of another version compares with nothing."""
    if len(signature) < _HEADER.size or not signature.startswith(_MAGIC):
        return 0, None
    (words,) = _HEADER.unpack_from(signature)[1:]
    state = signature[_HEADER.size :]
    if not state:
        return words, None
    sketch = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    try:
        sketch.__setstate__(state)
    except ValueError:
        return words, None
    return words, sketch

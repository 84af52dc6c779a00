"""Which articles carry the same text: exact and near copies become one story.

A story stands for one independent report. Ten copies of one agency text are ten articles and one story, so they support
an event once. Two bodies are exact copies when their words agree once case, punctuation and spacing are put aside;
near copies when enough of their three-word shingles agree, as a MinHash signature estimates. Titles take no part:
outlets rewrite them. Nor do a site's own notices – "subscribe to continue", "this page uses cookies" – which make
strangers look alike and copies differ.

Short bodies carry too little to tell a copy from a coincidence (teasers, paywall notices, recurring lead sentences):
under `MIN_NEAR_WORDS` words, notices aside, only exact copies count, and under `MIN_EXACT_WORDS` nothing does.

Only an exact copy says the same things as its story for certain. A near copy may add the one paragraph that matters, so
it must still be read; `StoryPlacement.exact` tells the two apart.
"""

import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rensa import RMinHash, RMinHashLSH

from pipeline.ids import content_id

MIN_EXACT_WORDS = 25
"""Words, notices aside, below which a body proves nothing: equal bodies of real feed items shorter than that are
recurring lead sentences as often as copies."""

MIN_NEAR_WORDS = 80
"""Words below which only exact copies count: short notices are written to a pattern ("Internet cut in X for a day")."""

LONG_WORDS = 150
SHORT_THRESHOLD = 0.5
LONG_THRESHOLD = 0.4
"""Least Jaccard similarity of shingles: SHORT where the shorter body has fewer than LONG_WORDS words, else LONG."""

_PERMUTATIONS = 126
_BANDS = 42
"""42 bands of 3 rows find a pair of similarity 0.4 with probability 0.94, one of 0.5 with 0.997."""

_SEED = 20250101
_HEADER = struct.Struct("<4sI")
_MAGIC = b"CDs1"
"""Changes with anything that changes what `sign` returns: words, shingles, permutations, seed."""

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?…\n]+[.!?…]*")
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
# fmt: on
"""Words by which a sentence is taken for a notice of the site. Too many are found rather than too few: a sentence of
news that goes with them costs a copy at most, a notice that stays joins strangers."""


@dataclass(frozen=True, slots=True)
class StorySignature:
    """What is kept of a placed article: enough to place later ones beside it."""

    article_id: str
    story_id: str
    body_hash: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class StoryPlacement:
    """Where an article belongs.

    `exact` says that an earlier article has the same body; `similarity` (0 to 1) is that of the nearest earlier article
    of the story, 0 for a story's first article.
    """

    story_id: str
    exact: bool
    similarity: float


def sign(body: str) -> tuple[str, bytes]:
    """Return the hash of a body's normalised words and its signature: a header and, for longer bodies, a MinHash.

    The header holds the number of words, notices aside. Equal bodies give equal results on every machine.
    """
    text = unicodedata.normalize("NFKC", body).casefold()
    words = _WORD.findall(text)
    body_hash = hashlib.sha256(" ".join(words).encode("utf-8", "surrogatepass")).hexdigest()
    if notices := [notice for notice in _NOTICES if notice in text]:
        words = [
            word
            for sentence in _SENTENCE.findall(text)
            if not any(notice in sentence for notice in notices)
            for word in _WORD.findall(sentence)
        ]
    header = _HEADER.pack(_MAGIC, len(words))
    if len(words) < MIN_NEAR_WORDS:
        return body_hash, header
    sketch = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    sketch.update(list(map(" ".join, zip(words, words[1:], words[2:], strict=False))))
    return body_hash, header + _state(sketch)


class StoryIndex:
    """All placed articles, in memory: a few kilobytes each. Placing depends on the order of placing, and on it only."""

    def __init__(self, known: Iterable[StorySignature] = ()) -> None:
        self._stories: dict[str, str] = {}
        self._bodies: dict[str, tuple[str, int]] = {}
        self._first_with: dict[str, str] = {}
        self._sketches: dict[int, tuple[str, RMinHash]] = {}
        self._placed = 0
        self._near = RMinHashLSH(threshold=LONG_THRESHOLD, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        for one in known:
            self._add(one.article_id, one.story_id, one.body_hash, one.signature)

    def __len__(self) -> int:
        return len(self._stories)

    def place(self, article_id: str, body_hash: str, signature: bytes) -> StoryPlacement:
        """Find the story of an article, given what `sign` made of its body, and remember it there.

        A story that is new is named after this article. An article that is placed a second time stays in its story; if
        its body has changed, it counts as placed last.
        """
        original = self._first_with.get(body_hash)
        if original is not None and original != article_id:
            story_id, exact, similarity = self._stories[original], True, 1.0
        else:
            exact = False
            story_id, similarity = self._nearest(article_id, signature) or (content_id("story", article_id), 0.0)
        story_id = self._stories.get(article_id, story_id)
        if self._bodies.get(article_id, ("", 0))[0] != body_hash:
            self._forget(article_id)
            self._add(article_id, story_id, body_hash, signature)
        return StoryPlacement(story_id, exact, similarity)

    def _add(self, article_id: str, story_id: str, body_hash: str, signature: bytes) -> None:
        self._stories[article_id] = story_id
        words, sketch = _read(signature)
        self._bodies[article_id] = body_hash, words
        if words >= MIN_EXACT_WORDS:
            self._first_with.setdefault(body_hash, article_id)
        if sketch is not None:
            self._near.insert(self._placed, sketch)
            self._sketches[self._placed] = article_id, sketch
        self._placed += 1

    def _forget(self, article_id: str) -> None:
        """Drop what is known of an article's body, as if it had never been placed; it stays in its story."""
        if article_id not in self._bodies:
            return
        body_hash, _ = self._bodies.pop(article_id)
        if self._first_with.get(body_hash) == article_id:
            del self._first_with[body_hash]
            heirs = (one for one, body in self._bodies.items() if body[0] == body_hash and body[1] >= MIN_EXACT_WORDS)
            if (heir := next(heirs, None)) is not None:
                self._first_with[body_hash] = heir
        for key in [key for key, (one, _) in self._sketches.items() if one == article_id]:
            del self._sketches[key]
            self._near.remove(key)

    def _nearest(self, article_id: str, signature: bytes) -> tuple[str, float] | None:
        """Return story and similarity of the most similar near copy; the earliest wins among equals."""
        words, sketch = _read(signature)
        if sketch is None:
            return None
        best: tuple[str, float] | None = None
        for key in sorted(self._near.query(sketch)):
            other_id, other = self._sketches[key]
            other_words = self._bodies[other_id][1]
            similarity = float(sketch.jaccard(other))
            enough = SHORT_THRESHOLD if min(words, other_words) < LONG_WORDS else LONG_THRESHOLD
            if other_id != article_id and similarity >= enough and (best is None or similarity > best[1]):
                best = self._stories[other_id], similarity
        return best


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

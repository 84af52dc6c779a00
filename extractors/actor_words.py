"""The whole words of an actor: a tagger may mark a part of a name or a word too many, and the text says which.

"Internet providers in" loses its last word, "Ministry of" and "transport and" go on to their end, "Borough Council"
gets the name before it. What is returned is always a quote of the text. Nothing is taken from another sentence.
"""

import re

from extractors.bodynames import kind_of
from extractors.reading import Reading
from pipeline.types import ActorKind, Quote


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BODIES = _words(
    """
    ministry department authority agency commission commissioner committee council county court office bureau board
    tribunal parliament assembly police administration directorate inspectorate secretariat ombudsman senate
    """
)
_LOWER_BODIES = ("bank governor", "bank", "regulator", "watchdog", "government", "minister", "ministries", "agencies")
_JOINS = r"(?:of|for|and|&|the|on)"
_CAPITAL = r"[A-Z\u00c0-\u00de][\w.'’&-]*\w"
_BODY = f"(?:{'|'.join((*_BODIES, 'authorities', *_LOWER_BODIES))})"
_CASED_BODY = f"(?:{'|'.join((*_BODIES, *map(str.capitalize, _BODIES), *_LOWER_BODIES))})"
_HEADS = r"(?:ministr(?:y|ies)|departments?|court|bank|university|council|commission|board|assembly|operators?)"
_LEADING = re.compile(r"(?:(?:and|or|by|in|from|with|at|as|that|to|on|for|but|also|both|the|a|an)\s+)+", re.IGNORECASE)
_TRAILING = re.compile(
    r"(?:[\s,]+(?:in|from|across|and|or|by|with|at|as|that|to|on|for|of|the|a|an|has|have|was|is))+$"
)
_HALF_OPEN = re.compile(rf"\s{_JOINS}$|^{_JOINS}$", re.IGNORECASE)
_ON_CAPITALS = re.compile(rf"(?:\s+(?:the\s+)?{_CAPITAL})(?:\s+(?:{_JOINS}\s+){{0,2}}{_CAPITAL}){{0,5}}")
_ON_LIST = re.compile(rf"(?:\s+[a-z][a-z-]+){{0,3}}?\s+{_BODY}(?![\w-])")
# What stands between a noun and its body is no verb and no second party.
_ON_LOWER = re.compile(rf"(?:\s+(?!and\b|or\b)[a-z][a-z-]*(?<!s)(?<!ed)){{0,2}}?\s+{_BODY}(?![\w-])")
_ON_BODY = re.compile(rf"(?:\s+(?:{_JOINS}\s+)?{_CAPITAL}){{0,3}}?\s+{_CASED_BODY}(?![\w-])")
_NAME_BEFORE = re.compile(rf"(?:{_CAPITAL}\s+){{1,3}}$")
_HEAD_BEFORE = re.compile(rf"(?:(?:{_CAPITAL}\s+){{1,4}}|{_HEADS}\s+)$")
_NO_NAMES = frozenset(
    _words(
        """
        after when while as and but then since although though if because the a an on in at by for with from to of under
        last this that these those its their his her our also now today yesterday tomorrow here there where what why how
        monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
        september october november december says said meanwhile earlier later both only even one two three
        """
    )
)
_HEADLINE_SHARE = 0.7
NEAR = 160
_ACTS = re.compile(
    r"(?:s|er|or|ist|ian|man|woman|people|staff|judiciary|military|senate|chamber|church|clergy|parish|club)$"
)


def completed(reading: Reading, actor: Quote) -> Quote:
    """Return the actor's whole words, or `actor` where nothing is missing or too many.

    Only the words of the same sentence count, `NEAR` characters of it on either side.
    """
    text = reading.text
    first, last = reading.sentence(actor.start)
    first, last = max(first, actor.start - NEAR), min(last, actor.end + NEAR)
    start, end = actor.start, actor.end
    if text[start : start + 2] in ("s ", "s") and start > first and text[start - 1] in "'’":
        start = min(start + 2, end)
    lead = _LEADING.match(text, start, end)
    if lead is not None and lead.end() < end:
        start = lead.end()
    titled = _is_headline(text[first:last])
    end = _end(text, start, end, last, titled=titled)
    trail = _TRAILING.search(text[start:end])
    if trail is not None and trail.start() > 0:
        end = start + trail.start()
    if not titled:
        start = _start(text, first, start, end)
    opened = text.rfind("(", start, end)
    if opened > start and ")" not in text[opened:end]:
        end = start + len(text[start:opened].rstrip())
    if start >= end or (start, end) == (actor.start, actor.end):
        return actor
    return Quote(text[start:end], start, end)


def names_nobody(words: str) -> bool:
    """Whether words are a single common noun that stands for no body ("regulation", "data")."""
    return words.isalpha() and words.islower() and kind_of(words) is ActorKind.OTHER and not _ACTS.search(words)


def _end(text: str, start: int, end: int, last: int, *, titled: bool) -> int:
    """Return where the words end: after the name or the noun that they lead to."""
    words = text[start:end]
    if not words.strip():
        return end
    if _HALF_OPEN.search(words):
        found = _ON_LIST.match(text, end, last) or (None if titled else _ON_CAPITALS.match(text, end, last))
        return end if found is None else found.end()
    final = words.split()[-1]
    if kind_of(final) is not ActorKind.OTHER:
        return end
    on = _ON_LOWER if final.islower() else _ON_BODY
    found = None if titled and on is _ON_BODY else on.match(text, end, last)
    return end if found is None else found.end()


def _start(text: str, first: int, start: int, end: int) -> int:
    """Return where the words start: before the head of "of …", and before the name that "Borough Council" lacks."""
    words, before = text[start:end], text[first:start]
    if words.startswith("of "):
        found = _HEAD_BEFORE.search(before)
        if found is not None:
            return first + _after_no_names(before, found.start())
        lead = _LEADING.match(text, start + len("of "), end)
        return start + len("of ") if lead is None else lead.end()
    if not words[:1].isupper() or not _lacks_its_name(words):
        return start
    found = _NAME_BEFORE.search(before)
    return start if found is None else first + _after_no_names(before, found.start())


def _after_no_names(before: str, start: int) -> int:
    """Return the place in `before` from which all words may belong to a name."""
    place = len(before)
    for match in reversed(list(re.finditer(r"\S+\s+", before[start:]))):
        if match[0].strip().lower().rstrip(".") in _NO_NAMES:
            break
        place = start + match.start()
    return place


def _lacks_its_name(words: str) -> bool:
    """Whether the words are nouns of bodies alone ("Borough Council")."""
    tokens = words.split()
    return len(tokens) >= 2 and all(kind_of(token) is ActorKind.SUBNATIONAL for token in tokens)


def _is_headline(sentence: str) -> bool:
    """Whether nearly every word has a capital, which then tells nothing about names."""
    words = [word for word in re.findall(r"[^\W\d_][\w'’-]*", sentence) if word.lower() not in _NO_NAMES]
    return len(words) > 2 and sum(word[0].isupper() for word in words) >= _HEADLINE_SHARE * len(words)

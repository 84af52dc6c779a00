"""What rules read off the words around a trigger: status, scope, reason, and whether it is denied.

Shared by every baseline of rules, so that they differ in how they find an event and its parties and in nothing else.
Written from the annotation guidelines and the train passages; held-out passages chose nothing. Needs Python alone.
"""

import re
from collections.abc import Callable
from typing import Any, Final

Span = tuple[int, int]

_DENIED: Final = re.compile(
    r"\b(?:not|never|no|without|unclear whether|if|n't|denies|denied)(?:\s+\w+){0,2}\s*$", re.IGNORECASE
)
_REJECTED: Final = re.compile(
    r"\b(?:reject\w*|voted down|vetoed|struck down|no plans? to|ruled out|dropped plans|refus\w+ to|declined to)\b",
    re.IGNORECASE,
)
_PROPOSED: Final = re.compile(
    r"\b(?:bill|propos\w+|consider\w*|weigh\w*|could|may|might|would|should|mull\w*|call(?:s|ed|ing)? (?:for|on)|"
    r"urg\w+|push(?:es|ing|ed)? (?:for|to)|seek\w*|threaten\w*|draft|ask(?:s|ed) \w+ to|debat\w+)\b",
    re.IGNORECASE,
)
_ANNOUNCED: Final = re.compile(
    r"\b(?:will|to be|plans? to|planning to|set to|going to|is to|are to|announced|from next|starting|upcoming)\b",
    re.IGNORECASE,
)
_REASON: Final = re.compile(
    r"\b(?:citing|cited|over|due to|because of|amid|owing to|on (?:the )?grounds? of|in response to|"
    r"to protect|to prevent|to curb|for (?=violating|failing|breaching|spreading))\s+"
    r"(?:the |its |their |a |an |possible |alleged )?"
    r"(?P<words>[^,.;:()\n“”\"]{4,70})",
    re.IGNORECASE,
)
_SCOPE: Final = re.compile(
    r"\b(?:on|from|in|for|by|across|to)\s+(?:the |its |their |all of the )?(?P<words>(?:all |most |some |new )?"
    r"(?:(?:state|federal|government|official|public|work|company|city|municipal|school|military|police|parliament\w*)"
    r"[- ]?(?:owned |issued |run )?(?:devices|phones|computers|networks|laptops|employees|workers|agencies|schools|"
    r"bodies|servants|staff|equipment|systems|sector)"
    r"|employees|staff|students|pupils|children|minors|teenagers|schools|classrooms|campus(?:es)?|universities|"
    r"(?:children|users|minors|teens|teenagers) (?:under|younger than|below) (?:the age of )?\d+|under[- ]\d+s|"
    r"(?:several|some|parts? of|\w+) (?:districts|areas|regions|cities|states|provinces|towns)(?: of (?:[A-Z]\w+ ?)+)?|"
    r"app stores?|exports?(?: to [A-Z]\w+)?|new downloads(?: in [A-Z]\w+)?))"
)
_CLASSES: Final = (
    ("privacy", r"privacy|personal (?:data|information)|data protection|gdpr|biometric|surveillance"),
    (
        "national_security",
        r"national security|espionage|spying|foreign|sovereignty|military|intelligence|beijing|chinese",
    ),
    ("cybersecurity", r"cyber|leak|hack|malware|vulnerab|breach|data security|infosec"),
    (
        "content",
        r"content|obscen|hate|misinformation|disinformation|fake|false|porn|blasphem|immoral|insult|propaganda",
    ),
    ("child_protection", r"child|minor|teen|young|kids|under-?\d+|mental health"),
    (
        "public_order",
        r"protest|unrest|election|exam|violence|riot|conflict|coup|tension|rumou?r|law and order|clashes|war",
    ),
    ("legal", r"licen[cs]e|law|court|tax|regulation|illegal|unlawful|compl[yi]|register|rules|order"),
    ("competition", r"competit|antitrust|monopol|market|trade|dominan"),
    ("intellectual_property", r"copyright|piracy|pirat|patent|intellectual"),
    ("safety", r"safety|health|accident|accura|harm"),
    ("productivity", r"productiv|distract|concentrat|attention|cheat|plagiar"),
)
_SECURITY: Final = re.compile(r"security", re.IGNORECASE)
_PATTERNS: Final = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _CLASSES)


_NETWORK: Final = re.compile(
    r"internet|mobile data|broadband|network|connectivity|telephone|phone service", re.IGNORECASE
)
_SIDES: Final = {"warn": 1, "investigate": 1, "penalize": 1, "lift": 2}


def measure(action: str, service: str) -> str:
    """Return the class of an action: a connection that is banned, suspended or removed is cut, hence blocked."""
    return "block" if action in ("ban", "suspend", "remove") and _NETWORK.search(service) else action


def distinct(found: list[dict[str, Any]], sentence: Callable[[int], Span]) -> list[dict[str, Any]]:
    """Keep, of events on one side about one service in one sentence, that with the nearest trigger."""
    kept: dict[tuple[int, Span, int], dict[str, Any]] = {}
    for one in found:
        key = (sentence(one["trigger"][0])[0], one["service"], _SIDES.get(one["action"], 0))
        if key not in kept or _apart(one) < _apart(kept[key]):
            kept[key] = one
    return list(kept.values())


def _apart(one: dict[str, Any]) -> int:
    return max(one["trigger"][0] - one["service"][1], one["service"][0] - one["trigger"][1])


def denied(text: str, start: int, sentence: Span) -> bool:
    """Whether the words just before a trigger deny or doubt it; a stated refusal is another status, and no denial."""
    return _DENIED.search(text[sentence[0] : start]) is not None


def status(text: str, trigger: Span, sentence: Span) -> str:
    """Return the status that the words of the sentence up to a little after the trigger give."""
    around = text[max(sentence[0], trigger[0] - 60) : min(sentence[1], trigger[1] + 12)]
    if _REJECTED.search(around):
        return "rejected"
    if _PROPOSED.search(around):
        return "proposed"
    return "announced" if _ANNOUNCED.search(text[max(sentence[0], trigger[0] - 25) : trigger[1]]) else "in_force"


def reason(text: str, sentence: Span) -> tuple[Span, list[str]] | None:
    """Return the words of the sentence's first reason and their classes; None where it states none of a known class."""
    for match in _REASON.finditer(text, *sentence):
        words = match["words"]
        classes = [name for name, pattern in _PATTERNS if pattern.search(words)]
        if not classes and _SECURITY.search(words):
            classes = ["security"]
        if classes:
            return (match.start("words"), match.start("words") + len(words.rstrip())), classes[:2]
    return None


def scope(text: str, sentence: Span) -> Span | None:
    """Return the sentence's first words that tell for whom or on what."""
    match = _SCOPE.search(text, *sentence)
    return None if match is None else match.span("words")


def event(action: str, trigger: Span, service: Span, text: str, sentence: Span) -> dict[str, Any]:
    """Return a found event as plain values, spans as offsets of `text`; actor and date are yet to be found."""
    stated = reason(text, sentence)
    return {
        "action": action,
        "status": status(text, trigger, sentence),
        "trigger": trigger,
        "service": service,
        "actor": None,
        "scope": scope(text, sentence),
        "date": None,
        "reason": None if stated is None else stated[0],
        "reason_classes": [] if stated is None else stated[1],
    }

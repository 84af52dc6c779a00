"""What a page shows before or instead of its article: paywalls, error pages, checks for robots, walls of consent.

These are labels. Nothing is deleted for them.
"""

import re
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from pipeline.notices import is_withdrawn

STUB: Final = 1_500
"""Characters of body below which the words of a wall on the page mean that the rest is behind it."""
NOTICE: Final = 800
"""Characters of body below which it may be a notice: error pages and walls are short."""
OPENING: Final = 300
"""Characters of a notice within which it says what it is."""
SAME_TITLE: Final = 80
"""rapidfuzz's token-set ratio, 0–100, from which page and feed mean one headline."""
WEAK_SIGNS: Final = 2

# Titles of pages that stand where the article was. Anchored: "TikTok videos not found harmful" is a headline.
_THING = r"(?:page|article|story|content|file|file or directory|resource|url|post|link)"
NOT_FOUND = re.compile(
    rf"\W*(?:(?:sorry|oops|uh[- ]oh|whoops|error|http)\W*)*(?:404\b.*|410 gone|not found\W*|gone\W*|"
    rf"(?:(?:the|this|that|your) )?(?:requested )?{_THING}(?: (?:you|that you).{{0,40}}?)? "
    r"(?:(?:was |is )?not found|(?:doesn.t|does not|no longer) exists?|(?:can.t|cannot|could not|couldn.t) be found|"
    r"(?:has been|was) (?:removed|deleted|moved)|"
    r"(?:is (?:currently )?(?:no longer |not |un)|isn.t (?:currently )?)available)\b.*|"
    rf"(?:we )?(?:can.t|cannot|couldn.t|could not) find (?:the|that|this|your) {_THING}\b.*|"
    r"(?:sorry|oops|uh[- ]oh|whoops)\W*|something went wrong\W*|(?:an )?error (?:has )?occurred\W*|"
    r"(?:50[0-4]|internal server|bad gateway|service (?:temporarily )?unavailable)\b.{0,40})",
    re.IGNORECASE,
)
BOT_CHECK = re.compile(
    r"\W*(?:just a moment|attention required|access (?:to this (?:page|site|website) (?:has been |is )?)?denied|"
    r"are you (?:a )?(?:human|robot)|verify(?:ing)? (?:that )?you are (?:a )?human|human verification|captcha|"
    r"security check|checking your browser|please (?:verify|enable (?:javascript|cookies))|pardon our interruption|"
    r"one more step|unusual traffic|you have been blocked|403\b|forbidden|ddos-guard|robot check)\b.{0,60}",
    re.IGNORECASE,
)
CONSENT_WALL = re.compile(
    r"\W*(?:before you continue|we (?:value|care about|respect) your privacy|"
    r"your privacy (?:choices|matters|is important)|"
    r"(?:cookie|privacy) (?:consent|settings|preferences|notice)|consent (?:required|needed)|manage (?:your )?consent)"
    r"\b.{0,60}",
    re.IGNORECASE,
)
REGION_WALL = re.compile(
    r"\W*(?:451\b.*|unavailable (?:for|due to) legal reasons\b.*|"
    r"(?:this (?:site|website|content|page) is )?(?:un|not |currently un)available in your "
    r"(?:country|region|location|area)\b.*)",
    re.IGNORECASE,
)
TITLES: Final = (
    (NOT_FOUND, "the page says that it was not found"),
    (BOT_CHECK, "the page is a check for robots, not the article"),
    (CONSENT_WALL, "the page asks for consent, and shows no article"),
    (REGION_WALL, "the page isn't shown in this region"),
)
# What such pages say in their first words, where their title tells nothing.
OPENINGS: Final = (
    (
        re.compile(
            rf"{_THING}(?: (?:that )?you(?:.ve|.re| are| have)?(?: \w+){{1,5}}?)? "
            r"(?:was not found|cannot be found|can.t be found|could not be found|couldn.t be found|does not exist|"
            r"doesn.t exist|no longer exists|may have (?:been )?(?:moved|removed|deleted|expired)|has been removed)|"
            rf"(?:can.t|cannot|couldn.t|could not|unable to) (?:seem to )?find (?:the|that|this) {_THING}",
            re.IGNORECASE,
        ),
        TITLES[0][1],
    ),
    (
        re.compile(
            r"enable (?:javascript and cookies|cookies and javascript|javascript|cookies) (?:to|and) "
            r"(?:continue|view|proceed|reload)|verify (?:that )?you are (?:a )?(?:human|not a robot)|"
            r"unusual (?:traffic|activity) from your|"
            r"not a robot|checking (?:if the site connection|your browser)|you don.t have permission to access|"
            r"(?:performance|security) (?:&|and|by) (?:security|performance)?\s*(?:by )?cloudflare|"
            r"your (?:request|access|ip(?: address)?) (?:has been|was) blocked",
            re.IGNORECASE,
        ),
        TITLES[1][1],
    ),
    (
        re.compile(
            r"we(?:,)? and our (?:\d+ )?(?:\w+ )?(?:partners|vendors)\b.{0,120}\b(?:cookies|store|process)|"
            r"(?:accept|agree to) (?:all )?(?:the )?(?:use of )?cookies (?:in order )?to (?:continue|read|view|access)|"
            r"to continue (?:reading |browsing )?(?:for free )?with (?:advertising|ads)",
            re.IGNORECASE | re.DOTALL,
        ),
        TITLES[2][1],
    ),
    (
        re.compile(
            r"(?:unavailable|not available|can(?:no|.)t be (?:shown|viewed|accessed)|blocked) (?:\w+ ){0,3}(?:in|from) "
            r"your (?:country|region|location|area)|from (?:a country belonging to )?the european economic area|"
            r"unavailable (?:for|due to) legal reasons|in most european countries",
            re.IGNORECASE,
        ),
        TITLES[3][1],
    ),
)

_GOING_ON = r"(?:continue(?: reading)?|keep reading|read on|go on reading|read more|unlock)"
_REST = r"(?:the rest|the full (?:article|story|text)|this (?:article|story|piece)|in full|full access)"
_JOINING = r"(?:subscribe|register|sign up|sign in|log ?in|join|become a (?:member|subscriber))"
STRONG = re.compile(
    rf"{_JOINING}\b[^.!?\n]{{0,40}}? to (?:{_GOING_ON}|read {_REST}|read)\b|"
    rf"to (?:{_GOING_ON}|read {_REST})\b[^.!?\n]{{0,30}}?[,:]? (?:please )?{_JOINING}\b|"
    r"(?:to|and) continue reading (?:this|the|with|,|for)|"
    r"(?:article|story|content|analysis|report|post|piece|section) is (?:only |exclusively )?(?:available (?:only )?)?"
    r"(?:to|for|reserved for) (?:\w+ )?(?:subscribers|members)|(?:for|exclusive to) (?:subscribers|members) only|"
    rf"read {_REST} with\b|unlock (?:this|the full) (?:article|story)|"
    r"(?:reached|used|read) (?:all )?(?:of )?your (?:\w+ ){0,3}(?:limit|free (?:articles?|stor(?:y|ies)))|"
    r"create (?:a|an|your) (?:free )?account to (?:continue|keep|read)",
    re.IGNORECASE,
)
WEAK: Final = (
    re.compile(r"already (?:a |have a |have an )?(?:subscri|member|account|registered)", re.IGNORECASE),
    re.compile(
        r"\bsubscribe (?:now|today|(?:for|from) (?:just |only )?[$£€\d])|become a (?:member|subscriber)|"
        r"join (?:now|today)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"free trial|free for \d+ (?:days|months?)|cancel any ?time|unlimited (?:digital )?access", re.IGNORECASE
    ),
    re.compile(r"\b(?:members?|subscribers?)[- ](?:only|exclusive)|premium (?:article|content|story)", re.IGNORECASE),
    re.compile(r"\d+ (?:of \d+ )?free (?:articles?|stor(?:y|ies))", re.IGNORECASE),
)
CUT_OFF = re.compile(r"(?:…|\.\.\.|\[…\]|\[\.\.\.\])\W*$")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: headline, body, and all text around it where the body is short (else empty).

    `free` is whether the page declares itself free to read, `locked` whether its markup calls it locked, `words` how
    many it states to have.
    """

    title: str
    body: str
    around: str = ""
    free: bool | None = None
    locked: bool = False
    words: int | None = None


def not_the_article(shown: Shown, feed_title: str = "") -> str | None:
    """Return what a page that answers 200 is instead of the article that the feed calls `feed_title`, or None.

    A notice that the article was withdrawn is the publisher's word on it, and stands for it.
    """
    if len(shown.body) >= STUB or _is_same(shown.title, feed_title) or is_withdrawn(shown.title, shown.body):
        return None
    for title, what in TITLES:
        if title.fullmatch(shown.title):
            return what
    if len(shown.body) >= NOTICE:
        return None
    opening = (shown.body or shown.around)[:OPENING]
    return next((what for words, what in OPENINGS if words.search(opening)), None)


def is_paywalled(shown: Shown) -> bool:
    """Return whether only the part before a paywall could be read.

    Publishers declare whole articles as not free, too, that they show with a counter: a declaration counts where the
    text is short, breaks off, or has fewer words than stated.
    """
    short = len(shown.body) < STUB
    if shown.free is False or shown.locked:
        missing = shown.words is not None and len(shown.body.split()) < shown.words / 2
        if short or missing or CUT_OFF.search(shown.body):
            return True
    if not short:
        return False
    if STRONG.search(shown.around):
        return True
    weak = sum(1 for sign in WEAK if sign.search(shown.around))
    return weak >= WEAK_SIGNS or (weak > 0 and CUT_OFF.search(shown.body) is not None)


def _is_same(title: str, feed_title: str) -> bool:
    return bool(feed_title) and fuzz.token_set_ratio(title.lower(), feed_title.lower()) >= SAME_TITLE

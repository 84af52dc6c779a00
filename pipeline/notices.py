"""Notices by which a publisher takes an article back, or corrects it, in the article's place.

They are short, and they speak of the article itself: news about somebody else's retraction is news.
"""

import re
from typing import Final

LONGEST: Final = 900
"""Characters of body above which a text is an article, whatever it says of itself."""

_IT = (
    r"(?:this|our|the|an? (?:earlier|previous) version of (?:this|the|our)) "
    r"(?:(?:above|original|following|earlier|news) )?(?:article|story|report|piece|post|item|column|dispatch)"
)
_BACK = r"(?:retracted|withdrawn|(?:un|de-?)published)"
_FAULT = (
    r"(?:inaccura|incorrect|error|mistake|false\b|untrue|wrong|unfounded|misle|not meet|standards|not be verified|"
    r"could ?n.t (?:be )?verif|fabricat|unverified|in breach)"
)
_WITHDRAWN: Final = (
    re.compile(rf"\b{_IT}\b[^.!?\n]{{0,200}}?\b(?:has|have|had|was|is|were)(?: now| since)?(?: been)? {_BACK}\b", re.I),
    re.compile(
        rf"\bwe (?:have |are |hereby )*(?:now )?(?:retract(?:ed|ing)?|withdr(?:ew|awn|awing)|withdraw) {_IT}\b", re.I
    ),
    re.compile(
        rf"\b{_IT}\b[^.!?\n]{{0,120}}?\b(?:has been|was|have|is being) (?:removed|taken down|deleted)\b"
        rf"[^!?]{{0,200}}?{_FAULT}",
        re.I,
    ),
    re.compile(r"\bis withdrawn\b[^!?]{0,80}\b(?:no substitute|substitute story|replacement)\b", re.I),
    re.compile(
        r"\A\W*(?:(?:editor.s )?note\W+)?(?:retraction|retracted|withdrawn|story withdrawn)\s*[:.\u2013\u2014-]", re.I
    ),
)
_WITHDRAWN_TITLE: Final = re.compile(
    r"\A\W*(?:retracted|retraction|withdrawn|story withdrawn)\b\s*[]:\u2013\u2014-]", re.I
)
_CORRECTED: Final = re.compile(
    r"\b(?:correct(?:ion|ed|s)|clarif(?:ication|ied|ies))\b\s*[:(\u2013\u2014-]|"
    r"\ban? (?:earlier|previous|prior|original) version of (?:this|the|our)\b|"
    rf"\b{_IT} (?:has been|was) (?:corrected|amended|updated to correct|changed to correct)\b|"
    r"\bwe (?:apologi[sz]e for|regret) (?:the|this|our) (?:error|mistake)\b",
    re.I,
)


def is_withdrawn(title: str, body: str) -> bool:
    """Whether a text is a notice that its article was taken back: of what it had stated, it states nothing now."""
    if len(body) > LONGEST:
        return False
    return _WITHDRAWN_TITLE.match(title) is not None or any(words.search(body) for words in _WITHDRAWN)


def is_notice(title: str, body: str) -> bool:
    """Whether a text says of itself that it withdraws or corrects an article."""
    return is_withdrawn(title, body) or (len(body) <= LONGEST and _CORRECTED.search(body) is not None)

"""Whether a feed's item holds the whole article, so that no page need be fetched for it."""

import re
from typing import Final

from pipeline.types import Entry

MIN_CHARACTERS: Final = 2_500
"""Feeds that give the first paragraphs only seldom give more than 2,000."""
MIN_PARAGRAPHS: Final = 4
LONG_PARAGRAPH: Final = 120
"""Characters from which a line is a paragraph of prose, not an entry of a list or a caption."""
PROSE_SHARE: Final = 0.6
"""Share of the text that lies in such paragraphs: digests and lists of links have less."""
LONGER: Final = 2.0
"""How many times as long as the summary a whole article is at least."""
TAIL: Final = 600
"""Characters at the end in which marks of feeds and of cuts stand."""

# What WordPress and others put behind the text of each item.
FOOTER = re.compile(
    r"\s*(?:\bThe (?:post|article|story|entry) (?:(?!\bThe (?:post|article|story|entry) ).){1,400}?"
    r"\b(?:appeared first|first appeared|was first published) (?:on|in|at) .{1,200}|"
    r"\n(?:Share this|Filed under|Tagged|Tags|Like this|Related|Advertisements?|Comments?|Share|Tweet)\b:?.{0,100})\Z",
    re.IGNORECASE | re.DOTALL,
)
CUT = re.compile(
    r"(?:…|\.\.\.|\[(?:\W|&hellip;)*\]|\(more\W*\)|[»›→]|>>|\[\+\d+ chars?\])\W*\Z|"
    r"\b(?:read (?:more|on|the (?:rest|full|whole|entire|complete))|continue reading|keep reading|(?:view|see) more|"
    r"click (?:here )?to (?:read|continue|view)|click here|full (?:story|article|text|report)|find out more|learn more|"
    r"(?:more|rest) at|(?:story|article) continues)\b[^\n]{0,150}\Z",
    re.IGNORECASE,
)
PAYWALL = re.compile(
    r"\b(?:subscribers?[ -]only|(?:for|to) (?:our )?(?:paid |paying |premium )?(?:subscribers|members)\b.{0,40}\Z|"
    r"already a (?:subscriber|member)|subscribe (?:now |today )?to (?:continue|read|keep|unlock|get|access)|"
    r"(?:sign|log) in to (?:continue|read|keep)|to (?:continue|keep) reading|"
    r"unlock (?:this|the) (?:article|story|post)|premium (?:content|article)|"
    r"become a (?:member|subscriber)|paywall(?:ed)? (?:article|story))",
    re.IGNORECASE | re.DOTALL,
)
SENTENCE_END = re.compile(r"[.!?。！？]['\"”’»)\]]*\Z")


def without_footer(text: str) -> str:
    """Return `text` without what feeds put behind an article ("The post … appeared first on …", "Share this")."""
    while (match := FOOTER.search(text, max(0, len(text) - TAIL))) is not None and match.start() > 0:
        text = text[: match.start()].rstrip()
    return text


def has_full_text(entry: Entry, source_says: bool | None) -> bool:
    """Return whether the content of `entry` is the whole article.

    `source_says` is what the operator says of the source's items: False is believed, True as far as the content isn't
    visibly cut off, and None asks for every sign of a whole: several paragraphs of prose, much more than a teaser has
    and than the summary, that end with a sentence and neither with a mark of a cut nor with words of a paywall.
    In doubt the answer is no: a page fetched in vain costs a second, a part taken for the whole costs its events.
    """
    text = without_footer(entry.content)
    tail = text[-TAIL:]
    if source_says is False or not text or CUT.search(tail):
        return False
    if source_says:
        return True
    paragraphs = [line for line in text.split("\n") if len(line) >= LONG_PARAGRAPH]
    return (
        len(text) >= MIN_CHARACTERS
        and len(paragraphs) >= MIN_PARAGRAPHS
        and sum(map(len, paragraphs)) >= PROSE_SHARE * len(text)
        and len(text) >= LONGER * len(entry.summary)
        and SENTENCE_END.search(tail) is not None
        and PAYWALL.search(tail) is None
    )

"""Internet access by the kind of line: "mobile and broadband services" are the internet, "3G/4G data" the mobile one.

Only phrases made of nothing but words for lines, their generations and what runs over them are read.
"""

import re

from extractors.folding import key


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOBILE = _words("mobile mobiles cellular wireless cell 2g 3g 4g 5g gsm lte")
_FIXED = _words("broadband fixed fixedline fixedlines wireline wired fibre fiber adsl dsl cable wifi")
_CARRIED = _words("internet data")
_REST = _words(
    """
    service services network networks connection connections access connectivity line lines traffic all both most
    optic optical speed high postpaid prepaid facilities
    """
)
_JOINED = re.compile(r"\band\b|\bas well as\b|[/,&]", re.IGNORECASE)
_OPERATORS = re.compile(r"\s+(?:on|of|from|by|across)\s+(?:[A-Z][\w&-]*(?:\s*,\s*|\s+and\s+|\s+|$))+$")


def network(words: str) -> str | None:
    """Return "internet", "mobile internet", "broadband internet" or "Wi-Fi" for words that say just that, or None.

    Mobile and fixed lines together are the internet. "Mobile services" alone may be telephony, so they need "internet"
    or "data"; "on Irancell and MCI" only says whose lines they are. A single generation ("4G internet") is not read.
    """
    words = _OPERATORS.sub("", words)
    joined = bool(_JOINED.search(words))
    tokens = _tokens(words)
    if not tokens or not tokens <= _MOBILE | _FIXED | _CARRIED | _REST:
        return None
    mobile, fixed = tokens & _MOBILE, tokens & _FIXED
    generations = [token for token in mobile if token[0].isdigit()]
    if mobile and fixed and joined:
        return "internet"
    if mobile and tokens & (_CARRIED | {"broadband"}) and not (fixed - {"broadband"}):
        return "mobile internet" if len(generations) != 1 else None
    if tokens & {"wifi"} and not mobile:
        return "Wi-Fi" if fixed == {"wifi"} else None
    if "broadband" in fixed and not mobile:
        return "broadband internet"
    return None


def _tokens(words: str) -> frozenset[str]:
    folded = key(words).replace("as well as", " ")
    for apart in ("pre paid", "post paid", "fixed line", "wi fi"):
        folded = folded.replace(apart, apart.replace(" ", ""))
    return frozenset(folded.split()) - {"and", "the"}

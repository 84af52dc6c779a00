"""Publishers' words made harmless: as one line of plain text, as Markdown, as a link that says where it leads.

Whatever a title, a quote or a name holds, it is read as text: it can't begin a heading, a list or a tag, link anywhere,
steer a terminal, turn its own order or add a header to a mail.
"""

import re
import unicodedata
from urllib.parse import urlsplit

from pipeline.urls import absolute_url

_JOINERS = frozenset("\u200c\u200d")
"""Without them Persian, Indic scripts and emoji fall apart."""

_UNSEEN = frozenset("\xad\u200b\u2060\ufeff")
"""Places where a line may or may not break: nothing is to be seen of them, and nothing is lost."""

_MARKS = re.compile(r"([\\`*_{}\[\]<>|~&#!$])")
_LINKED = re.compile(r"(?i)(://|\bwww\.|@)")
"""What GitHub's Markdown makes a link of without being told."""

_AT_START = re.compile(r"^(\d*)([-+=.)])")
"""What begins a list or underlines a heading, with the number of an entry."""


def line(text: str, width: int | None = None) -> str:
    """`text` as one line that shows all there is to be seen of it, cut to `width` characters with an ellipsis."""
    # Most text is printable throughout: then a blank is the only space in it.
    shown = " ".join(visible(text).split())
    return shown if width is None or len(shown) <= width else shown[: width - 1].rstrip() + "…"


def visible(text: str) -> str:
    """`text` with all there is to be seen of it, blanks as they are: a part of a line."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character in _UNSEEN:
        return ""
    # Blanks of other scripts, line breaks and tabs part words.
    return " " if character.isspace() or unicodedata.category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"


def markdown(text: str) -> str:
    """`text` as one line of Markdown that reads as it stands, wherever in a paragraph, cell or list it is put."""
    escaped = _LINKED.sub(_parted, _MARKS.sub(r"\\\1", line(text)))
    return _AT_START.sub(r"\1\\\2", escaped)


def _parted(found: re.Match[str]) -> str:
    word = found[0]
    return f"{word[:-1]}\\." if word.endswith(".") else f"\\{word}"


def link(words: str, url: str) -> str:
    """A Markdown link to an http(s) address; only the words where the address is none."""
    address = web_address(url)
    return markdown(words) if address is None else f"[{markdown(words)}](<{address}>)"


def web_address(url: str) -> str | None:
    """`url` as an http(s) address in ASCII that fits between angle brackets; None where it is none."""
    found = absolute_url(url)
    # Where the address is well-formed these are encoded already; a mail client may end a link at either.
    return None if found is None else found.replace("<", "%3C").replace(">", "%3E").replace('"', "%22")


def host(url: str) -> str | None:
    """The host of an http(s) address as it is asked for, in ASCII, so that no letter passes for another."""
    found = absolute_url(url)
    return None if found is None else (urlsplit(found).hostname or "").removeprefix("www.") or None

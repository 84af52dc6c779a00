"""Bytes to text: which encoding a feed or page is really in, whatever its labels say."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

from charset_normalizer import from_bytes

# What browsers take these labels to mean (WHATWG Encoding Standard): supersets that decode what publishers really send.
SUPERSETS = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
# Python also knows codecs that are no character sets of the web (hex, punycode, unicode_escape): those are refused.
WEB = re.compile(
    r"utf-(8|16|16-le|16-be|32|32-le|32-be)|iso8859-\d+|cp(125\d|874|866|932|949)|koi8-[ru]|mac-(roman|cyrillic)|"
    r"gb18030|big5hkscs|euc_jp|iso2022_(jp|kr)|hz"
)
LATIN = re.compile(r"cp125[02478]|iso8859-(1|2|3|4|9|1\d)|mac-roman")
SEVEN_BIT = {"iso2022_jp": b"\x1b", "iso2022_kr": b"\x1b", "hz": b"~{"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# "<" in two or four bytes: wide encodings that came without a byte order mark.
WIDE = (
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
REPLACEMENT = "�"
GOOD_PER_BAD = 4
"""Valid UTF-8 sequences per broken one from which a text counts as damaged UTF-8 rather than as something else."""
SAMPLE = 20_000
"""Bytes looked at when nothing but statistics can tell the encoding."""

UNDEFINED = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})
TWICE_ENCODED = "utf-8 that was taken for windows-1252 and encoded again"
# Each character of cp1252 as the byte it stands for; the five bytes without one stand for themselves, as in browsers.
CP1252_BYTES = {ord(bytes([byte]).decode("cp1252")): byte for byte in range(0x80, 0xA0) if byte not in UNDEFINED}

XML_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
META_CHARSET = re.compile(rb"""<meta[^>]+?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)""", re.IGNORECASE)
HTTP_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the Python name of the encoding it came in, and what was wrong with its labels, if anything."""

    text: str
    encoding: str
    issue: str | None = None


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """Return `body` (HTML, XML, JSON or plain text) as text without a byte order mark; never raises.

    A byte order mark decides; then bytes that are valid UTF-8 are UTF-8, since no other encoding looks like it by
    chance; then the HTTP header, the XML declaration and `<meta charset>`; then statistics. Bytes that fit nowhere
    become U+FFFD. UTF-8 that a publisher encoded twice is read once more.
    """
    for mark, encoding in BOMS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], encoding, issue=None)
    for start, encoding in WIDE:
        if body.startswith(start):
            return _decoded(body, encoding, issue=None)
    labels = list(declared(body, content_type))
    for encoding in labels:
        if encoding in SEVEN_BIT and SEVEN_BIT[encoding] in body and body.isascii():
            return _decoded(body, encoding, issue=None)
    mislabelled = f"labelled {labels[0]}, but is {{}}" if labels and labels[0] != "utf-8" else None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if (once := _encoded_once(text)) is not None:
            return Decoded(once, "utf-8", TWICE_ENCODED)
        return Decoded(text, "utf-8", None if body.isascii() or not mislabelled else mislabelled.format("utf-8"))
    damaged = body.decode("utf-8", "replace")
    bad = damaged.count(REPLACEMENT)
    good = len(damaged) - len(damaged.encode("ascii", "ignore")) - bad
    if good > GOOD_PER_BAD * bad:
        return Decoded(damaged, "utf-8", f"{bad} byte sequences are not valid utf-8")
    for encoding in labels:
        if encoding == "utf-8" or encoding.startswith(("utf-16", "utf-32")):
            continue
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return Decoded(text, encoding, None if encoding == labels[0] else f"labelled {labels[0]}, but is {encoding}")
    encoding = _guess(body)
    label = f"labelled {labels[0]}, but is not" if labels else "no usable label"
    return _decoded(body, encoding, issue=f"{label}; read as {encoding}")


def declared(body: bytes, content_type: str | None) -> Iterable[str]:
    """Yield the encodings that header, XML declaration and meta element name, as Python names, without repeats."""
    labels: list[str] = []
    if content_type and (header := HTTP_CHARSET.search(content_type)):
        labels.append(header[1])
    if xml := XML_DECLARATION.match(body[:1024]):
        labels.append(xml[1].decode("ascii"))
    if meta := META_CHARSET.search(body[:4096]):
        labels.append(meta[1].decode("ascii"))
    seen = set()
    for label in labels:
        name = web_encoding(label)
        if name is not None and name not in seen:
            seen.add(name)
            yield name


def web_encoding(label: str) -> str | None:
    """Return the Python name of the encoding that browsers understand by `label`, or None."""
    try:
        name = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return None
    name = SUPERSETS.get(name, name)
    return name if WEB.fullmatch(name) else None


def _encoded_once(text: str) -> str | None:
    """Return `text` with "donâ€™t" and "cafÃ©" healed, where all of it is such, else None."""
    if "â€" not in text and "Ã" not in text:
        return None
    try:
        return text.translate(CP1252_BYTES).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None


def _decoded(body: bytes, encoding: str, issue: str | None) -> Decoded:
    return Decoded(body.decode(encoding, "replace"), encoding, issue)


def _guess(body: bytes) -> str:
    sample = body if len(body) <= SAMPLE else body[: SAMPLE // 2] + body[-SAMPLE // 2 :]
    best = from_bytes(sample).best()
    name = None if best is None else web_encoding(best.encoding)
    # A few accents in an English text fit every Latin code page alike: the usual one is likelier than the best score.
    return "cp1252" if name is None or LATIN.fullmatch(name) else name

"""Feeds made to hurt whoever parses them, and small mutations of them."""

import base64
import random
from collections.abc import Iterator

ITEM = (
    "<item><title>T{0}</title><link>https://feed.example/{0}</link>"
    "<pubDate>Thu, 06 Feb 2025 10:00:00 GMT</pubDate></item>"
)


def hostile_feeds() -> dict[str, bytes]:
    """Return feeds by what is hostile about them. Each has some of our own items, or should be no feed at all."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    attributes = " ".join(f'a{n}="{n}"' for n in range(20_000))
    return {
        "billion laughs": _rss("&l9;", f'<!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}]>'),
        "quadratic blow-up": _rss("&b;" * 5_000, f'<!DOCTYPE rss [<!ENTITY b "{"b" * 50_000}">]>'),
        "external entity": _rss("&x;", '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "external definition": _rss("x", '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/evil.dtd">'),
        "deep nesting": _rss("<b>" * 100_000),
        "unclosed brackets": _rss("<" * 200_000),
        "unclosed comment": _rss("<!-- " * 50_000),
        "unclosed CDATA": _rss("<![CDATA[" * 50_000),
        "ampersands": _rss("&" * 300_000),
        "spaces in a tag": _rss("<a" + " " * 300_000 + "x"),
        "attributes": _rss(f"<a {attributes}>"),
        "spaces in a date": _rss("x", items=ITEM.replace("Thu,", "Thu," + " " * 100_000).format(1)),
        "figures in a date": _rss("x", items=ITEM.replace("2025", "2025" + "1:" * 50_000).format(1)),
        "doctype without end": b"<!DOCTYPE rss [" + b"<!ENTITY a 'b'>" * 20_000,
        "ten thousand items": _rss("x", items="".join(ITEM.format(n) for n in range(10_000))),
        "one item of five megabytes": _rss("lorem ipsum " * 400_000),
        "an image of five megabytes": _rss(
            f"&lt;img src='data:image/png;base64,{base64.b64encode(bytes(4_000_000)).decode()}'&gt;"
        ),
        "a page": b"<!doctype html><html><body>" + b"<div>" * 50_000 + b"</body></html>",
        "zeros": bytes(1_000_000),
        "noise": random.Random(7).randbytes(300_000),
        "deep JSON": b'{"items":' + b"[" * 200_000,
        "JSON of numbers": b'{"version":"https://jsonfeed.org/version/1.1","items":[' + b"9" * 300_000 + b"]}",
        "UTF-7": '<?xml version="1.0" encoding="utf-7"?><rss>+ADw-script+AD4-</rss>'.encode("ascii"),
        "wide letters": _rss("x").decode().encode("utf-16"),
    }


def mutations(feed: bytes, number: int, seed: int) -> Iterator[bytes]:
    """Yield `number` variants: bytes flipped, cut, repeated, moved or put in. The same seed makes the same ones."""
    dice = random.Random(seed)
    for _ in range(number):
        changed = bytearray(feed)
        for _ in range(dice.randint(1, 8)):
            place = dice.randrange(len(changed) + 1)
            reach = dice.randint(1, max(1, min(200, len(changed) // 4)))
            match dice.randrange(5):
                case 0 if place < len(changed):
                    changed[place] ^= 1 << dice.randrange(8)
                case 1:
                    del changed[place : place + reach]
                case 2:
                    changed[place:place] = changed[place : place + reach]
                case 3:
                    changed[place:place] = dice.choice((b"<", b">", b"&", b"]]>", b"<![CDATA[", b"\x00", b"\xff", b'"'))
                case _:
                    del changed[max(1, place) :]
        yield bytes(changed)


def _rss(text: str, prologue: str = "", items: str = "") -> bytes:
    item = f"<item><title>Hostile</title><link>https://feed.example/h</link><description>{text}</description></item>"
    body = f"<channel><title>Feed</title>{ITEM.format(0)}{item}{items}</channel>"
    return f'<?xml version="1.0" encoding="utf-8"?>{prologue}<rss version="2.0">{body}</rss>'.encode()

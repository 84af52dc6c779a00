"""What webhooks are sent of a digest: as JSON for programs, as blocks for Slack, as an adaptive card for Teams.

Chats get the words of publishers in elements that hold plain text and know no markup, so that nothing in them links,
calls people or changes how it looks. Links are elements of their own, to http(s) addresses, with the host beside them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from pipeline.subscription_types import Hook
from reports import digest_words, event_words
from reports.digest import Digest, Item, Part, sections
from reports.digest_pages import PARTS, QUOTE, TITLE, also, as_document, gist, has_spread, imprint, made, of_part, title
from reports.inert import line, web_address

TYPE: Final = "digest.made"
"""The type of the one event that programs are told of."""

OPEN: Final = "Open in a browser"

SHOWN: Final = 15
"""Items that a chat is told in full; of all others there is a count."""

CARD: Final = 24_000
"""Bytes of a card at most: Teams takes 28 KB with all that is around it."""

SLACK_HEADER, SLACK_TEXT, SLACK_BLOCKS = 150, 3000, 50
"""Characters of a heading and of the text that stands in for blocks, and number of blocks that Slack takes."""

_Run = dict[str, Any]

# In the line for notifications and old clients Slack links by these, and calls people.
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Where a chat reads markup after all, these begin none. The braces are dates that cards work out.
_APART: Final = (("](", "] ("), ("{{", "{ {"), ("<", "‹"), (">", "›"))


def content(hook: Hook, digest: Digest, browser: str | None) -> bytes:
    """The body that this hook is sent. `browser` is where readers see the digest; None where they can't."""
    make = _TEMPLATES[hook.template]
    return json.dumps(make(digest, browser), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def message_id(key: str) -> str:
    """What the message of that key in the outbox is called to its receiver, the same for each try."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _plain(digest: Digest, browser: str | None) -> Mapping[str, Any]:
    subscription = digest.subscription
    told = as_document(digest) | {"browser": browser}
    return {
        "type": TYPE,
        "timestamp": digest.made_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {"subscription": {"id": subscription.id, "title": subscription.title}} | told,
    }


@dataclass(frozen=True, slots=True)
class _Group:
    """Items under one heading, with a line about them."""

    heading: str
    about: str
    items: tuple[Item, ...]


def _groups(digest: Digest, most: int) -> Iterator[_Group]:
    """The first so many of the items that are told in full, by service, then those that stand apart."""
    listed = [item for item in digest.findings.items if item.listed][:most]
    for section in sections(of_part(listed, Part.MAIN)):
        yield _Group(_inert(section.service), _inert(", ".join(section.countries)), section.items)
    for part, (heading, about) in PARTS.items():
        if some := of_part(listed, part):
            yield _Group(heading, about, tuple(some))


def _left_out(digest: Digest, most: int) -> Iterator[str]:
    """What is told in full elsewhere, and what is only counted."""
    left = sum(item.listed for item in digest.findings.items) - most
    if left > 0:
        yield f"{left} more in the digest."
    yield from map(_inert, also(digest))


def _opening(digest: Digest) -> Iterator[str]:
    """Since when and what, whether the sources were well, how restrictions have spread."""
    language = digest.subscription.language
    yield _inert(" ".join(gist(digest)))
    yield _inert(" ".join(digest_words.health(digest.coverage, digest.zone, language)))
    if has_spread(digest):
        assert digest.week is not None, "there is a week to tell of"
        yield _inert(" ".join(digest_words.spread(digest.week, language)))


def _inert(text: str, width: int | None = None) -> str:
    """`text` as one line in which no chat finds markup."""
    shown = line(text, width)
    for markup, harmless in _APART:
        shown = shown.replace(markup, harmless)
    return shown


def _sources(item: Item, language: str) -> Iterator[tuple[str, str | None, str]]:
    """Title, address and imprint of each article of an item."""
    for one in item.tellings:
        yield _inert(one.title, TITLE), web_address(one.url), _inert(", ".join(imprint(one, language)))


def _slack(digest: Digest, browser: str | None) -> Mapping[str, Any]:
    language = digest.subscription.language
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": line(title(digest), SLACK_HEADER), "emoji": False}}
    ]
    blocks.append(_rich([_section([_text(f"{one}\n")]) for one in _opening(digest)]))
    for group in _groups(digest, SHOWN):
        about = [_text(f"  {group.about}")] if group.about else []
        blocks.append(_rich([_section([_text(group.heading, bold=True), *about])]))
        blocks.extend(_rich(list(_slack_item(item, language))) for item in group.items)
    others = [_section([_text(f"{one}\n")]) for one in _left_out(digest, SHOWN)]
    linked = [] if browser is None else [_section([{"type": "link", "url": browser, "text": OPEN}])]
    blocks.append(_rich([*others, _section([_text(_inert(made(digest)), italic=True)]), *linked]))
    assert len(blocks) <= SLACK_BLOCKS, "each item has at most one heading"
    said = _inert(digest_words.subject(digest), SLACK_TEXT).translate(_ENTITIES)
    return {"text": said, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _slack_item(item: Item, language: str) -> Iterator[dict[str, Any]]:
    yield _section(
        [
            _text(f"{_inert(event_words.sentence(item))}.", bold=True),
            _text("\n" + _inert(" · ".join(event_words.qualities(item, language)))),
        ]
    )
    if item.tellings:
        quote = [_text(f"“{_inert(item.tellings[0].quote.text, QUOTE)}”")]
        yield {"type": "rich_text_quote", "elements": quote}
        runs: list[_Run] = []
        for named, url, about in _sources(item, language):
            runs.append(_text(named) if url is None else {"type": "link", "url": url, "text": named or url})
            runs.append(_text(f" ({about})\n"))
        yield _section(runs)


def _rich(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": elements}


def _section(runs: list[_Run]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": runs}


def _text(text: str, **style: bool) -> _Run:
    return {"type": "text", "text": text or " "} | ({"style": style} if style else {})


def _teams(digest: Digest, browser: str | None) -> Mapping[str, Any]:
    """As many items as a message may hold."""
    for most in range(SHOWN, -1, -1):
        message = _message(digest, browser, most)
        if len(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")) <= CARD:
            break
    return message


def _message(digest: Digest, browser: str | None, most: int) -> dict[str, Any]:
    language = digest.subscription.language
    body = [_block([_run(_inert(title(digest)), weight="Bolder", size="Large")])]
    body += [_block([_run(one)]) for one in _opening(digest)]
    for group in _groups(digest, most):
        about = [_run(f"  {group.about}", isSubtle=True)] if group.about else []
        heading = _run(group.heading, weight="Bolder", size="Medium")
        body.append(_block([heading, *about], separator=True, spacing="Large"))
        for item in group.items:
            body.extend(_card_item(item, language))
    closing = [*_left_out(digest, most), _inert(made(digest))]
    for one in closing:
        apart = {"separator": True, "spacing": "Large"} if one is closing[0] else {"spacing": "Small"}
        body.append(_block([_run(one, isSubtle=True, size="Small")], **apart))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": _inert(digest_words.subject(digest)),
        "msteams": {"width": "Full"},
        "body": body,
        **({} if browser is None else {"actions": [{"type": "Action.OpenUrl", "title": OPEN, "url": browser}]}),
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _card_item(item: Item, language: str) -> Iterator[dict[str, Any]]:
    yield _block([_run(f"{_inert(event_words.sentence(item))}.", weight="Bolder")], spacing="Medium")
    yield _block(
        [_run(_inert(" · ".join(event_words.qualities(item, language))), isSubtle=True, size="Small")], spacing="None"
    )
    if item.tellings:
        yield _block([_run(f"“{_inert(item.tellings[0].quote.text, QUOTE)}”", italic=True)], spacing="Small")
    for named, url, about in _sources(item, language):
        opens = {} if url is None else {"selectAction": {"type": "Action.OpenUrl", "url": url}}
        yield _block(
            [_run(named, size="Small", **opens), _run(f" ({about})", size="Small", isSubtle=True)], spacing="None"
        )


def _block(inlines: list[_Run], **style: object) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": inlines, **style}


def _run(text: str, **style: object) -> _Run:
    return {"type": "TextRun", "text": text or " ", **style}


_TEMPLATES: Final[Mapping[str, Callable[[Digest, str | None], Mapping[str, Any]]]] = {
    "plain": _plain,
    "slack": _slack,
    "teams": _teams,
}

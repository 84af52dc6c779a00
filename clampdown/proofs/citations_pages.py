"""Pages that hide a false report beside a true one: in markup, in styles, and where no browser shows anything.

A page tells a restriction that its readers see, and somewhere in it a sentence that they don't. Which sentences, and
where, follows from a seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from clampdown.proofs import soak_articles

LIE: Final = "{lie}"
_WRAPPED: Final = f"<p>{LIE}</p>"

UNSEEN: Final = {
    "a hidden attribute": f"<p hidden>{LIE}</p>",
    "hidden until found": f'<div hidden="until-found"><p>{LIE}</p></div>',
    "display: none": f'<p style="display:none">{LIE}</p>',
    "display: none in odd letters": f'<p style=" DISPLAY :\tNone !important">{LIE}</p>',
    "display: none, escaped": f'<p style="display:n\\6f ne">{LIE}</p>',
    "display: none around a comment": f'<p style="display:/* block */none">{LIE}</p>',
    "display: none, said last": f'<p style="display:block;display:none">{LIE}</p>',
    "display: none, more important": f'<p style="display:none!important;display:block">{LIE}</p>',
    "display: none further up": f'<div style="display:none"><section><p>{LIE}</p></section></div>',
    "display: none within a paragraph": f'<p>So it is. <span style="display:none">{LIE}</span> It stays so.</p>',
    "visibility: hidden": f'<p style="visibility:hidden">{LIE}</p>',
    "visibility: collapse": f'<p style="visibility:collapse">{LIE}</p>',
    "content-visibility: hidden": f'<div style="content-visibility:hidden"><p>{LIE}</p></div>',
    "a template": f"<template><p>{LIE}</p></template>",
    "a closed dialog": f"<dialog><p>{LIE}</p></dialog>",
    "a popover": f"<div popover><p>{LIE}</p></div>",
    "noscript": f"<noscript><p>{LIE}</p></noscript>",
    "a comment": f"<!-- <p>{LIE}</p> -->",
    "a comment for one browser": f"<!--[if IE]><p>{LIE}</p><![endif]-->",
    "a comment with an odd end": f"<!-- a --!> Much was said. <!-- <p>{LIE}</p> -->",
    "a script": f"<script>const told = '<p>{LIE}</p>'</script>",
    "data for scripts": f'<script type="application/json">{{"told": "{LIE}"}}</script>',
    "a style": f"<style>/* {LIE} */</style>",
    "an alternative text": f'<img src="x.png" alt="{LIE}">',
    "a title attribute": f'<p title="{LIE}">Much was said, and little was done.</p>',
    "another attribute": f'<p data-told="{LIE}">Much was said, and little was done.</p>',
    "a value of a form": f'<form><input type="hidden" value="{LIE}"></form>',
    "suggestions": f"<datalist><option>{LIE}</option></datalist>",
    "a drawing's title": f'<svg width="9" height="9"><title>{LIE}</title><desc>{LIE}</desc></svg>',
    "no frames": f"<noframes><p>{LIE}</p></noframes>",
    "a class that is hidden": f"<style>.q{{display:none}}</style><p class=q>{LIE}</p>",
    "an id that is hidden": f"<style>#q{{visibility:hidden}}</style><p id=q>{LIE}</p>",
    "a class of an element": f"<style>p.q{{display:none}}</style><p class=q>{LIE}</p>",
    "two classes": f'<style>.q.r{{display:none}}</style><p class="r q">{LIE}</p>',
    "a class within a class": f"<style>.o .q{{display:none}}</style><div class=o><div><p class=q>{LIE}</p></div></div>",
    "a class right within a class": f"<style>.o>.q{{display:none}}</style><div class=o><p class=q>{LIE}</p></div>",
    "an attribute that is hidden": f"<style>[data-q]{{display:none}}</style><p data-q>{LIE}</p>",
    "an attribute's value": f'<style>p[data-q="1"]{{display:none}}</style><p data-q=1>{LIE}</p>',
    "elements that are hidden": f"<style>section{{display:none}}</style><section><p>{LIE}</p></section>",
    "a style for all screens": f"<style>@media all{{.q{{display:none}}}}</style><p class=q>{LIE}</p>",
    "a style for screens": f"<style>@media screen{{.q{{display:none}}}}</style><p class=q>{LIE}</p>",
    "a style in a layer": f"<style>@layer base{{.q{{display:none}}}}</style><p class=q>{LIE}</p>",
    "a style in a comment of HTML": f"<style><!-- .q{{display:none}} --></style><p class=q>{LIE}</p>",
}
"""Ways to hide that a browser's `innerText` knows: what it leaves out, no reader sees, selects or copies."""

LOOKS: Final = {
    "a font size of 0": f'<p style="font-size:0">{LIE}</p>',
    "a font size of 0.0 px": f'<p style="font-size:0.0px">{LIE}</p>',
    "a font of size 0": f'<p style="font:0/0 a">{LIE}</p>',
    "a font size of 0 beside other elements": f'<p style="font-size:0"><b>Much</b> {LIE} <i>was said</i></p>',
    "a font size of 0 further up": f'<div style="font-size:0"><span><b>{LIE}</b></span></div>',
    "a class with a font size of 0": f"<style>.q{{font-size:0}}</style><p class=q>{LIE}</p>",
    "far to the left": f'<p style="position:absolute;left:-9999px">{LIE}</p>',
    "far above": f'<p style="position:absolute; top:-10000px">{LIE}</p>',
    "far to the left, by em": f'<p style="position:fixed;left:-999em">{LIE}</p>',
    "a class far to the left": f"<style>.q{{position:absolute;left:-9999px}}</style><p class=q>{LIE}</p>",
    "an indent out of the page": f'<p style="text-indent:-9999px">{LIE}</p>',
    "clipped to nothing": f'<p style="position:absolute;clip:rect(0 0 0 0)">{LIE}</p>',
    "clipped to a dot": f'<p style="position:absolute;width:1px;height:1px;clip:rect(1px,1px,1px,1px)">{LIE}</p>',
    "clipped by a path": f'<p style="clip-path:inset(50%)">{LIE}</p>',
    "a box without height": f'<div style="height:0;overflow:hidden"><p>{LIE}</p></div>',
    "a box of one pixel": f'<p style="position:absolute;width:1px;height:1px;overflow:hidden">{LIE}</p>',
    "white on white": f'<p style="color:#fff;background-color:white">{LIE}</p>',
    "the colour of its ground": f'<p style="background:#102030;color:#102030">{LIE}</p>',
    "hidden from readers of screens": f'<p aria-hidden="true">{LIE}</p>',
    "options": f"<select><option>Some</option><option>{LIE}</option></select>",
    "an object's other text": f"<video>{LIE}</video><audio>{LIE}</audio><canvas>{LIE}</canvas>",
    "transparent letters": f'<p style="color:transparent">{LIE}</p>',
}
"""Ways that only the eye knows: `innerText` has the words, but they take no place or have no colour on the page.

`aria-hidden` is for readers of screens; what they are not to read aloud is no part of an article either."""

SHOWN: Final = {
    "a plain paragraph": _WRAPPED,
    "hidden on paper": f"<style>@media print{{.q{{display:none}}}}</style><p class=q>{LIE}</p>",
    "another class is hidden": f"<style>.o .q{{display:none}}</style><p class=q>{LIE}</p>",
    "shown by a closer rule": f'<style>.q{{display:none}}.q.r{{display:block}}</style><p class="q r">{LIE}</p>',
    "letters of a size in a box of none": f'<div style="font-size:0"><p style="font-size:16px">{LIE}</p></div>',
    "white on black": f'<p style="color:#fff;background:#000">{LIE}</p>',
    "moved by a little": f'<p style="position:relative;left:-2px">{LIE}</p>',
}
"""Ways that hide nothing: their sentences must be read."""

PLACES: Final = ("first", "amid", "last", "after")


@dataclass(frozen=True, slots=True)
class HidingPage:
    """A page, the way in which it hides a sentence, that sentence, and the service that only this one names.

    `seen` says whether a reader sees it all the same.
    """

    way: str
    html: str
    lie: str
    service: str
    title: str
    seen: bool

    @property
    def has_text_oracle(self) -> bool:
        """Whether a browser's `innerText` can tell what is seen here."""
        return self.way not in LOOKS


def pages(rounds: int, seed: int = 5) -> Iterator[HidingPage]:
    """A page for each way in each of so many rounds, at another place each time."""
    dice = random.Random(seed)
    for round_ in range(rounds):
        for number, (way, markup) in enumerate((UNSEEN | LOOKS | SHOWN).items()):
            yield _page(way, markup, dice, PLACES[(round_ + number) % len(PLACES)])


def _page(way: str, markup: str, dice: random.Random, place: str) -> HidingPage:
    report = soak_articles.restriction(dice.randrange(3_000) * 3)
    told = next(service for service in soak_articles.SERVICES if service in report.title)
    service = dice.choice([one for one in soak_articles.SERVICES if one != told])
    _, _, capital, body = dice.choice([one for one in soak_articles.ORDERS if one[0] not in report.title])
    lie = f"{body} has blocked {service} across the country since Monday, officials in {capital} said."
    hidden = markup.replace(LIE, lie if "<script" in markup else escape(lie))
    parts = [f"<p>{escape(one)}</p>" for one in report.paragraphs]
    if way in SHOWN and place == "after":
        # What stands behind the article is no part of it.
        place = "amid"
    at = {"first": 0, "amid": 2, "last": len(parts), "after": len(parts)}[place]
    inner = parts[:at] + ([hidden] if place != "after" else []) + parts[at:]
    after = hidden if place == "after" else ""
    title = escape(report.title)
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><article><h1>{title}</h1>{''.join(inner)}</article>{after}</body></html>"
    )
    return HidingPage(way, html, lie, service, report.title, way in SHOWN)

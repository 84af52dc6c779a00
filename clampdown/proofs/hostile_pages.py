"""Pages of up to a megabyte that cost much more than their size: each is named by what it does.

`slow_pages` are those that made a reader hang, or need minutes, before it was armed against them: they must end soon.
`heavy_pages` need seconds, as their size makes them: they must end within the time that a page has in its worker.
"""

from typing import Final

SIZE: Final = 1_000_000
"""Bytes of a page."""
START: Final = b"<!DOCTYPE html><html><head><title>A title of words</title></head><body>"


def slow_pages() -> dict[str, bytes]:
    """Pages on which a reader without guards hangs."""
    return {
        "a table of cells that span a thousand columns and rows": _spanning_cells(),
        "a table whose rows all span many rows": _spanning_rows(),
        "a table with one row of fifty thousand cells": _one_wide_row(),
        "bold words and plain ones in turn": START + b"<article><p>" + _filled(b"<b>x</b> tail "),
        "abbreviations without end": START + b"<article><p>" + _filled(b"<abbr>x</abbr>"),
        "figures that hold tables": START + _filled(b"<figure><table><tr><td>x</td></tr></table></figure>"),
        "hidden elements and what follows them": START + b"<p>" + _filled(b"<b hidden>x</b>tail "),
        "a hundred thousand attributes": START + b"<p " + _numbered(b"a%d=1 ", 100_000) + b">x</p>",
        "styles of nothing but at signs": START + b"<style>" + b"@" * 500_000 + b"</style><p>x",
        "styles that never close": START + b"<style>" + _filled(b"@a{b{", 500_000) + b"</style><p>x",
        "a text of a million spaces": START + b"<article><p>x" + b" " * SIZE + b"y</p></article>",
    }


def heavy_pages() -> dict[str, bytes]:
    """Pages that are honest work, much of it."""
    return {
        "a flood of line breaks": START + b"<article>" + _filled(b"<br>") + b"</article>",
        "paragraphs that never close": START + b"<article>" + _filled(b"<p>some words of text "),
        "links that never close": START + b"<article>" + _filled(b"<a href=x>some words "),
        "elements within elements": START + _filled(b"<div>x "),
        "lists within lists": START + b"<article>" + _filled(b"<ul><li>an item "),
        "tables within tables": START + b"<article>" + _filled(b"<table><tr><td>a cell "),
        "misnested bold paragraphs": START + b"<article>" + _filled(b"<b><p></b>x"),
        "a table of thirty thousand rows": START + b"<table>" + _filled(b"<tr><td>a</td><td>b</td></tr>") + b"</table>",
        "a class attribute of a million characters": START + b'<div class="' + _filled(b"article ") + b'">x</div>',
        "an attribute that never closes": START + b'<a href="' + b"x" * SIZE,
        "JSON-LD within JSON-LD": START + b'<script type="application/ld+json">' + b"[" * 500_000,
        "nothing but opening brackets": b"<" * SIZE,
        "nothing but comments": START + _filled(b"<!--x-->") + b"<p>x",
    }


def _filled(piece: bytes, size: int = SIZE) -> bytes:
    return piece * (size // len(piece))


def _numbered(pattern: bytes, count: int) -> bytes:
    return b"".join(pattern % number for number in range(count))


def _spanning_cells() -> bytes:
    first = b"<tr>" + b"<td colspan=1000>x</td>" * 200 + b"</tr>"
    return (
        START + b"<article><table>" + first + b"<tr><td colspan=1000 rowspan=1000>word</td></tr>" * 5_000 + b"</table>"
    )


def _spanning_rows() -> bytes:
    row = b"<tr>" + b"<td rowspan=100 colspan=100>x</td>" * 30 + b"</tr>"
    return START + b"<article><table>" + row * 600 + b"</table>"


def _one_wide_row() -> bytes:
    wide = b"<tr>" + b"<td>a</td>" * 50_000 + b"</tr>"
    return START + b"<article><table>" + wide + b"<tr><td>x</td></tr>" * 25_000 + b"</table>"

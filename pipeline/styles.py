"""What styles say of whether readers see something: declarations of CSS, and which of them hide."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
IMPORTANT = re.compile(r"\s*!\s*important\s*$")
MAY_HIDE = re.compile(r"none|hid|coll|font|left|top|right|bottom|indent|clip|color|\\|/\*", re.IGNORECASE)
"""What is in every style that hides: most have nothing of it, and need no second look."""

MAY_HIDE_ALONE = re.compile(
    r"none|hidden|collapse|font(?:-size)?\s*:[^;]*?(?<![\d.])[.0]|clip|-\d{3}|transparent|color[^;]*;.*color|"
    r"width\s*:\s*[01]",
    re.IGNORECASE | re.DOTALL,
)

ZERO = re.compile(r"[+-]?0*\.?0*(?:px|em|rem|ex|ch|pt|pc|in|cm|mm|vw|vh|%)?")
NO_FONT = re.compile(r"(?:^|\s)[+-]?(?:0+\.?0*|\.0+)(?:px|em|rem|pt|%)?(?:/\S+)?\s+\S")
LENGTH = re.compile(r"(-?[\d.]+)(px|em|rem|ex|ch|pt|vw|vh)?")
POINTS: Final = {"": 1.0, "px": 1.0, "pt": 1.33, "ex": 8.0, "ch": 8.0, "em": 16.0, "rem": 16.0, "vw": 10.0, "vh": 10.0}
FAR: Final = 900.0
"""Pixels beyond an edge of the page from which something lies where no reader scrolls to."""
NOTHING_LEFT = re.compile(
    r"inset\(\s*(?:50|[6-9]\d|100)%.*|(?:circle|ellipse)\(\s*0(?:px|%)?(?:\s.*)?\)|polygon\(\s*0(?:px|%)?(?:[\s,]+0(?:px|%)?)*\s*\)"
)
CLIPPED = re.compile(r"rect\(([^()]*)\)")
NAMED: Final = {"white": "#ffffff", "black": "#000000"}

Declarations = Mapping[str, tuple[str, bool]]
"""Property → its value in lower case, and whether it is important."""


def may_hide(declarations: str) -> bool:
    """Whether declarations may hide something. Most rules of a sheet don't: this is a quick look at the text."""
    return MAY_HIDE_ALONE.search(declarations) is not None or ("\\" in declarations and "content" not in declarations)


def declared(style: str) -> dict[str, tuple[str, bool]]:
    """What a style declares. Of two values the later one counts, unless the earlier one alone is important."""
    style = ESCAPE.sub(_meant, COMMENT.sub("", style))
    found: dict[str, tuple[str, bool]] = {}
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if not colon:
            continue
        name, value = name.strip().lower(), value.strip().lower()
        plain = IMPORTANT.sub("", value)
        important = plain != value
        if important or not found.get(name, ("", False))[1]:
            found[name] = (plain, important)
    return found


def _meant(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def hides(style: Declarations) -> bool:
    """Whether an element with this style, and all in it, is not displayed, out of reach, or of its ground's colour.

    Not so taken are `opacity` and `transform`: scripts fade in and unfold with them what readers do see.
    """
    said = {name: value for name, (value, _) in style.items()}
    return (
        said.get("display") == "none"
        or said.get("visibility") in ("hidden", "collapse")
        or said.get("content-visibility") == "hidden"
        or _is_out_of_reach(said)
        or _is_clipped(said)
        or _is_colourless(said)
    )


def shrinks(style: Declarations) -> bool:
    """Whether text of an element with this style has no size."""
    size = style["font-size"][0] if "font-size" in style else None
    if size is not None:
        return _is_zero(size)
    return "font" in style and NO_FONT.search(style["font"][0]) is not None


def sizes(style: Declarations) -> bool:
    """Whether this style gives text a size of its own."""
    return ("font-size" in style or "font" in style) and not shrinks(style)


def _is_zero(value: str) -> bool:
    return ZERO.fullmatch(value) is not None and "0" in value


def _pixels(value: str | None) -> float:
    found = LENGTH.fullmatch(value or "")
    if found is None:
        return 0.0
    try:
        return float(found[1]) * POINTS[found[2] or ""]
    except ValueError:
        return 0.0


def _is_out_of_reach(said: Mapping[str, str]) -> bool:
    if _pixels(said.get("text-indent")) <= -FAR:
        return True
    if said.get("position") not in ("absolute", "fixed", "relative"):
        return False
    return _pixels(said.get("left")) <= -FAR or _pixels(said.get("top")) <= -FAR


def _is_clipped(said: Mapping[str, str]) -> bool:
    if NOTHING_LEFT.fullmatch(said.get("clip-path", "")):
        return True
    if said.get("position") not in ("absolute", "fixed"):
        return False
    found = CLIPPED.fullmatch(said.get("clip", ""))
    if found is not None:
        edges = {_pixels(edge) for edge in re.split(r"[\s,]+", found[1].strip())}
        return len(edges) == 1 and not edges - {0.0, 1.0}
    small = all(0 <= _pixels(said.get(side, "9px")) <= 1 for side in ("width", "height"))
    return small and said.get("overflow") == "hidden"


def _is_colourless(said: Mapping[str, str]) -> bool:
    colour = said.get("color")
    if colour is None or "text" in said.get("background-clip", said.get("-webkit-background-clip", "")):
        return False
    if "-webkit-text-fill-color" in said or "text-shadow" in said:
        return False
    if colour == "transparent":
        return True
    ground = said.get("background-color", said.get("background"))
    return ground is not None and _colour(ground) == _colour(colour)


def _colour(value: str) -> str:
    value = NAMED.get(value, value)
    if re.fullmatch(r"#[0-9a-f]{3}", value):
        return "#" + "".join(2 * digit for digit in value[1:])
    return value


def cascade(ranked: Iterable[tuple[tuple[int, ...], Declarations]]) -> dict[str, tuple[str, bool]]:
    """What several styles of one element come to. Each has its rank, of which the highest counts: then the last."""
    found: dict[str, tuple[str, bool]] = {}
    for _, style in sorted(ranked, key=lambda one: one[0]):
        for name, (value, important) in style.items():
            if important or not found.get(name, ("", False))[1]:
                found[name] = (value, important)
    return found

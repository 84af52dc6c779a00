"""What `clampdown prove` prints: the claims of one proof, or the table of all promises."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from clampdown.output import console, printable, table
from clampdown.proofs.registry import BY_NAME, GUARANTEES, PROOFS, Entry, Guarantee

if TYPE_CHECKING:
    from clampdown.proofs.claims import Claim
    from clampdown.proofs.results import Result

_STYLES = {"holds": "green", "FAILS": "bold red", "broke": "bold red", "not here": "yellow", "": "dim"}
_NOT_RUN = "not run"
_NARROW = (8, 5, 5, 10)
"""Widths of the columns of marks, numbers of claims, seconds and names."""


def show_one(result: "Result") -> None:
    """Print all claims of a proof."""
    rows = [
        (_mark("holds" if claim.holds else "FAILS"), claim.text, claim.measured, claim.promised)
        for claim in result.claims
    ]
    out = console()
    out.print(table(f"{result.proof}, in {result.seconds:.1f} s", ("", "claim", "measured", "promised"), rows))
    for words in result.left_out:
        out.print(Text(f"left out  {words}", style="yellow"), soft_wrap=True)


def line(result: "Result") -> str:
    """A proof's end in one line."""
    claims = f", {_number(result)} claims" if result.claims else ""
    why = f": {result.why}" if result.why else ""
    return f"{result.proof}: {result.state}{claims}, {result.seconds:.1f} s{why}"


def show(results: "Mapping[str, Result]", title: str, *, is_short: bool, lacking: str = "not run") -> None:
    """Print the table of all promises, and what it comes to. `lacking` is said of what has no result."""
    out = console()
    out.print(Text(title, style="bold"))
    out.print(_columns(out.width, [("", "claim", "measured", "promised", "held", "s", "prove")], style="bold"))
    told: set[str] = set()
    for guarantee in GUARANTEES:
        out.print(Text(f"{guarantee.number:>2}  {_plain(guarantee.promise)}", style="bold"))
        for entry in proofs_of(guarantee):
            out.print(_columns(out.width, _rows(entry, results.get(entry.name), lacking, is_told=entry.name in told)))
            told.add(entry.name)
    out.print()
    out.print(Text(summary(results)))
    for result in results.values():
        for words in result.left_out:
            out.print(Text(f"{result.proof}, left out: {words}", style="yellow"))
    if is_short:
        out.print(Text("`clampdown prove --full` runs everything in full: hours. One alone: `clampdown prove NAME`.",
                       style="dim"))  # fmt: skip


def _columns(width: int, rows: "Iterable[Sequence[Text | str]]", style: str = "") -> Table:
    """Rows of the table, in columns that are the same below every promise."""
    left = width - sum(_NARROW) - 6
    wide = (left - left // 3 - left * 2 // 7, left // 3, left * 2 // 7)
    mark, *others = _NARROW
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0), style=style)
    for place, most in enumerate((mark, *wide, *others)):
        shown.add_column(width=most, justify="right" if place in (4, 5) else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell, style=style) if isinstance(cell, str) else cell for cell in row))
    return shown


def proofs_of(guarantee: Guarantee) -> list[Entry]:
    """The proofs that back a promise."""
    return [entry for entry in PROOFS if guarantee.number in entry.guarantees]


def state_of(guarantee: Guarantee, results: "Mapping[str, Result]") -> str:
    """A promise fails where one of its proofs does. It holds where all were run, one holds, and none fails."""
    states = [str(results[entry.name].state) if entry.name in results else "" for entry in proofs_of(guarantee)]
    return next(state for state in ("FAILS", "broke", "", "holds", "not here") if state in states)


def summary(results: "Mapping[str, Result]") -> str:
    """How many promises hold, in words."""
    states = [state_of(guarantee, results) for guarantee in GUARANTEES]
    said = {
        "hold": states.count("holds"),
        "fail": states.count("FAILS"),
        "have a proof that broke": states.count("broke"),
        "can't be proved here": states.count("not here"),
        "were not run, or in part": states.count(""),
    }
    found = ", ".join(f"{number} {words}" for words, number in said.items() if number)
    return f"{len(GUARANTEES)} promises: {found}; {sum(one.seconds for one in results.values()):.0f} s in all"


def as_json(results: "Mapping[str, Result]") -> dict[str, Any]:
    """The table as JSON: promises with the names of their proofs, and the proofs with all claims."""
    promises = [
        {
            "number": one.number,
            "promise": one.promise,
            "state": state_of(one, results) or _NOT_RUN,
            "proofs": [entry.name for entry in proofs_of(one)],
        }
        for one in GUARANTEES
    ]
    return {"guarantees": promises, "proofs": [one.as_json() for one in results.values()]}


def headline(result: "Result") -> "Sequence[Claim]":
    """The claims of a proof that the one table shows: those that its entry names, and those that fail."""
    begin = BY_NAME[result.proof].headline
    named = [claim for claim in result.claims if claim.text.strip().startswith(begin)] if begin else []
    failing = [claim for claim in result.claims if not claim.holds]
    return list(dict.fromkeys([*(named or result.claims[:1]), *failing]))


def _rows(entry: Entry, result: "Result | None", lacking: str, *, is_told: bool) -> Iterator[tuple[Text | str, ...]]:
    if result is None:
        yield _mark(""), Text(lacking, style="dim"), "", "", "", "", entry.name
    elif is_told:
        yield _mark(result.state), Text("as above", style="dim"), "", "", "", "", entry.name
    elif not result.claims:
        yield (
            _mark(result.state),
            Text(printable(result.why) or "it claims nothing"),
            "",
            "",
            "",
            f"{result.seconds:.0f}",
            entry.name,
        )
    else:
        ends = (_number(result), f"{result.seconds:.0f}", entry.name)
        for number, claim in enumerate(headline(result)):
            mark = (
                _mark(result.state if not number or claim.holds else "FAILS") if not number or not claim.holds else ""
            )
            cells = (Text(printable(text.strip())) for text in (claim.text, claim.measured, claim.promised))
            yield mark, *cells, *(ends if not number else ("", "", ""))


def _number(result: "Result") -> str:
    return f"{sum(claim.holds for claim in result.claims)}/{len(result.claims)}"


def _mark(state: str) -> Text:
    return Text(str(state), style=_STYLES[str(state)])


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")

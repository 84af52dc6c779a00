"""`audit`: the whole house looked over."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable, shorten, table

if TYPE_CHECKING:
    from flows.audit import AuditReport
    from warehouse.audit import Check

SHOWN_WORDS = 200
"""Characters of an example; `--json` has it whole."""


def audit(
    context: typer.Context,
    deep: Annotated[bool, typer.Option("--deep", help="Read the whole archive, not a sample of some 256 MB")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Check the whole house: ledger, keys, references, quotes, events, histories, archive, journal, snapshot.

    Says for each check how many things it looked at and how many are wrong, names the first of them and the way out.
    The exit code is 1 if anything is wrong. Nothing is changed. While a run is on, the published snapshot is checked in
    the warehouse's place.
    """
    from flows.audit import audit

    report = audit(load_settings(context).settings, deep=deep)
    if as_json:
        print_json({"passed": report.passed, "busy": report.busy, "checks": report.checks})
    else:
        _print(report)
    if not report.passed:
        raise typer.Exit(1)


def _print(report: "AuditReport") -> None:
    out = console()
    if report.busy:
        out.print(Text(f"{report.busy}. Its published snapshot is checked instead.", style="yellow"), soft_wrap=True)
    rows = [
        (Text("ok", style="green") if one.passed else Text("wrong", style="bold red"), one.name, one.checked, one.wrong,
         _words(one))
        for one in report.checks
    ]  # fmt: skip
    out.print(table(None, ("", "check", "checked", "wrong", "what it looks at"), rows, check="cyan"))
    wrong = [one for one in report.checks if not one.passed]
    for one in wrong:
        _print_wrong(one)
    if wrong:
        told, style = f"{len(wrong)} of {len(report.checks)} checks found something wrong", "bold red"
    else:
        looked = sum(one.checked for one in report.checks)
        told, style = f"nothing wrong: {len(report.checks)} checks, {looked:,} things looked at", "bold green"
    out.print(Text(f"\n{told}", style=style))


def _words(check: "Check") -> Text:
    words = Text(check.about)
    return words if check.note is None else words + Text(f"\n{check.note}", style="yellow")


def _print_wrong(check: "Check") -> None:
    out = console()
    out.print(Text.assemble("\n", (check.name, "bold red"), f": {check.wrong:,} wrong"))
    for example in check.examples:
        out.print(Text(f"  {shorten(printable(example), SHOWN_WORDS)}"), soft_wrap=True)
    if check.wrong > len(check.examples):
        out.print(Text(f"  … and {check.wrong - len(check.examples):,} more", style="dim"))
    if check.way_out is not None:
        out.print(Text(f"  way out: {check.way_out}", style="dim"), soft_wrap=True)

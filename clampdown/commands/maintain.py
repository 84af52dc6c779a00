"""`maintain`: what `serve` does each night, done now."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable

if TYPE_CHECKING:
    from flows.maintain import MaintainReport, Step

STYLES = {"done": "green", "nothing to do": "dim", "failed": "bold red"}


def maintain(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False
) -> None:
    """Look after the data folder, as `clampdown serve` does each night.

    What killed programs left behind is removed; what retention.* lets go, goes; the warehouse is written anew where a
    quarter of its file, and 32 MiB, are free (a lake is tidied); how the sources fare is noted; old months of the flow
    log go; and all is audited. A step that fails keeps none of the others. The exit code is 1 where one failed, and
    where the audit found something wrong.
    """
    from flows.maintain import maintain
    from flows.serving.perform import perform

    settings = load_settings(context).settings
    report = perform("maintain", settings, lambda told: maintain(settings, told, None if as_json else _print))
    if report is None:
        if as_json:
            print_json({"steps": [], "passed": None})
        else:
            console().print("Nothing to look after yet: no ingest has run.")
        return
    if as_json:
        print_json({"steps": report.steps, "passed": report.audited.passed, "checks": report.audited.checks})
    else:
        _print_audited(report)
    if not report.audited.passed:
        raise typer.Exit(1)


def _print(step: "Step") -> None:
    line = Text.assemble((f"{step.name:<11} ", "bold"), (printable(step.words), STYLES[step.status]))
    console().print(line, soft_wrap=True)


def _print_audited(report: "MaintainReport") -> None:
    for one in report.audited.checks:
        if not one.passed:
            first = f": {one.examples[0]}" if one.examples else ""
            words = printable(f"{one.name}: {one.wrong:,} wrong{first}")
            console().print(Text(f"{'':<12}{words}", style="red"), soft_wrap=True)
    if not report.audited.passed:
        console().print(Text("`clampdown audit` says more, and the way out.", style="bold red"))

"""`alerts test`: whether those who are to be told of trouble can be."""

from typing import Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable
from pipeline.errors import DeliveryError, InputError

app = typer.Typer(help="Look after the alerts that `clampdown serve` sends.", no_args_is_help=True)


@app.callback()
def alerts() -> None:
    """Look after the alerts that `clampdown serve` sends."""


@app.command("test")
def send_test(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False
) -> None:
    """Send a test by mail to alerts.to and to alerts.webhook, as far as these are set, and say what came of it.

    The exit code is 6 where one of them did not take it.
    """
    from flows.serving.alerting import try_out

    tried = try_out(load_settings(context).settings)
    if not tried:
        raise InputError(
            "nobody is told of trouble: neither alerts.to nor alerts.webhook is set",
            hint="Set alerts.to with mail.host and mail.sender, or alerts.webhook.",
        )
    if as_json:
        print_json({name: _record(to, outcome) for name, (to, outcome) in tried.items()})
    else:
        for name, (to, outcome) in tried.items():
            _print(name, to, outcome)
    failed = [outcome for _, outcome in tried.values() if isinstance(outcome, DeliveryError)]
    if failed:
        raise typer.Exit(DeliveryError.exit_code)


def _record(to: str, outcome: DeliveryError | dict[str, str]) -> dict[str, object]:
    if isinstance(outcome, DeliveryError):
        return {"to": to, "delivered": False, "error": str(outcome), "hint": outcome.hint}
    return {"to": to, "delivered": True, "refused": outcome}


def _print(name: str, to: str, outcome: DeliveryError | dict[str, str]) -> None:
    if isinstance(outcome, DeliveryError):
        _line(name, str(outcome), "red")
        if outcome.hint:
            _line("", outcome.hint, "dim")
        return
    _line(name, f"taken over, for {to}", "green")
    for recipient, words in outcome.items():
        _line("", f"refused for {recipient}: {words}", "yellow")


def _line(name: str, words: str, style: str) -> None:
    console().print(Text.assemble((f"{name:<8} ", "bold"), (printable(words), style)), soft_wrap=True)

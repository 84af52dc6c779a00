"""`doctor`: is everything there that a run needs?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.doctor.finding import Check, Look, made
from clampdown.options import load_settings
from clampdown.output import console, print_json, printable
from pipeline.errors import ClampdownError

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.settings import LoadedSettings

_MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}
_NAME_WIDTH = 14


def doctor(
    context: typer.Context,
    network: Annotated[
        bool,
        typer.Option("--network", help="Look up the hosts of feeds, and log in to the mail server; nothing is sent"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Check machine, settings, sources, model, warehouse, disk and ports, before something goes wrong.

    Nothing is changed, and without --network nothing is asked of other machines. Exit code 1 where something would
    fail (FAIL), 0 where there are at most warnings.
    """
    found = list(_found(context, network=network))
    if as_json:
        print_json(found)
    else:
        _print(found, console())
    if any(check.state == "fail" for check in found):
        raise typer.Exit(1)


def _found(context: typer.Context, *, network: bool) -> Iterator[Check]:
    from clampdown.doctor import data, house, machine
    from clampdown.doctor import network as net

    loaded, refused = _loaded(context)
    of_machine: list[Look] = [machine.python, machine.packages, machine.terminal, machine.clock, machine.memory]
    groups = [("this machine", [*of_machine, machine.files, machine.temporary, machine.ports])]
    if refused is None:
        of_house: list[Look] = [house.settings, house.sources, house.subscriptions, house.contact]
        groups.append(("settings", [*of_house, house.extras, house.mail, house.alerts]))
        groups.append(("extraction", [house.model, house.workers]))
        groups.append(("data", [data.folder, data.warehouse, data.snapshot, data.feeds, data.disk, data.leftovers]))
    if network:
        groups.append(("network", [net.proxies, net.names, net.mail]))
    if refused is not None:
        yield replace(refused, group="settings")
    for group, looks in groups:
        for look in looks:
            for check in made(look.__name__, look, loaded):
                yield replace(check, group=group)


def _loaded(context: typer.Context) -> "tuple[LoadedSettings, Check | None]":
    """The settings; where they can't be used, their defaults and the finding that says so."""
    from pipeline.settings import LoadedSettings, Settings

    try:
        return load_settings(context), None
    except ClampdownError as error:
        return LoadedSettings(Settings.model_validate({}), {}, None), Check("settings", "fail", str(error), error.hint)


def _print(found: Sequence[Check], out: "Console") -> None:
    for group, checks in groupby(found, key=lambda check: check.group):
        out.print(Text(f"{group[0].upper()}{group[1:]}", style="bold"))
        for check in checks:
            name = (f"{check.name:{_NAME_WIDTH}}", "bold")
            out.print(Text.assemble("  ", _MARKS[check.state], "  ", name, printable(check.detail)), soft_wrap=True)
            if check.hint:
                out.print(Text(f"        {'':{_NAME_WIDTH}}{printable(check.hint)}", style="dim"), soft_wrap=True)
    fails, warns = (sum(check.state == state for check in found) for state in ("fail", "warn"))
    told = f"{len(found)} checks: {len(found) - fails - warns} well, {warns} to look at, {fails} that will fail."
    out.print(Text(f"\n{told}", style="bold red" if fails else "bold"))

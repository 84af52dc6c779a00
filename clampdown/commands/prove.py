"""`prove`: run the proofs of what Clampdown promises, one or all, and print their figures."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.commands import prove_shown
from clampdown.output import console, print_json
from clampdown.proofs.registry import BY_NAME, PROOFS, Entry
from pipeline.errors import InputError

if TYPE_CHECKING:
    from clampdown.proofs.claims import Tell
    from clampdown.proofs.results import Result

INTERRUPTED = 130

app = typer.Typer(help="Prove what Clampdown promises, all of it or by name, against servers on this machine.")

Short = Annotated[bool, typer.Option("--short", help="Run the short form, as the tests do")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


@app.callback(invoke_without_command=True)
def every(
    context: typer.Context,
    full: Annotated[
        bool | None,
        typer.Option("--full/--short", help="Hours: all as promised; by default the short form of each: minutes"),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Run nothing: show what was kept, of --to or of this release's full forms")
    ] = False,
    as_json: AsJson = False,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder that keeps each result as its proof ends; what is there is not run again"),
    ] = None,
) -> None:
    """Run the proof of every promise, each in a process of its own, and print one table.

    In the short form unless --full is given. Named, a proof runs in full unless --short stands behind its name.
    """
    if context.invoked_subcommand is not None:
        if full is not None or listed or as_json or to is not None:
            name = context.invoked_subcommand
            raise InputError(
                "options stand behind the name of a proof", hint=f"As in: clampdown prove {name} --short --json"
            )
        return
    results, missing = (_kept(to), []) if listed else _run(_folder(to, full=bool(full)), short=not full)
    if as_json:
        print_json(prove_shown.as_json(results))
    else:
        prove_shown.show(
            results,
            _title(to, full=bool(full), listed=listed),
            is_short=not (full or listed),
            lacking=_lacking(to, listed=listed),
        )
    if missing:
        raise typer.Exit(INTERRUPTED)
    if any(one.state.is_wrong for one in results.values()):
        raise typer.Exit(1)


def _title(to: Path | None, *, full: bool, listed: bool) -> str:
    if listed:
        return f"What is kept in {to}" if to is not None else "The full forms that were run for this release"
    return "The full forms" if full else "The short forms"


def _lacking(to: Path | None, *, listed: bool) -> str:
    return "not yet run in full" if listed and to is None else "not run"


def _folder(to: Path | None, *, full: bool) -> Path | None:
    """Where results are kept; None where they are not. What takes hours is always kept."""
    folder = to or (Path(f"proofs-{datetime.now().astimezone():%Y%m%d-%H%M%S}") if full else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kept(to: Path | None) -> "dict[str, Result]":
    from clampdown.proofs.results import kept_in, released

    if to is not None and not to.is_dir():
        raise InputError(f"there is no folder {to}", hint="`clampdown prove --to FOLDER` makes one.")
    return released() if to is None else kept_in(to)


def _run(folder: Path | None, *, short: bool) -> "tuple[dict[str, Result], list[str]]":
    """Run all, one after the other. Returns the results, and what an interrupt left out."""
    from clampdown.proofs import results

    tell = _teller()
    done = {} if folder is None else results.kept_in(folder)
    if folder is not None:
        tell(f"each result is kept in {folder}; `--to {folder}` goes on there")
    for number, entry in enumerate(PROOFS, 1):
        if entry.name in done and results.is_current(done[entry.name], short=short):
            continue
        tell(f"{entry.name}, {number} of {len(PROOFS)}")
        try:
            done[entry.name] = _apart(entry, short=short)
        except KeyboardInterrupt:
            return done, [entry.name for entry in PROOFS[number - 1 :]]
        if folder is not None:
            results.keep(folder, done[entry.name])
        tell(prove_shown.line(done[entry.name]))
    return done, []


def _apart(entry: Entry, *, short: bool) -> "Result":
    from clampdown.proofs.apart import run_apart

    tell = _teller()
    return run_apart(entry, lambda line: tell(f"  {line}"), short=short)


def cluster(
    short: Short = False,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C, to look at")] = False,
) -> None:
    """Run the proof, which can leave its servers running."""
    _prove(BY_NAME["cluster"], short=short, as_json=as_json, keep=keep)


def soak(
    short: Short = False,
    as_json: AsJson = False,
    cycles: Annotated[int, typer.Option("--cycles", min=3, help="States of the site to live through")] = 200,
    kills: Annotated[int, typer.Option("--kills", min=0, help="Processes to kill at random moments")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="What the site and the kills are drawn from")] = 7,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="New folder that keeps each cycle as it ends (soak.jsonl), the log, and the data"),
    ] = None,
) -> None:
    """Run the proof over so many cycles."""
    if short:
        _prove(BY_NAME["soak"], short=True, as_json=as_json, to=to)
        return
    if kills > (cycles - 1) * 3 // 5:
        raise InputError(
            f"{kills} kills are too many for {cycles} cycles", hint="Each falls into one of the first three fifths."
        )
    from clampdown.proofs.soak import Plan

    folder = to or Path(f"soak-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    _prove(BY_NAME["soak"], as_json=as_json, plan=Plan(cycles=cycles, kills=kills, seed=seed), to=folder)


_WITH_MORE_OPTIONS: dict[str, Callable[..., None]] = {"cluster": cluster, "soak": soak}


def _command(entry: Entry) -> Callable[..., None]:
    def run(short: Short = False, as_json: AsJson = False) -> None:
        _prove(entry, short=short, as_json=as_json)

    return run


for _entry in PROOFS:
    app.command(_entry.name, help=_entry.about)(_WITH_MORE_OPTIONS.get(_entry.name) or _command(_entry))


def _teller() -> "Tell":
    progress = console(stderr=True)
    return lambda line: progress.print(Text(line, style="dim"), soft_wrap=True)


def _prove(entry: Entry, *, as_json: bool, short: bool = False, **options: object) -> None:
    """Run one proof in this process, and show all its claims. Raises NotPossible where it can't be run here."""
    from clampdown.proofs.results import measured

    result = measured(entry.name, lambda: entry.prove(_teller(), short=short, **options), short=short)
    if as_json:
        print_json(result.as_json())
    else:
        prove_shown.show_one(result)
    if result.state.is_wrong:
        raise typer.Exit(1)

"""`prove`: run the proof of a promise and print its figures."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.output import console, print_json, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from clampdown.proofs.claims import Proof, Tell

app = typer.Typer(help="Prove what Clampdown promises, against servers on this machine.", no_args_is_help=True)

Short = Annotated[bool, typer.Option("--short", help="Run the short form, as the tests do")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


@app.command()
def ssrf(short: Short = False, as_json: AsJson = False) -> None:
    """No fetch reaches a private address, however it is spelt, redirected to or resolved."""
    from clampdown.proofs.ssrf import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def hostile(short: Short = False, as_json: AsJson = False) -> None:
    """No feed, page or compressed bomb stops or exhausts a run."""
    from clampdown.proofs.hostile import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def polite(short: Short = False, as_json: AsJson = False) -> None:
    """No rule of politeness is broken on a farm of two hundred feed servers."""
    from clampdown.proofs.polite import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def lake(short: Short = False, as_json: AsJson = False) -> None:
    """Two writers and a reader on a lake end in the tables of one writer."""
    from clampdown.proofs.lake import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def cluster(
    short: Short = False,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C, to look at")] = False,
) -> None:
    """Flows on a small cluster (Postgres, a lake, Dask, Prefect) end in the tables of one process."""
    from clampdown.proofs.cluster import prove

    _show(lambda tell: prove(tell, short=short, keep=keep), as_json=as_json)


@app.command()
def crash(short: Short = False, as_json: AsJson = False) -> None:
    """What is committed survives kills, a full disk and a torn log, once."""
    from clampdown.proofs.crash import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
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
    """Serving a changing site for weeks, killed again and again, ends as undisturbed runs do, and does not grow.

    Takes some seconds a cycle; the clock of the processes is moved. Interrupted, it shows what it saw.
    """
    from clampdown.proofs.soak import SHORT, Plan, prove

    if short:
        _show(lambda tell: prove(tell, plan=SHORT, to=to), as_json=as_json)
        return
    if kills > (cycles - 1) * 3 // 5:
        raise InputError(
            f"{kills} kills are too many for {cycles} cycles", hint="Each falls into one of the first three fifths."
        )
    plan = Plan(cycles=cycles, kills=kills, seed=seed)
    _show(
        lambda tell: prove(tell, plan=plan, to=to or Path(f"soak-{datetime.now().astimezone():%Y%m%d-%H%M%S}")),
        as_json=as_json,
    )


@app.command()
def clock(short: Short = False, as_json: AsJson = False) -> None:
    """Where the clock goes back or forward, or the machine sleeps for a week, each digest is made once.

    The clock of the processes is moved.
    """
    from clampdown.proofs.clock import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def outbox(short: Short = False, as_json: AsJson = False) -> None:
    """No mail goes out twice without an operator's word, wherever its sender is killed."""
    from clampdown.proofs.outbox import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def exports(short: Short = False, as_json: AsJson = False) -> None:
    """What publishers write stays text in every export, question and terminal, and comes back as it was."""
    from clampdown.proofs.exports import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


@app.command()
def snapshot(short: Short = False, as_json: AsJson = False) -> None:
    """Readers of the snapshot meet no error and nothing stale while runs publish, and hold nobody up."""
    from clampdown.proofs.snapshot import prove

    _show(lambda tell: prove(tell, short=short), as_json=as_json)


def _show(prove: "Callable[[Tell], Proof]", *, as_json: bool) -> None:
    progress = console(stderr=True)
    start = time.monotonic()
    proof = prove(lambda line: progress.print(Text(line, style="dim"), soft_wrap=True))
    seconds = time.monotonic() - start
    if as_json:
        told = {"proof": proof.name, "holds": proof.holds, "seconds": round(seconds, 1), "claims": proof.claims}
        print_json(told | ({"figures": proof.figures} if proof.figures else {}))
    else:
        marks = {True: Text("holds", style="green"), False: Text("FAILS", style="bold red")}
        rows = [(marks[claim.holds], claim.text, claim.measured, claim.promised) for claim in proof.claims]
        out = console()
        out.print(table(f"{proof.name}, in {seconds:.1f} s", ("", "claim", "measured", "promised"), rows))
    if not proof.holds:
        raise typer.Exit(1)

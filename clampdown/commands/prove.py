"""`prove`: run the proof of a promise and print its figures."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.output import console, print_json, table

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
        print_json({"proof": proof.name, "holds": proof.holds, "seconds": round(seconds, 1), "claims": proof.claims})
    else:
        marks = {True: Text("holds", style="green"), False: Text("FAILS", style="bold red")}
        rows = [(marks[claim.holds], claim.text, claim.measured, claim.promised) for claim in proof.claims]
        out = console()
        out.print(table(f"{proof.name}, in {seconds:.1f} s", ("", "claim", "measured", "promised"), rows))
    if not proof.holds:
        raise typer.Exit(1)

"""The `clampdown` command. Commands live in `clampdown.commands`; each imports what it needs only when it runs.

The exit codes stand in `clampdown.reference.EXIT_CODES`, from which docs/commands.md is made.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clampdown.commands import (
    alerts,
    audit,
    backfill,
    check,
    configure,
    dashboard,
    digest,
    evaluate,
    extract,
    keep,
    lake,
    maintain,
    outbox,
    prove,
    query,
    rebuild,
    reextract,
    report,
    review,
    run,
    serve,
    sources,
    status,
    subscriptions,
    train,
)
from clampdown.mishaps import explained, misplaced, ready_streams, require_system
from clampdown.options import GlobalOptions
from clampdown.output import fail
from pipeline.errors import ClampdownError

INTERRUPTED = 130
MISUSED = 2

app = typer.Typer(
    name="clampdown",
    help="Watches the news for restrictions on digital services and keeps each with the words that state it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from clampdown.versions import version_lines

        typer.echo("\n".join(version_lines()))
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file [default: $CLAMPDOWN_CONFIG or clampdown.toml]")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", "-d", help="Folder of archive, warehouse and snapshot")
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the versions of Clampdown, its model, Python and DuckDB.",
        ),
    ] = False,
) -> None:
    """Options that stand before the command."""
    context.obj = GlobalOptions(config, data_dir)


app.command("init", rich_help_panel="Set up")(configure.init)
app.command("config", rich_help_panel="Set up")(configure.config)
app.command("doctor", rich_help_panel="Set up")(check.doctor)
app.add_typer(sources.app, name="sources", rich_help_panel="Set up")
app.add_typer(subscriptions.app, name="subscriptions", rich_help_panel="Set up")
app.command("run", rich_help_panel="Watch")(run.run)
app.command("serve", rich_help_panel="Watch")(serve.serve)
app.command("status", rich_help_panel="Watch")(status.status)
app.command("backfill", rich_help_panel="Watch")(backfill.backfill)
app.command("rebuild", rich_help_panel="Watch")(rebuild.rebuild)
app.command("reextract", rich_help_panel="Watch")(reextract.reextract)
app.command("audit", rich_help_panel="Keep")(audit.audit)
app.add_typer(alerts.app, name="alerts", rich_help_panel="Keep")
app.add_typer(outbox.app, name="outbox", rich_help_panel="Keep")
app.command("backup", rich_help_panel="Keep")(keep.backup)
app.command("restore", rich_help_panel="Keep")(keep.restore)
app.command("prune", rich_help_panel="Keep")(keep.prune)
app.command("maintain", rich_help_panel="Keep")(maintain.maintain)
app.command("migrate-to-lake", rich_help_panel="Watch")(lake.migrate_to_lake)
app.add_typer(lake.app, name="lake", rich_help_panel="Watch")
app.command("extract", rich_help_panel="Watch")(extract.extract)
app.command("eval", rich_help_panel="Measure")(evaluate.evaluate)
app.command("train", rich_help_panel="Measure")(train.train)
app.add_typer(prove.app, name="prove", rich_help_panel="Measure")
app.command("events", rich_help_panel="Ask")(query.events)
app.command("dashboard", rich_help_panel="Ask")(dashboard.dashboard)
app.command("digest", rich_help_panel="Ask")(digest.digest)
app.command("report", rich_help_panel="Ask")(report.report)
app.command("show", rich_help_panel="Ask")(query.show)
app.add_typer(review.app, name="review", rich_help_panel="Ask")
app.command("sql", rich_help_panel="Ask")(query.sql)
app.command("export", rich_help_panel="Ask")(query.export)


def main() -> None:
    """Run the command; turn known errors into one line and an exit code."""
    # onnxruntime reads this when it is imported, and reports home unless it is set.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    ready_streams()
    try:
        require_system()
        app()
    except ClampdownError as error:
        sys.exit(fail(error))
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except SystemExit as end:
        # typer turns an interrupt into this status and says nothing.
        if end.code == INTERRUPTED:
            typer.echo("Interrupted. Nothing committed is lost: the next run goes on from here.", err=True)
        elif end.code == MISUSED and (way_out := misplaced(sys.argv[1:])):
            typer.echo(f"  {way_out}", err=True)
        raise
    except Exception as error:
        known = explained(error)
        if known is None:
            raise
        sys.exit(fail(known))

"""`migrate-to-lake` and `lake`: the warehouse that several writers share. docs/lake.md says when and how."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from warehouse.lake_care import LakeState

app = typer.Typer(help="Look after a lake: the warehouse that several writers share.", no_args_is_help=True)


def migrate_to_lake(
    context: typer.Context,
    back: Annotated[
        bool, typer.Option("--back", help="The other way: from the lake to the file, which must not be there")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Copy the warehouse from its file in data_dir to the lake of warehouse.url, which must be empty.

    All rows of each table are compared afterwards. What was copied from stays as it is. Killed at any time, it leaves
    nothing behind and can be run again.
    """
    from flows.house import WAREHOUSE_NAME
    from pipeline.lease import lease
    from warehouse.migrating import to_file, to_lake

    settings = _with_lake(context)
    file = settings.data_dir / WAREHOUSE_NAME
    out, silent = console(), as_json

    def tell(name: str, rows: int) -> None:
        if not silent and rows:
            out.print(Text(f"{rows:>14,}  {name}"), soft_wrap=True)

    with lease(settings.data_dir, holder="migrate-to-lake"):
        moved = to_file(settings.warehouse, file, tell) if back else to_lake(file, settings.warehouse, tell)
    if as_json:
        print_json({"rows": moved.rows, "total": moved.total})
        return
    out.print(Text(f"{moved.total:>14,}  rows in {len(moved.rows)} tables, equal on both sides", style="bold"))
    if back:
        out.print("Next: set warehouse.url to nothing, so that runs use the file.")
    else:
        out.print(
            f"Next: `clampdown run`. {file} is not used any more; keep it until you trust the lake.", markup=False
        )


@app.command()
def tidy(
    context: typer.Context,
    keep: Annotated[float, typer.Option("--keep-days", help="Days for which old states can be read still")] = 7.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Make few large files of many small ones, and forget old states. Writers wait meanwhile, readers don't."""
    from warehouse.lake_care import tidy

    before, after = tidy(_with_lake(context).warehouse, kept_days=keep)
    if as_json:
        print_json({"before": before, "after": after})
        return
    rows = [(name, _of(before, name), _of(after, name)) for name in ("files", "size", "snapshots")]
    console().print(table(None, ("", "before", "after"), rows))


@app.command()
def status(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """Show what is in the lake, and which writers are at work. Changes nothing."""
    from warehouse.lake_care import state

    settings = _with_lake(context).warehouse
    found = state(settings)
    if as_json:
        print_json(found)
        return
    rows = [
        ("lake", found.name),
        ("this writer", f"{settings.writer} of {settings.writers}"),
        ("schema", str(found.schema) if found.schema else "nothing there yet: the first run makes it"),
        ("entries", "–" if found.balance is None else f"{found.balance.discovered:,}"),
        ("files", _of(found, "files")),
        ("size", _of(found, "size")),
        ("snapshots", _of(found, "snapshots")),
        ("at work", "; ".join(found.at_work) or "nobody"),
    ]
    console().print(table(None, ("", ""), rows))


def _of(state: "LakeState", name: str) -> str:
    return f"{state.size / 1e6:,.1f} MB" if name == "size" else f"{getattr(state, name):,}"


def _with_lake(context: typer.Context) -> "Settings":
    settings = load_settings(context).settings
    if not settings.warehouse.url:
        raise InputError("no lake is configured", hint="Set warehouse.url and warehouse.data_path: see docs/lake.md.")
    return settings

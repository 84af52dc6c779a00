"""`sources`: the list of feeds, their health, OPML in and out."""

from pathlib import Path
from typing import Annotated

import typer

from clampdown.commands import health, sources_add
from clampdown.options import load_settings
from clampdown.output import console, print_json, table
from pipeline.errors import InputError

app = typer.Typer(help="List feeds and check them; import and export OPML.", no_args_is_help=True)
app.command("check")(health.check)
app.command("add")(sources_add.add)


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """List the feeds of sources.toml."""
    from pipeline.sources import load_sources

    found = load_sources(load_settings(context).settings.sources)
    if as_json:
        print_json(found)
        return
    rows = [(s.id, s.name, s.country, s.url, "" if s.enabled else "off") for s in found]
    console().print(table(f"{len(rows)} sources", ("id", "name", "country", "url", ""), rows, id="cyan", url="dim"))


@app.command("import")
def import_(
    context: typer.Context,
    opml: Annotated[Path, typer.Argument(help="An OPML file")],
) -> None:
    """Add the feeds of an OPML file to sources.toml; feeds that are there stay as they are."""
    from pipeline.opml import sources_from_opml
    from pipeline.sources import load_sources, new_sources, render_sources

    try:
        found = sources_from_opml(opml.read_bytes())
    except OSError as error:
        raise InputError(f"{opml}: can't be read: {error.strerror}") from None
    path = load_settings(context).settings.sources
    present = load_sources(path) if path.exists() else ()
    new = new_sources(present, found)
    added = render_sources(new)
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if present else "") + added if new else "")
    console().print(
        f"{path}: {len(new)} added, {len(found) - len(new)} were there, {len(present) + len(new)} in all",
        markup=False,
        soft_wrap=True,
    )


@app.command("export")
def export(
    context: typer.Context,
    to: Annotated[Path | None, typer.Argument(help="The OPML file to write [default: standard output]")] = None,
) -> None:
    """Write the feeds of sources.toml as OPML."""
    from pipeline.opml import opml_from_sources
    from pipeline.sources import load_sources

    text = opml_from_sources(load_sources(load_settings(context).settings.sources))
    if to is None:
        typer.echo(text)
    else:
        to.write_text(text, encoding="utf-8")
        console().print(f"wrote {to}", markup=False, soft_wrap=True)

"""`backup`, `restore` and `prune`: what is kept of a data folder, where, and for how long."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json
from clampdown.turns import called

if TYPE_CHECKING:
    from flows.backup import Backup, Restored
    from flows.retention import Pruned
    from pipeline.flow_log import Told
    from pipeline.settings import Settings

SHOWN_NAMES = 10


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="A folder, best on another disk; it is made if need be")],
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Remove all but so many of the latest backups [default: none]")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for a run that is on to end")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Write a backup: archive, warehouse, digests, settings, source list, answers of a language model.

    Each backup is whole in itself; what has not changed since the one before shares its room. Where a run
    is on for longer than --wait, the archive is kept without the warehouse, which can be made of it.
    """
    from flows.backup import backup

    loaded = load_settings(context)
    done = backup(loaded.settings, target, config=loaded.file, keep=keep, wait=wait)
    if as_json:
        print_json(done)
    else:
        _print_backup(done)
    if done.written.damaged:
        raise typer.Exit(1)


def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="The folder of backups, or one of them")],
    version: Annotated[
        str | None, typer.Option("--version", help="Beginning of a backup's name [default: the latest]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Keep a data folder that is not empty under another name")
    ] = False,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Restore what is whole of a backup that is not")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Make the data folder of a backup, all of whose files are read and compared first.

    A warehouse of an older schema is brought to today's; the snapshot is published.
    """
    from flows.backup import find, restore

    loaded = load_settings(context)
    found = find(source, version)
    done = restore(loaded.settings, found, config=loaded.file, force=force, incomplete=incomplete)
    if as_json:
        print_json(
            {
                "version": found.folder,
                "made_at": found.made_at,
                "files": len(found.files) - len(done.missing),
                "missing": done.missing,
                "before": done.before,
                "rebuild": done.rebuild,
                "schemas": done.schemas,
                "settings": done.settings,
                "beside": done.beside,
            }
        )
    else:
        _print_restored(done, loaded.settings.data_dir)


def prune(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; change nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Reduce pages and feeds to what was read of them, as far as the settings `retention.*` say.

    Nothing goes that an event, a decision or evidence rests on, and no row or text of the warehouse: an archive that
    was pruned is rebuilt into the same tables.
    """
    from flows.retention import prune

    settings = load_settings(context).settings
    done = prune(settings, dry_run=True) if dry_run else _prune(settings)
    if as_json:
        print_json({"dry_run": dry_run, "freed": done.freed, **asdict(done)})
    else:
        _print_pruned(done, dry_run=dry_run)


def _prune(settings: "Settings") -> "Pruned":
    from flows.retention import is_set, prune
    from flows.serving.perform import perform

    def work(told: "Told") -> "Pruned":
        done = prune(settings)
        told.facts.update(records=done.records.total(), freed=done.freed)
        return done

    if not (settings.data_dir.is_dir() and is_set(settings.retention)):
        # It says what is missing. That is no run to be noted, and no folder is made for it.
        return prune(settings)
    return called(perform("prune", settings, work))


def _print_pruned(done: "Pruned", *, dry_run: bool) -> None:
    for why, number in sorted(done.records.items()):
        words = f"{number:,} records, {_size(done.before[why])} reduced to {_size(done.after[why])}"
        _line(why, words)
    for why, number in sorted(done.kept.items()):
        _line("kept", f"{number:,} × {why}", style="dim")
    if done.finished:
        _line("finished", f"{done.finished:,} parts that an earlier program had begun with")
    would = "would be written anew, and" if dry_run else "written anew,"
    _line("archive", f"{done.parts:,} parts {would} {_size(done.freed)} freed")


def _print_backup(done: "Backup") -> None:
    out, written = console(), done.written
    files = written.version.files
    whole = sum(size for size, _ in files.values())
    _line("backup", f"{written.version.folder}")
    _line("files", f"{len(files):,}, {_size(whole)}; new {written.new_files:,}, {_size(written.new_bytes)}")
    if written.removed:
        _line("removed", f"{len(written.removed):,} older ones")
    for name, why in done.left_out.items():
        _line("left out", f"{name}: {why}", style="yellow")
    for name in written.damaged[:SHOWN_NAMES]:
        _line("damaged", name, style="red")
    if written.damaged:
        words = f"{len(written.damaged):,} files are damaged where they come from; older backups may have them whole"
        out.print(Text(words, style="bold red"))


def _print_restored(done: "Restored", data_dir: Path) -> None:
    found = done.version
    files = {name: size for name, (size, _) in found.files.items() if name not in done.missing}
    _line("backup", f"{found.folder.name}, made {found.made_at:%Y-%m-%d %H:%M} UTC")
    _line("files", f"{len(files):,}, {_size(sum(files.values()))}, all as they were written")
    _line("restored", f"{data_dir}")
    if done.before is not None:
        _line("old one", f"{done.before}")
    for name in done.missing[:SHOWN_NAMES]:
        _line("missing", name, style="yellow")
    if len(done.missing) > SHOWN_NAMES:
        _line("", f"… and {len(done.missing) - SHOWN_NAMES:,} more", style="yellow")
    if done.schemas is not None and done.schemas[0] != done.schemas[1]:
        _line("schema", f"brought from {done.schemas[0]} to {done.schemas[1]}")
    for path in done.settings:
        _line("settings", f"{path}")
    for path in done.beside:
        _line("settings", f"{path}, beside the one in use")
    if done.rebuild is not None:
        _line("warehouse", f"{done.rebuild}; `clampdown rebuild` makes it of the archive", style="yellow")
    else:
        _line("next", "`clampdown audit` checks the whole house")


def _line(label: str, words: str, *, style: str = "") -> None:
    console().print(Text.assemble((f"{label:<10}", f"bold {style}".strip()), (words, style)), soft_wrap=True)


def _size(size: int) -> str:
    """Bytes in their largest fitting unit."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"

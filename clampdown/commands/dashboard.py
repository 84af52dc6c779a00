"""`dashboard`: the published snapshot to look at, in a browser."""

from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from clampdown.options import load_settings
from clampdown.output import console
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from reports.dashboard.review_seam import ReviewDesk
    from reports.dashboard.snapshots import Snapshots


def dashboard(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: the setting dashboard.host]")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port; 0 is any that is free [default: dashboard.port]")
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Questions to people, too: their answers are kept as decisions")
    ] = False,
    opened: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser where there is a screen")
    ] = True,
) -> None:
    """Look at what is known: how a restriction spreads, by service, country and actor, down to the words that state it.

    The pages are made from the published snapshot and move to a newer one by themselves. They ask nothing of any other
    machine. See docs/dashboard.md.
    """
    settings = load_settings(context, {"dashboard.host": host, "dashboard.port": port}).settings
    _serve(settings, review=review, opened=opened)


def _serve(settings: "Settings", *, review: bool, opened: bool) -> None:
    import tempfile
    from pathlib import Path

    from extractors.measured import measured
    from pipeline.places import PUBLISHED_NAME
    from reports.dashboard import world_map
    from reports.dashboard.app import Setting, make_app
    from reports.dashboard.guard import is_loopback, own_names
    from reports.dashboard.serving import address_of, listen, serve
    from reports.dashboard.snapshots import Snapshots
    from reports.dashboard.warming import warm

    wanted = settings.dashboard
    if review and not is_loopback(wanted.host):
        raise InputError(
            f"--review is for this machine alone, and {wanted.host} is reached from others",
            hint="Leave --host out; from elsewhere, use a tunnel: ssh -L 8787:127.0.0.1:8787 …",
        )
    is_public = not is_loopback(wanted.host)
    hosts = frozenset((*wanted.hosts, *((wanted.host, *own_names()) if is_public else ())))
    with tempfile.TemporaryDirectory(prefix="clampdown-") as spill, listen(wanted.host, wanted.port) as listening:
        snapshots = Snapshots(settings.data_dir / PUBLISHED_NAME, workspace=Path(spill))
        # What is wrong with the snapshot shows before anybody waits for a page.
        with snapshots.held():
            pass
        world_map.prepare()
        with _desk(settings, snapshots, review=review) as desk:
            app = make_app(snapshots, Setting(settings.serve.zone, hosts, measured(settings.extract.model)), desk=desk)
            address = address_of(listening)

            def ready() -> None:
                warm(address)
                _tell(address, is_public=is_public, opened=opened)

            serve(app, listening, ready)
        snapshots.close()


def _desk(settings: "Settings", snapshots: "Snapshots", *, review: bool) -> "AbstractContextManager[ReviewDesk | None]":
    if not review:
        return nullcontext()
    from flows.review_desk import open_desk
    from pipeline.errors import ClampdownError
    from reports.dashboard.review_page import warm

    def look_ahead() -> None:
        with suppress(ClampdownError), snapshots.held() as data:
            warm(data)

    return open_desk(settings, look_ahead)


def _tell(address: str, *, is_public: bool, opened: bool) -> None:
    out = console()
    out.print(address, markup=False, soft_wrap=True)
    if is_public:
        out.print("Whoever reaches this machine can read all of it: there is no password.", style="yellow")
    if opened:
        _open(address)


def _open(address: str) -> None:
    """Open it where there is somebody to see it."""
    import os
    import sys
    import webbrowser

    has_screen = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if has_screen and sys.stdout.isatty():
        webbrowser.open(address)

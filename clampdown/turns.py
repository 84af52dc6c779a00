"""What commands that write say of turns: only one program writes into a data folder at a time."""

from typing import TYPE_CHECKING, TypeVar

from rich.text import Text

from clampdown.output import console

if TYPE_CHECKING:
    from pipeline.settings import Settings

T = TypeVar("T")


def tell_of_turns(settings: "Settings", flow: str) -> None:
    """Say on standard error who keeps long work waiting, and whom it keeps waiting."""
    from pipeline.lease import holder
    from pipeline.status import serving

    out = console(stderr=True)
    if serving(settings.data_dir):
        told = (
            f"`clampdown serve` runs here, and can't ingest meanwhile. Its flow `{flow}` lets ingests have their turn."
        )
        out.print(Text(told, style="yellow"), soft_wrap=True)
    if who := holder(settings.data_dir):
        out.print(Text(f"waiting for {who}", style="yellow"), soft_wrap=True)


def called(result: T | None) -> T:
    """The result of a flow that a person called: it is never skipped, but done or refused."""
    assert result is not None, "nothing supersedes what a person asks for"
    return result

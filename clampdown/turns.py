"""What commands that write say of turns: only one program writes into a data folder at a time."""

from typing import TYPE_CHECKING, TypeVar

from rich.text import Text

from clampdown.output import console

if TYPE_CHECKING:
    from pipeline.settings import Settings

T = TypeVar("T")


def tell_whom_to_wait_for(settings: "Settings") -> None:
    """Say on standard error who holds the data folder, where someone does: this command is about to wait."""
    from pipeline.lease import holder

    if who := holder(settings.data_dir):
        console(stderr=True).print(Text(f"waiting for {who}", style="yellow"), soft_wrap=True)


def called(result: T | None) -> T:
    """The result of a flow that a person called: it is never skipped, but done or refused."""
    assert result is not None, "nothing supersedes what a person asks for"
    return result

"""The description of the distribution: README.md without what would lead nowhere on a package index's page.

There, neither the pictures nor the pages of docs/ are beside it. The names of the pages stay; the pictures go.
"""

import re
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]*\)")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)([^)]*)\)")
_EMPTY_ROW = re.compile(r"\|[\s|:-]*")


class Description(MetadataHookInterface):
    """Gives `readme` its text at each build."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description from the README beside this file."""
        if sys.version_info < (3, 11):  # noqa: UP036 - this runs before any check of it
            # An older pip would name the first package of ours that has nothing for this Python.
            sys.exit(f"Clampdown needs Python 3.11 or newer, and this is {sys.version.split()[0]}")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": described(text)}


def described(text: str) -> str:
    """Markdown without relative pictures, whose relative links are their words and the page's name."""
    parts = text.split("\n\n")
    return "\n\n".join(kept for part in parts if (kept := _without_pictures(part)).strip()).rstrip() + "\n"


def _without_pictures(part: str) -> str:
    # A link may go over the end of a line.
    lines = _LINK.sub(_named, _IMAGE.sub("", part)).splitlines()
    is_gallery = _IMAGE.search(part) and all(_EMPTY_ROW.fullmatch(line) or not line.strip() for line in lines)
    return "" if is_gallery else "\n".join(lines)


def _named(link: re.Match[str]) -> str:
    words, page = link[1], link[2].partition("#")[0]
    return words if page in words else f"{words} ({page})"

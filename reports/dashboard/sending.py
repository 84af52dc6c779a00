"""Files that are sent while they are made: what they are made from is held until the end, or until nobody waits."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from reports.dashboard.visit import Download


class Sent(StreamingResponse):
    """A download. `held` is let go when it has ended, however it ended."""

    def __init__(self, answer: Download, first: bytes, held: ExitStack) -> None:
        pieces: Iterator[bytes] = chain([first], answer.chunks)
        name = answer.filename
        plain = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in name)
        headers = {
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Cache-Control": "no-store",
        }
        super().__init__(pieces, headers=headers, media_type=answer.media_type)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._held:
            await super().__call__(scope, receive, send)

"""What the first visitor would have to wait for, done before: templates compiled, outlines read, Vega made."""

import re
import threading
import urllib.request
from http.client import HTTPException
from typing import Final
from urllib.parse import urljoin

from reports.dashboard.rendering import compile_all
from reports.dashboard.static_files import vega

_EVENT: Final = re.compile(r'href="(/event/[0-9a-f]+)"')


def warm(address: str) -> None:
    """Warm up the dashboard that is served at that address, in the background. Nothing depends on it."""
    threading.Thread(target=vega, name="vega", daemon=True).start()
    threading.Thread(target=_warm, args=(address,), name="warming", daemon=True).start()


def _warm(address: str) -> None:
    compile_all()
    try:
        # The first page has all there is: maps, charts, answers that other pages need, too. An event needs the lineage
        # of all bodies besides.
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own address
            found = _EVENT.search(answer.read().decode())
        if found is not None:
            with urllib.request.urlopen(urljoin(address, found[1])) as answer:  # noqa: S310 - likewise
                answer.read()
    except (OSError, HTTPException):
        # It has ended already, or says what is wrong to who asks.
        pass

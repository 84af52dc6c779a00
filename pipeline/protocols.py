"""What the stages need of each other, named here so that `pipeline` imports nobody."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pipeline.errors import ExtractionError, FetchError
from pipeline.types import Document, FetchRequest, Mention, Response

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Where functions run that meet a publisher's bytes: apart, and under limits."""

    def map(self, function: Callable[[T], R], items: Sequence[T], *, seconds: float) -> list[R | Exception]:
        """Return in order what `function` makes of each item, or the exception that ended it."""
        ...


class Session(Protocol):
    """What answers requests: the network, or an archive of what it once answered."""

    def fetch_all(self, requests: Sequence[FetchRequest]) -> list[Response | FetchError]:
        """Return one result per request, in order."""
        ...

    def sitemaps(self, urls: Sequence[str]) -> list[tuple[str, ...]]:
        """Return for each URL the sitemaps that its site's robots.txt names; none where it can't be had."""
        ...


class Extractor(Protocol):
    """Documents in, mentions out. `revision` identifies weights, registries and decoding together."""

    @property
    def revision(self) -> str: ...

    def extract(self, documents: Sequence[Document]) -> Sequence[list[Mention] | ExtractionError]:
        """Return one list of mentions per document, in order, each quote an exact slice of the document's text.

        A document that could not be read has an error in its place. Raises EndpointError where none can be.
        """
        ...

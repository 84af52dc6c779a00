"""The warehouse as programs read it: a published snapshot, opened, asked and followed."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from clampdown.api.answers import Answer, Parameters
from clampdown.api.changes import Changes, Cursor, Since
from clampdown.api.engine import Engine, identity, snapshot_at
from clampdown.api.records import Event, EventDetail, Events
from clampdown.api.trends import Trends
from pipeline.classes import Action, Status
from pipeline.errors import InputError


class Warehouse:
    """A published snapshot, opened for reading by `clampdown.open`. A context manager.

    It stays on the version of the data that it opened, so that all answers fit together, whatever is published
    meanwhile; `refresh` goes on to the newest. Readers block no run, and no run blocks them. Threads can share it: each
    question has a connection of its own. Processes can't: open it in each, after a fork.
    """

    def __init__(
        self, path: str | PathLike[str], *, memory_limit: str | None = None, threads: int | None = None
    ) -> None:
        self._path = snapshot_at(Path(path))
        self._memory_limit, self._threads = memory_limit, threads
        self._lock = threading.Lock()
        self._engine = self._opened()

    def _opened(self) -> Engine:
        return Engine(self._path, memory_limit=self._memory_limit, threads=self._threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Whatever is asked afterwards raises InputError."""
        self._engine.close()

    def __reduce__(self) -> Any:
        raise TypeError("a warehouse can't be pickled: open it in the process that asks")

    @property
    def path(self) -> Path:
        """The file that is open: one version of the data, links followed."""
        return self._engine.file

    @property
    def published_at(self) -> datetime:
        """When this version was published, UTC."""
        return datetime.fromisoformat(self.manifest["published_at"])

    @property
    def model(self) -> str:
        """The revision of the model that read the latest articles."""
        return str(self.manifest["model"])

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What is told of this version: `counts` of rows by table, `span` of dates, `version` of Clampdown and more."""
        with self._engine.question() as reader:
            return MappingProxyType({key: json.loads(value) for key, value in reader.rows("FROM manifest")})

    def events(  # noqa: PLR0913 - each is a filter, and all of them are by name
        self,
        *,
        service: str | None = None,
        country: str | None = None,
        actor: str | None = None,
        action: Action | str | None = None,
        status: Status | str | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
        limit: int | None = None,
        everything: bool = False,
    ) -> Events:
        """The events that fit all that is given, the latest first.

        `service` is any name of a service, `country` a code or name, `actor` part of a name, or an acronym. `since` and
        `until` (inclusive; a date or `YYYY-MM-DD`) hold against the days that the event's stated date allows and, for
        an undated event, against the day of its first report. `everything` brings those too that all articles have
        withdrawn or a person has dismissed. Raises InputError where the service, country, action or status is unknown.

        >>> warehouse = clampdown.open("sample-data")
        >>> (event,) = warehouse.events(service="DeepSeek", actor="Garante", action="block", since="2025-01-01")
        >>> event.date_value, event.actor, event.voices, event.articles
        ('2025-01-30', 'Garante per la protezione dei dati personali', 4, 8)
        """
        from clampdown.api import made
        from warehouse.query import EventFilter
        from warehouse.query import events as find

        wanted = EventFilter(
            service, country, actor, action, status, _day("since", since), _day("until", until), limit, everything
        )
        with self._engine.question() as reader:
            return Events(made.event(row) for row in find(reader, wanted))

    def event(self, event: Event | str) -> EventDetail:
        """One event with all its evidence: by its id, the beginning of one (four characters or more), or as listed.

        An id that was merged into another event leads to that. Raises InputError where no event or more than one fits.

        >>> warehouse = clampdown.open("sample-data")
        >>> (event,) = warehouse.events(service="DeepSeek", actor="Garante", action="block")
        >>> for dissent in warehouse.event(event.id[:8]).dissent:
        ...     print(f"{dissent.field}: {dissent.words}")
        action: 3 sources say block, 1 says suspend
        date: 4 sources say 30 January 2025, 1 says 6 February 2025
        """
        from clampdown.api import made
        from warehouse.query import event as find
        from warehouse.review import log

        with self._engine.question() as reader:
            found = find(reader, event if isinstance(event, str) else event.id)
            return made.detail(found, reversed(log(reader, found.event.id)))

    def text(self, article_id: str, version: int | None = None) -> str:
        """The stored text of an article, of which quotes are slices; the current version unless another is named.

        Raises InputError where there is none such.
        """
        from warehouse.texts import texts_of

        with self._engine.question() as reader:
            found = {number: text for (_, number), text in texts_of(reader, [article_id]).items()}
        wanted = max(found, default=0) if version is None else version
        if wanted not in found:
            raise InputError(
                f"there is no article {article_id}" if not found else f"article {article_id} has no version {version}",
                hint="Take `article.id` and `version` of a mention.",
            )
        return found[wanted]

    def sql(self, question: str, parameters: Parameters = ()) -> Answer:
        """Ask one question in SQL; `parameters` are the values for each `?` in order, or for each `$name` by its name.

        Tables, views and macros are described in docs/schema.md. It can only be read: files, network and settings are
        out of reach. Raises InputError where the question is faulty, several, or would change anything, with the
        nearest names as a hint.

        >>> warehouse = clampdown.open("sample-data")
        >>> warehouse.sql("SELECT count(*) > 0 FROM restrictions WHERE country = $code", {"code": "IT"}).value()
        True
        """
        return Answer(self._engine, question, parameters)

    @cached_property
    def trends(self) -> Trends:
        """The questions about trends, one method each."""
        return Trends(self.sql)

    @property
    def cursor(self) -> Cursor:
        """The end of the log of changes: what `changes` and `follow` go on from."""
        from clampdown.api import made

        with self._engine.question() as reader:
            return made.cursor(reader)

    def changes(self, since: Since, *, evidence: int = 3) -> Changes:
        """What has become of events since then, each once, whatever it went through; with the cursor to go on from.

        `since` is a cursor or its text, a day or time (UTC unless it has a zone), the id of a run (since it ended), or
        a position in the table `changes`; 0 is the beginning. A day or time stands for the last run that had ended by
        then. Each has so many sentences of `evidence` at most. Raises InputError where `since` is none of these.

        >>> warehouse = clampdown.open("sample-data")
        >>> sorted({change.kind.value for change in warehouse.changes(since="2025-01-01", evidence=0)})
        ['appeared']
        """
        from clampdown.api import made

        with self._engine.question() as reader:
            return made.changes(reader, since, evidence)

    def follow(
        self,
        since: Since | None = None,
        *,
        every: float = 60.0,
        evidence: int = 3,
        stop: threading.Event | None = None,
    ) -> Iterator[Changes]:
        """Changes as they are published, for as long as `stop` is not set: each yield is what came since the last.

        Looks for a newer version `every` so many seconds, and goes on to it (as `refresh` does) before it yields, so
        that what is asked meanwhile fits. Without `since` it begins at the end of the version that is open. Keep
        `str(changes.cursor)` once a batch is done, and give it as `since` next time: then each change comes once, and
        a batch that was cut short comes again.
        """
        place = self.cursor if since is None else since
        wait = time.sleep if stop is None else stop.wait
        while stop is None or not stop.is_set():
            self.refresh()
            if found := self.changes(place, evidence=evidence):
                yield found
            place = found.cursor
            seen = self._engine
            while self._engine is seen and not self.refresh():
                wait(every)
                if stop is not None and stop.is_set():
                    return

    def refresh(self) -> bool:
        """Go on to the newest version that is published; whether there was a newer one.

        Answers and iterators that were begun stay on the version to which they were put.
        """
        with self._lock:
            self._engine.cursor().close()
            if identity(self._path) in (None, self._engine.seen):
                return False
            self._engine = self._opened()
            return True

    def __repr__(self) -> str:
        try:
            told = self.manifest
        except InputError:
            return f"<Warehouse {self.path}, closed>"
        return (
            f"<Warehouse {self._path}: {told['counts']['events']} events in {told['counts']['articles']} articles, "
            f"published {self.published_at:%Y-%m-%d %H:%M} UTC>"
        )


def open(path: str | PathLike[str], *, memory_limit: str | None = None, threads: int | None = None) -> Warehouse:
    """Open a warehouse for reading: a data folder, the folder `published` in it, or a published `clampdown.duckdb`.

    A copy of such a file serves as well, wherever it lies: a frozen one to cite from, say. Of one that an older version
    of Clampdown published, SQL can be asked for what is in it. Nothing is written, and nothing but the file is reached.
    `memory_limit` ("2GB") and `threads` bound what DuckDB takes. Raises InputError
    where there is no snapshot, WarehouseError where it is damaged or of a newer version of Clampdown than this one.

    >>> with clampdown.open("sample-data") as warehouse:
    ...     warehouse
    <Warehouse sample-data/published/clampdown.duckdb: ... events in ... articles, published ... UTC>
    """
    return Warehouse(path, memory_limit=memory_limit, threads=threads)


def _day(name: str, value: date | str | None) -> date | None:
    """A day, given as one or as text. A time stands for its day."""
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError(f"{name}: {value!r} is no day", hint="Give a date, or text such as '2025-02-10'.") from None

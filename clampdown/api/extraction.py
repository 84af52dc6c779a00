"""Texts in, events out, with nothing stored: the bundled model for programs."""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from clampdown.api.records import Mention
from pipeline.errors import ExtractionError, InputError

if TYPE_CHECKING:
    from extractors.extractor import ClampdownExtractor
    from pipeline.settings import ExtractSettings
    from pipeline.types import Mention as Found

Text: TypeAlias = str | tuple[str, date | str | None]
"""A text alone, or with the day on which it was published."""

_BATCH = 64


@dataclass(frozen=True, slots=True, repr=False)
class Extraction(Sequence[Mention]):
    """The events that one text states, in the order of the text: a sequence of `Mention`.

    `text` is what was read, of which all quotes are slices; `published` the day that relative dates count from. `error`
    says why the text could not be read, in a batch; the bundled model reads every text.
    """

    text: str
    published: date | None
    mentions: tuple[Mention, ...]
    error: ExtractionError | None = None

    @overload
    def __getitem__(self, index: int) -> Mention: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Mention, ...]: ...
    def __getitem__(self, index: int | slice) -> Mention | tuple[Mention, ...]:
        return self.mentions[index]

    def __len__(self) -> int:
        return len(self.mentions)

    def to_dict(self, text_id: str = "-") -> dict[str, Any]:
        """The public JSON form of docs/extract.md: what `clampdown extract --json` prints, under this id."""
        record: dict[str, Any] = {"id": text_id, "events": [_record(one) for one in self.mentions]}
        return record if self.error is None else record | {"error": str(self.error)}

    def __repr__(self) -> str:
        if self.error is not None:
            return f"<Extraction: {self.error}>"
        number = f"{len(self)} {'event' if len(self) == 1 else 'events'}"
        return "\n ".join([f"<Extraction of {number} from {len(self.text)} characters", *map(repr, self)]) + ">"

    def _repr_html_(self) -> str:
        from clampdown.api.shown import extraction_html

        return extraction_html(self)


class Extractor:
    """Finds restriction events in texts. Make one and keep it: its model is loaded when it first reads, once.

    The bundled model reads, or that of the folder `model`. Events scored below `min_score` are left out; the cut that
    was chosen for the model holds by default. `threads` are those of the model; 0 takes one per core. Nothing is
    fetched and nothing is stored. Threads can share it and take turns. It pickles as what it was made with, so that
    worker processes load their own; start them with "spawn", or before this one has read anything.

    >>> extractor = clampdown.Extractor(threads=1)
    >>> news = [("On Monday Ruritania's interior ministry banned Telegram on government phones.", "2025-02-12"),
    ...         "Nothing happened."]
    >>> [[event.date_value for event in found] for found in extractor.extract_many(news)]
    [['2025-02-10'], []]
    """

    def __init__(
        self, *, model: str | PathLike[str] | None = None, min_score: float | None = None, threads: int = 0
    ) -> None:
        if min_score is not None and not 0 <= min_score <= 1:
            raise InputError(f"min_score={min_score} is no probability", hint="Give a number from 0 to 1, or None.")
        self._made_with: tuple[Any, ...] = (None if model is None else Path(model), min_score, threads)
        self._settings: ExtractSettings | None = None
        self._lock = threading.Lock()
        self._loaded: ClampdownExtractor | None = None

    @classmethod
    def from_settings(cls, path: str | PathLike[str] | None = None) -> "Extractor":
        """An extractor as a settings file says, with the language model of `extract.llm` where that reads.

        Without a path the file is found as the command finds it. Raises SettingsError where a setting is wrong.
        """
        from pipeline.settings import load

        made = cls()
        made._settings = load(None if path is None else Path(path)).settings.extract
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (*self._made_with, self._settings)

    @property
    def revision(self) -> str:
        """Identifies weights, registries, rules and the cut together. Loads the model."""
        with self._lock:
            return self._load().revision

    def extract(self, text: str, published: date | str | None = None) -> Extraction:
        """The events that `text` states. `published` (a date or `YYYY-MM-DD`) is what "on Monday" counts from.

        The text is plain, its title first, where it has one. Raises ModelError where the model can't be loaded, and
        ExtractionError or EndpointError where a language model gave no usable answer.
        """
        (found,) = self.extract_many([(text, published)])
        if found.error is not None:
            raise found.error
        return found

    def extract_many(self, texts: Iterable[Text], *, batch_size: int = _BATCH) -> Iterator[Extraction]:
        """The events of each text, in order: an iterator that reads so many texts at a time.

        A text is a string, or a pair of it and its day of publication. One that can't be read has an `error`.
        """
        from pipeline.batching import batches
        from pipeline.types import Document

        if batch_size < 1:
            raise InputError(f"batch_size={batch_size} is less than 1")
        documents = (Document(str(number), *_text(one)) for number, one in enumerate(texts))
        for batch in batches(documents, batch_size):
            with self._lock:
                found = self._load().extract(batch)
            for document, mentions in zip(batch, found, strict=True):
                yield _extraction(document.text, document.published, mentions)

    def _load(self) -> "ClampdownExtractor":
        if self._loaded is None:
            # onnxruntime reads this when it is imported, and reports home unless it is set.
            os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
            from extractors.extractor import load_extractor
            from pipeline.settings import ExtractSettings

            model, min_score, threads = self._made_with
            self._loaded = load_extractor(
                self._settings or ExtractSettings(model=model, min_score=min_score, threads=threads)
            )
        return self._loaded

    def __repr__(self) -> str:
        state = "not loaded yet" if self._loaded is None else self._loaded.revision
        return f"<Extractor {state}>"


@cache
def _shared() -> Extractor:
    return Extractor()


def extract(text: str, published: date | str | None = None) -> Extraction:
    """The events that a plain text states, with the words that state them and where they stand.

    `published` (a date or `YYYY-MM-DD`) is the day from which relative dates count; without it they stay unresolved.
    The bundled model is loaded at the first call and kept. For other weights, a cut or many texts see `Extractor`.

    >>> found = clampdown.extract("South Korea's trade ministry blocked DeepSeek on Wednesday.", published="2025-02-06")
    >>> event = found[0]
    >>> event.action.value, event.country, event.service, event.date_value
    ('block', 'KR', 'DeepSeek', '2025-02-05')
    >>> event.quotes.date
    Quote(text='on Wednesday', start=46, end=58)
    """
    return _shared().extract(text, published)


def _text(one: Text) -> tuple[str, date | None]:
    text, published = (one, None) if isinstance(one, str) else one
    if not isinstance(text, str):
        raise InputError(f"a text is a str, not {type(text).__name__}", hint="Decode bytes; take the text out of HTML.")
    if isinstance(published, datetime):
        published = published.date()
    if published is None or isinstance(published, date):
        return text, published
    try:
        return text, date.fromisoformat(published)
    except ValueError:
        raise InputError(f"{published!r} is no day", hint="Give a date, or text such as '2025-02-10'.") from None


def _extraction(text: str, published: date | None, found: "list[Found] | ExtractionError") -> Extraction:
    from clampdown.api import made

    if isinstance(found, ExtractionError):
        return Extraction(text, published, (), found)
    return Extraction(text, published, tuple(made.mention(one) for one in found))


def _record(one: Mention) -> dict[str, Any]:
    from extractors.extractor import event_record
    from pipeline.types import Mention as Found

    quotes = one.quotes
    found = Found(
        document_id="",
        action=one.action,
        status=one.status,
        trigger=quotes.trigger,
        service=quotes.service,
        service_canonical=one.service,
        country=one.country,
        actor=quotes.actor,
        actor_canonical=one.actor,
        scope=quotes.scope,
        scope_class=one.scope_class,
        date=quotes.date,
        date_value=one.date_value,
        reason=quotes.reason,
        reason_classes=one.reason_classes,
        score=one.score,
        scores=one.scores,
    )
    return event_record(found)


def _remade(model: Path | None, min_score: float | None, threads: int, settings: "ExtractSettings | None") -> Extractor:
    made = Extractor(model=model, min_score=min_score, threads=threads)
    made._settings = settings
    return made

"""Every error that Clampdown raises on purpose.

    ClampdownError                       shown to the user as one line; exit code `exit_code`
    ├── SettingsError                    a setting is unknown, malformed or out of range
    ├── SourceListError                  sources.toml or an OPML file can't be used
    ├── InputError                       a file, URL or option given on the command line can't be used
    ├── FetchError (url)                 one request ended without a usable response
    │   ├── AddressRefused               the address is private, the scheme or port is not allowed
    │   ├── RobotsDisallowed             robots.txt forbids the URL
    │   ├── FetchTimeout                 the total deadline passed
    │   ├── TooLarge                     the decoded body passed the byte cap
    │   ├── TooManyRedirects             the hop cap was passed, or a redirect has no usable target
    │   ├── HTTPStatusError (status)     the final status is not 2xx or 304
    │   └── NetworkError                 DNS, connection, TLS, protocol or decoding failure
    ├── ParseError (url)                 bytes that are no feed, or a page with no readable text
    ├── WorkerError                      a worker process was ended by what it was given
    ├── WorkersUnavailable               no worker process can be started
    ├── EndpointError                an LLM endpoint can't be used: address, key, model, schema, or no answers at all
    ├── ExtractionError (document_id) one document got no usable answer; a result of its own, seldom raised
    ├── ModelError                       weights are missing, altered or of another format
    ├── ServeError                       `clampdown serve` can't begin or go on: it runs already, a port is taken
    ├── Overdue                          a flow, or a step of it, took longer than it may
    ├── ArchiveError                     a part of the archive can't be read or written
    ├── DeliveryError                    a message can't be handed over to those it is for
    │   ├── MailError                    the mail server did not take it, or may not have
    │   └── WebhookError                 the receiver of a webhook did not take it
    ├── MaintenanceFailed                some steps of a maintenance failed; the others are done
    └── WarehouseError                   the warehouse is locked, newer than this program, or damaged
        └── WarehouseLocked              another process has it open

A third party's exception never leaves the module that called the third party: it is turned into one of these, with the
URL, file or setting that it concerns and, in `hint`, the way out.
"""


class ClampdownError(Exception):
    """Root of the tree. `hint` is one sentence that says what to do next, or None."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        note_hint(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Let errors pass between processes: an exception's own way knows nothing of keyword arguments."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def note_hint(error: ClampdownError) -> None:
    """Put the hint of an error below its message in a traceback, which programs, shells and notebooks show."""
    if error.hint is not None:
        error.add_note(f"→ {error.hint}")


def _rebuilt(kind: type["ClampdownError"], args: tuple[object, ...], state: dict[str, object]) -> "ClampdownError":
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SettingsError(ClampdownError):
    """A setting is unknown, malformed or out of range; the message names key, file and line."""

    exit_code = 2


class SourceListError(ClampdownError):
    """A source list or OPML file can't be used; the message names file and entry."""

    exit_code = 2


class InputError(ClampdownError):
    """A file, URL or option given on the command line can't be used."""

    exit_code = 2


class FetchError(ClampdownError):
    """One request ended without a usable response. `retryable` says whether a later try may succeed."""

    retryable = False

    def __init__(self, message: str, *, url: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.url = url


class AddressRefused(FetchError):
    """The host resolves to an address that must not be reached, or scheme, port or request is not allowed."""


class RobotsDisallowed(FetchError):
    """The site's robots.txt forbids this URL to us, or forbids all by failing; the latter is `temporary`."""

    def __init__(self, message: str, *, url: str, hint: str | None = None, temporary: bool = False) -> None:
        super().__init__(message, url=url, hint=hint)
        self.retryable = temporary


class FetchTimeout(FetchError):
    """The total deadline of the request passed."""

    retryable = True


class TooLarge(FetchError):
    """The body, once decoded, passed the byte cap."""


class TooManyRedirects(FetchError):
    """The hop cap was passed, or a redirect has no usable target."""


class HTTPStatusError(FetchError):
    """The final response has a status that is neither 2xx nor 304. `retry_after` is in seconds, or None."""

    def __init__(self, message: str, *, url: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message, url=url)
        self.status = status
        self.retry_after = retry_after
        self.retryable = status in (408, 425, 429) or status >= 500


class NetworkError(FetchError):
    """DNS, connection, TLS, HTTP syntax or content decoding failed."""

    retryable = True


class ParseError(ClampdownError):
    """Bytes that are no feed, or a page with no readable text."""

    def __init__(self, message: str, *, url: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.url = url


class WorkerError(ClampdownError):
    """A worker process was ended at what it was given: out of time or memory, or crashed. The message says which."""

    exit_code = 3


class WorkersUnavailable(ClampdownError):
    """No worker process can be started, whatever it would be given: a run can't go on."""

    exit_code = 3


class EndpointError(ClampdownError):
    """An LLM endpoint can't be used, whatever the document: the fault is in the settings or with the endpoint."""

    exit_code = 5


class ExtractionError(ClampdownError):
    """One document got no usable answer of an LLM endpoint, while others may have. It stands in that one's place."""

    exit_code = 5

    def __init__(self, message: str, *, document_id: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.document_id = document_id


class ModelError(ClampdownError):
    """Weights are missing, altered or of a format that this version can't load."""

    exit_code = 3


class ServeError(ClampdownError):
    """`clampdown serve` can't begin or go on: it runs already, a port or name is taken, Prefect can't be started."""

    exit_code = 7


class Overdue(ClampdownError):
    """A flow, or a step of it, took longer than it may, and was given up. The next run goes on where it was."""

    exit_code = 3


class ArchiveError(ClampdownError):
    """A part of the archive can't be read or written."""

    exit_code = 4


class DeliveryError(ClampdownError):
    """A message can't be handed over to those it is for. `retryable` says whether a later try may succeed."""

    exit_code = 6

    def __init__(self, message: str, *, hint: str | None = None, retryable: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


class MailError(DeliveryError):
    """The mail server did not take a mail; where it may have all the same, `uncertain` is true."""

    def __init__(
        self, message: str, *, hint: str | None = None, retryable: bool = True, uncertain: bool = False
    ) -> None:
        super().__init__(message, hint=hint, retryable=retryable)
        self.uncertain = uncertain


class WebhookError(DeliveryError):
    """The receiver of a webhook can't be reached, or refused.

    `uncertain` says that it may have taken the message all the same, `retry_after` for how many seconds it wants to be
    left alone, None where it has not said so.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retryable: bool = True,
        uncertain: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retryable=retryable)
        self.uncertain = uncertain
        self.retry_after = retry_after


class MaintenanceFailed(ClampdownError):
    """Some steps of a maintenance failed; the message says which, and why. The others are done."""


class WarehouseError(ClampdownError):
    """The warehouse is locked by another process, newer than this program, or damaged."""

    exit_code = 4


class WarehouseLocked(WarehouseError):
    """Another process has the warehouse open; the message names it where it can."""

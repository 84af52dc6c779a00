"""What the review page needs of whoever keeps decisions and carries them out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, get_args

from warehouse.reader import Reader
from warehouse.review import LoggedDecision

Verb: TypeAlias = Literal["same", "different", "reject", "keep", "edit", "undo"]
VERBS: Final[tuple[Verb, ...]] = get_args(Verb)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says to a question.

    `events` are ids: two for `same` and `different` (or one, with the ids of the `articles` that tell of another), one
    for `reject`, `keep` and `edit`. An edit has `values` by field, as typed; a service that no list knows is taken only
    where it `takes_new`. `undo` names a `decision`.
    """

    verb: Verb
    author: str
    reason: str
    events: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    takes_new: bool = False
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """How far decisions have come.

    `waiting` are those that are in the archive and not in the snapshot, the first one first; their state is "waiting".
    `is_busy` says that they are being carried out and published; `problem` is why that could not be done, in words,
    else empty.
    """

    waiting: tuple[LoggedDecision, ...]
    is_busy: bool
    problem: str = ""


class ReviewDesk(Protocol):
    """Takes answers. Its methods may be called from any thread."""

    @property
    def author(self) -> str:
        """Who decided last here, or else who is likely to."""

    def decide(self, reader: Reader, answer: Answer) -> tuple[LoggedDecision, ...]:
        """Keep the decisions that an answer means for the events of a snapshot; they are carried out after this.

        They are in the archive when this returns. Raises InputError where the answer fits nothing, ArchiveError where
        it can't be kept.
        """

    def carried(self, known: Collection[str]) -> Carried:
        """How far decisions have come, of which a snapshot has those whose ids are `known`."""

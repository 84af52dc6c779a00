"""Stored texts read again by the model of today, without fetching anything, and what that changes.

Batch by batch, each one transaction: a program that is killed is gone on with by the next call. What was learned when
does not change: a text said what it says on the day on which it was fetched, whoever reads it, and reading it again is
no news. So the warehouse is, in the end, what `rebuild` would make of the archive with the same model.
"""

import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from flows import extracting
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, House
from flows.jobs import GateJob, passes_gate
from flows.progress import NoProgress, Progress
from flows.replay import Shelf
from pipeline.batching import batches
from pipeline.differing import MentionDifference, mention_differences
from pipeline.errors import InputError
from pipeline.language import detect, is_english
from pipeline.types import Article, EntryResult, Mention, Outcome
from warehouse.rereading import EventDifference, Replaced, Reread, StoredArticle
from warehouse.snapshot import Snapshot
from warehouse.store import open_warehouse

log = logging.getLogger(__name__)

MODE = "reextract"
WORKPLACE = ".reextracting"
EXAMPLES = 200
"""Differences of each sort that are kept to be shown; all are counted."""


@dataclass(frozen=True, slots=True)
class MentionExample:
    """A difference with the article in which it was found."""

    url: str
    title: str
    difference: MentionDifference


@dataclass(slots=True)
class Differences:
    """What a new reading changed. `mentions` counts by sort (added, gone, changed), `fields` those that changed.

    `by_action` and `by_service` count by sort and action or service; `outcomes` how articles ended before and now.
    """

    mentions: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    by_action: dict[str, Counter[str]] = field(default_factory=dict)
    by_service: dict[str, Counter[str]] = field(default_factory=dict)
    outcomes: Counter[tuple[Outcome, Outcome]] = field(default_factory=Counter)
    examples: list[MentionExample] = field(default_factory=list)

    def add(self, replaced: Iterable[Replaced]) -> None:
        """Count what became of some articles."""
        for one in replaced:
            if one.outcome != one.outcome_before:
                self.outcomes[one.outcome_before, one.outcome] += 1
            before = [(mention, known.version) for mention, known in one.before]
            after = [(mention, known.version) for mention, known in one.after]
            for difference in mention_differences(before, after, one.texts):
                self._count(one.article, difference)

    def _count(self, article: Article, difference: MentionDifference) -> None:
        sort = "added" if difference.before is None else "gone" if difference.after is None else "changed"
        mention = difference.mention
        self.mentions[sort] += 1
        self.fields.update(difference.fields)
        self.by_action.setdefault(mention.action.value, Counter())[sort] += 1
        self.by_service.setdefault(mention.service_canonical, Counter())[sort] += 1
        if self.mentions[sort] <= EXAMPLES:
            self.examples.append(MentionExample(article.url, article.title, difference))


@dataclass(frozen=True, slots=True)
class ReextractReport:
    """What reading again went through and changed. `done_before` articles had been read by this very model already.

    `failed` could not be read, and stand as they were; `parted` lack an earlier text, likewise. `lost` and `found` are
    decisions of people that have no mention any more, or have one again. `snapshot` is None for a dry run.
    """

    model: str
    dry_run: bool
    articles: int
    done_before: int
    failed: int
    parted: int
    differences: Differences
    events: tuple[EventDifference, ...]
    lost: tuple[str, ...]
    found: tuple[str, ...]
    snapshot: Snapshot | None

    @property
    def event_counts(self) -> Counter[str]:
        """How many events appeared, are gone, changed, and so on."""
        return Counter(one.kind for one in self.events)


def reextract(
    house: House, *, since: date | None = None, dry_run: bool = False, progress: Progress | None = None
) -> ReextractReport:
    """Read every stored text again that the model of `house` has not read yet, and publish.

    `since` leaves out what was published before that day. A house that has `enough` ends it early, and the next call
    goes on. With `dry_run` a copy of the warehouse is worked on, and nothing stays. Raises InputError for a dry run
    over a lake.
    """
    house = replace(house, mode=MODE)
    if not dry_run:
        return _reextracted(house, since, dry_run=False, progress=progress)
    with _copied(house) as copy:
        return _reextracted(copy, since, dry_run=True, progress=progress)


@contextmanager
def _copied(house: House) -> Iterator[House]:
    """The house with a copy of its warehouse, and an archive that only tells."""
    if house.settings.warehouse.url:
        raise InputError(
            "a dry run over a lake is not possible: it needs a copy of the warehouse",
            hint="Restore a backup to a file, and try there.",
        )
    workplace = house.settings.data_dir / WORKPLACE
    shutil.rmtree(workplace, ignore_errors=True)
    try:
        house.warehouse.copy_to(workplace / WAREHOUSE_NAME)
        with open_warehouse(workplace / WAREHOUSE_NAME) as warehouse:
            yield replace(house, warehouse=warehouse, archive=Shelf(house.settings.data_dir / ARCHIVE_NAME))
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _reextracted(house: House, since: date | None, *, dry_run: bool, progress: Progress | None) -> ReextractReport:
    progress, warehouse, model = progress or NoProgress(), house.warehouse, house.extractor.revision
    house.begin_run(warehouse.listed_sources())
    due = warehouse.unread_by(model, since)
    done_before = warehouse.count_articles() - len(due) if since is None else 0
    lost = warehouse.lost_decisions()
    differences = Differences()
    failed = parted = read_in_all = 0
    progress.begin("articles", len(due))
    for some in batches(due, house.settings.run.batch_size):
        stored = warehouse.stored_articles(some)
        whole = [one for one in stored if one.is_whole]
        read = [one for one in _read(house, whole) if one is not None]
        differences.add(warehouse.store_again(house.run_id, model, read))
        parted += len(stored) - len(whole)
        failed += len(whole) - len(read)
        progress.advance("articles", len(some))
        read_in_all += len(some)
        if read_in_all < len(due) and house.enough():
            break
    house.finish_run()
    lost_now = warehouse.lost_decisions()
    return ReextractReport(
        model=model,
        dry_run=dry_run,
        articles=read_in_all - failed - parted,
        done_before=done_before,
        failed=failed,
        parted=parted,
        differences=differences,
        events=tuple(warehouse.event_changes(house.run_id)),
        lost=tuple(sorted(lost_now - lost)),
        found=tuple(sorted(lost - lost_now)),
        snapshot=None if dry_run else extracting.publish(house),
    )


def _read(house: House, stored: Sequence[StoredArticle]) -> list[Reread | None]:
    """Each article with what is found in each of its texts; None for one of which a text can't be read."""
    reader = house.settings.extract
    bundled = reader.backend == "model" and reader.model is None
    texts = [_in_language(article) for one in stored for _, article in one.versions]
    seconds = house.settings.workers.page_seconds
    gated = house.pool.map(passes_gate, [GateJob(text, bundled) for text in texts], seconds=seconds)
    wanted = [at for at, passes in enumerate(gated) if passes is True]
    found = dict(zip(wanted, extracting.find_mentions(house, [texts[at] for at in wanted]), strict=True))
    faults: Mapping[int, Exception] = {
        at: one for at, one in (*enumerate(gated), *found.items()) if isinstance(one, Exception)
    }
    read: list[Reread | None] = []
    at = 0
    for one in stored:
        mine = range(at, at + len(one.versions))
        at = mine.stop
        if broken := next((faults[k] for k in mine if k in faults), None):
            log.error("article %s stands as it was: %s", one.id, extracting.reason_of(broken))
            read.append(None)
        else:
            read.append(Reread(one, tuple(_result(one, texts[k], found.get(k), is_last=k == mine[-1]) for k in mine)))
    return read


def _in_language(article: Article) -> Article:
    """An article with the language of its text, where that was not kept with it."""
    return article if article.language is not None else replace(article, language=detect(article.body))


def _result(
    stored: StoredArticle, text: Article, found: list[Mention] | Exception | None, *, is_last: bool
) -> EntryResult:
    """How the entry would have ended with this text."""
    mentions = found if isinstance(found, list) else []
    if is_last and stored.outcome is Outcome.SAME_STORY:
        outcome, detail = Outcome.SAME_STORY, None
    elif not is_english(text.language):
        outcome, detail = Outcome.OTHER_LANGUAGE, text.language
    elif found is None:
        outcome, detail = Outcome.GATED, None
    else:
        outcome, detail = Outcome.EVENTS if mentions else Outcome.NO_EVENT, None
    return EntryResult(stored.entry_id, outcome, detail=detail, article=text, mentions=tuple(mentions))

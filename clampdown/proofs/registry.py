"""What Clampdown promises, and the proofs of it: commands, the one table and docs/guarantees.md are made from these.

Importing this imports no proof. A proof's module has `prove(tell, *, short) -> Proof`.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clampdown.proofs.claims import Proof, Tell


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A promise in one line, the hazard behind it, and in words how it is proved."""

    number: int
    promise: str
    hazard: str
    how: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A proof that `clampdown prove NAME` runs: which promises it backs, and what it shows in one sentence.

    `headline` are beginnings of the claims that the one table shows; the others show where they fail. `needs` are
    modules beyond what Clampdown is installed with, by what installs them. `module` is below `clampdown.proofs`.
    """

    name: str
    guarantees: tuple[int, ...]
    about: str
    headline: tuple[str, ...]
    needs: tuple[tuple[str, str], ...] = ()
    module: str = ""

    def missing(self) -> str | None:
        """What is not installed that it needs, and what installs it."""
        for module, install in self.needs:
            if find_spec(module) is None:
                return f"the library {module} is not installed: pip install {install}"
        return None

    def prove(self, tell: "Tell", *, short: bool, **options: object) -> "Proof":
        """Run the proof, with the options that its own `prove` takes. Raises NotPossible where it can't be run here."""
        from clampdown.proofs.claims import NotPossible

        if missing := self.missing():
            what, _, how = missing.partition(": ")
            raise NotPossible(what, hint=how)
        module = import_module(f"clampdown.proofs.{self.module or self.name}")
        found: Proof = module.prove(tell, short=short, **options)
        return found


GUARANTEES = (
    Guarantee(
        1,
        "A committed event survives `kill -9` and a full disk, once",
        "Databases lose or double rows when they recover, above all with indexes, or when a checkpoint meets a "
        "full disk.",
        "Processes are killed at every failpoint of a run and at random moments, the disk fills up at every stage "
        "of writing, the log is cut and its bytes are flipped. After each, the run goes on, and what was committed "
        "must be there once. What a log drops in silence `rebuild` brings back from the archive.",
    ),
    Guarantee(
        2,
        "No fetch reaches a private address",
        "A feed that links, redirects or resolves to the machine's own network makes the fetcher ask there "
        "(server-side request forgery, DNS rebinding).",
        "A trap listens on loopback. It is asked for by each spelling of a private address, directly, by "
        "redirects, and by names that resolve to it at the first or a later answer. The kernel's own count says "
        "whether it was reached.",
    ),
    Guarantee(
        3,
        "One hostile feed or page can't stop or exhaust a run",
        "Decompression bombs, servers that drip, redirects without end, markup and patterns on which parsers crash "
        "or hang.",
        "Bombs of each codec are fetched while memory and time are measured; hostile servers are asked; hostile "
        "feeds and pages, some of which crash or hang their reader, are read among good ones, whose results must "
        "all be there.",
    ),
    Guarantee(
        4,
        "Nothing vanishes",
        "Items that are dropped in silence look like news that never was.",
        "Runs over hostile and broken sources are made, then each discovered item is looked for: it is stored, the "
        "same story as another, gated, pending, or quarantined with a reason.",
    ),
    Guarantee(
        5,
        "Reruns and doubled runs change nothing",
        "Schedulers start a run twice, retry it, or restart in its midst.",
        "Runs are made twice, two at once, and killed; `serve` lives through months of moved clock with kills, "
        "through changes of the clock and a week's sleep, and works on a cluster. The tables must be those of one "
        "calm run.",
    ),
    Guarantee(
        6,
        "Every event cites stored, visible text",
        "Offsets drift, and hidden nodes, zero-width characters or look-alikes put words into a text that no "
        "reader sees.",
        "Each quote of each event is held against the stored text at its offsets, and that text against what a "
        "reader of the page sees.",
    ),
    Guarantee(
        7,
        "Snapshots are atomic, hashed and reproducible",
        "Readers meet a lock, or half of a file.",
        "Readers open, ask and close all the time while runs publish, and hold the digests beside the files "
        "against them. Two writers on a lake must publish what one writer does.",
    ),
    Guarantee(
        8,
        "Untrusted text never runs",
        "Titles with scripts, cells with formulas, subjects with headers in encoded words, `javascript:` links, "
        "names that look like others.",
        "Payloads stand in every field that a publisher writes, and go through each export, page, mail and feed. "
        "What comes out is parsed again, and nothing in it may be alive.",
    ),
    Guarantee(
        9,
        "No digest is sent twice without an operator's word",
        "Whether a mail was taken can't be known where its sender dies between the last dot and the answer.",
        "Senders are killed at six points of a mail's way and at random moments, before a real mail server that "
        "counts.",
    ),
    Guarantee(
        10,
        "Polite",
        "Publishers ban who asks too often.",
        "A village of publishers with all habits – limits, moves, failures, rules for robots – logs each request; "
        "a judge that shares no code with the fetcher reads the log.",
    ),
    Guarantee(
        11,
        "Only pinned weights load",
        "A pickle runs code when it is loaded, and a file that was swapped finds other events.",
        "Bytes of each file of a model are flipped, files are cut, lengthened, swapped, linked and replaced by "
        "pickles. Each must be refused by name, and an audit hook counts what is unpickled.",
    ),
    Guarantee(
        12,
        "A source that went silent is noticed",
        "An outage is read as a calm.",
        "Sources of known pace run for months on a moved clock; some are muted, fail, or lead to an empty feed. It "
        "is counted after how many days each place says so, how often a healthy source is called silent, and what "
        "else of the run suffers.",
    ),
)

_LAKE = (("psycopg", '"clampdown[lake]"'), ("duckdb_extension_ducklake", '"clampdown[lake]"'))
_DASK = (("distributed", '"clampdown[dask]"'),)
_CLOCK = (("libfaketime", "libfaketime"),)
_MAIL = (("aiosmtpd", "aiosmtpd"), ("cryptography", "cryptography"))

PROOFS = (
    Entry(
        "crash",
        (1,),
        "What is committed survives kills, a full disk and a torn log, once.",
        ("what was told as committed", "lives that were cut"),
    ),
    Entry(
        "ssrf",
        (2,),
        "No fetch reaches a private address, however it is spelt, redirected to or resolved.",
        ("asked for directly", "names that become private"),
    ),
    Entry(
        "hostile",
        (3,),
        "No feed, page or compressed bomb stops or exhausts a run.",
        ("hostile servers", "pages that broke"),
    ),
    Entry(
        "accounting",
        (4,),
        "Each item that was discovered is stored, set aside or refused with a reason.",
        ("discovered = ", "entries that feeds"),
    ),
    Entry(
        "reruns",
        (5,),
        "Runs that are made twice, at once or killed leave the tables of one.",
        ("two at once", "published tables"),
    ),
    Entry(
        "soak",
        (5,),
        "Serving a changing site for weeks, killed again and again, ends as undisturbed runs do, and does not grow.\n\n"
        "Takes some seconds a cycle; the clock of the processes is moved. Interrupted, it shows what it saw.",
        ("processes killed", "tables that differ"),
        needs=_CLOCK,
    ),
    Entry(
        "clock",
        (5, 9),
        "Where the clock goes back or forward, or the machine sleeps for a week, each digest is made once.\n\n"
        "The clock of the processes is moved.",
        ("the clock goes back",),
        needs=_CLOCK,
    ),
    Entry(
        "cluster",
        (5,),
        "Flows on a small cluster (Postgres, a lake, Dask, Prefect) end in the tables of one process.",
        ("tables of the lake",),
        needs=_LAKE + _DASK,
    ),
    Entry(
        "citations",
        (6,),
        "Each event cites words that stand in the stored text, and that a reader sees.",
        ("hidden sentences in the text", "quotes that are the slice"),
    ),
    Entry(
        "snapshot",
        (7,),
        "Readers of the snapshot meet no error and nothing stale while runs publish, and hold nobody up.",
        ("errors in", "stale"),
    ),
    Entry(
        "lake",
        (7,),
        "Two writers and a reader on a lake end in the tables of one writer.",
        ("tables that differ",),
        needs=_LAKE,
    ),
    Entry(
        "exports",
        (8,),
        "What publishers write stays text in every export, question and terminal, and comes back as it was.",
        ("CSV, split", "A workbook"),
    ),
    Entry(
        "payloads",
        (8,),
        "What publishers write stays text on every page, in every mail and in every feed.",
        ("live nodes in",),
        module="untrusted",
    ),
    Entry(
        "outbox",
        (9,),
        "No mail goes out twice without an operator's word, wherever its sender is killed.",
        ("mails that arrived twice", "mails called sent"),
        needs=_MAIL,
    ),
    Entry(
        "polite",
        (10,),
        "No rule of politeness is broken on a farm of two hundred feed servers.",
        ("rules broken", "shortest gap"),
    ),
    Entry(
        "weights",
        (11,),
        "No model file loads but the pinned ones, and nothing is ever unpickled.",
        ("one bit flipped", "pickled objects"),
    ),
    Entry(
        "silence",
        (12,),
        "A source that falls silent is noticed everywhere, and nothing else is called so.",
        ("sources that bring nothing more", "false alarms"),
    ),
)

BY_NAME = {entry.name: entry for entry in PROOFS}

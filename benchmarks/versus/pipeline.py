"""How many pages a second go through everything, beside those who only fetch pages and read their text?

A server in a process of its own serves pages on eight addresses of loopback. The pipeline begins with an empty data
folder and eight feeds and ends with committed rows and a published snapshot; the others are handed the addresses of the
pages and keep nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.article_pages import Sample, load
from benchmarks.pipeline_speed import HOSTS, serving
from benchmarks.versus import farm
from benchmarks.versus.record import Column, Figure, Missing, NoData, Row, Section, Table, corpus, figure
from benchmarks.versus.worker import BENCH, OWN, Failed, Hung, NotInstalled, Worker

PEERS: Final = ("trafilatura", "newspaper4k", "news-please")
COPIES: Final = 2
FULL: Final = 120
MOST_ROUNDS: Final = 3
LIMIT: Final = 300.0
OURS: Final = "clampdown, the whole pipeline"
NOTES: Final = {
    OURS: "feeds, robots.txt, archive, text, copies, languages, gate, model, event resolution, warehouse, snapshot",
    "trafilatura": "extract with metadata of what urllib3 fetched (its own fetch_url refuses private addresses); "
    "no robots.txt, nothing stored",
    "newspaper4k": "download and parse; no robots.txt, nothing stored",
    "news-please": "from_url, which names itself a browser; no robots.txt, nothing stored",
}
COLUMNS: Final = (
    Column("pages a second", "", "higher", 1),
    Column("CPU", "ms a page", "lower", 1),
    Column("memory of all", "MB", "lower", 0),
    Column("with a text", "pages", "higher", 0),
    Column("mentions a second", "", "higher", 1),
    Column("mentions", "", "neither", 0),
    Column("events", "", "neither", 0),
)


def measure(rounds: int) -> Section:
    """Measure the pipeline and the others in turns over everyday pages, then over pages full of events."""
    missing: list[Missing] = []
    tables = []
    kinds: dict[str, Sequence[Sample]] = {}
    try:
        kinds["everyday pages of news"] = load(corpus("article_extraction_benchmark.tar.gz"))[:: 1 if rounds else 20]
    except NoData as error:
        missing.append(Missing("everyday pages of news", str(error)))
    kinds["pages full of events"] = farm.full_pages(FULL if rounds else 10)
    with ExitStack() as stack:
        peers, absent = _peers(stack)
        missing += absent
        versions = next((worker.versions(*PEERS) for worker in peers.values()), {})
        for kind, samples in kinds.items():
            copies = COPIES if rounds and len(kinds) > 1 and samples is not kinds["pages full of events"] else 1
            found, refused = _compare(samples, copies * len(samples), min(max(rounds, 1), MOST_ROUNDS), peers)
            missing += refused
            tables.append(_table(f"{copies * len(samples)} {kind}", found))
    return Section(
        title="The whole pipeline",
        data=f"{' and '.join(kinds).capitalize()}, served on {HOSTS} addresses of loopback by one more process on the "
        f"same {farm.cores()} cores. Everyday pages are those of scrapinghub's article-extraction-benchmark, {COPIES} "
        "times, the second time with a word more in each paragraph, so that none is an exact copy; pages full of "
        "events are six of our own train passages each, which the model has seen.",
        tables=tuple(tables),
        versions=versions,
        missing=tuple(missing),
        remarks=(
            "The pipeline does far more for a page than the others; its pages a second say what a whole run costs, "
            "theirs what fetching and reading cost. Libraries are imported and the model is open before the clock "
            "starts.",
            "The others read in as many processes as there are cores, each one page after the other, so that a slow "
            "server would hold them up more than the pipeline, which fetches side by side; on loopback that matters "
            "little.",
            "The pause between requests to one host is 0 here. In life it is 2 s, and bounds a run with few hosts.",
        ),
    )


def _peers(stack: ExitStack) -> tuple[dict[str, Worker], list[Missing]]:
    found, missing = {}, []
    for name in PEERS:
        try:
            found[name] = stack.enter_context(Worker(BENCH))
        except NotInstalled as error:
            missing.append(Missing(name, str(error)))
    return found, missing


def _compare(
    samples: Sequence[Sample], pages: int, rounds: int, peers: Mapping[str, Worker]
) -> tuple[dict[str, list[dict[str, float]]], list[Missing]]:
    """Return, of each subject, what each round told of `pages` pages."""
    found: dict[str, list[dict[str, float]]] = {OURS: []}
    refused: dict[str, Missing] = {}
    with serving(samples, pages, distinct=True) as hosts:
        addresses = [f"http://{hosts[number % HOSTS]}/page/{number}" for number in range(pages)]
        for _ in range(rounds):
            with Worker(OWN) as own:
                found[OURS].append({**own.call("benchmarks.versus.farm:run", hosts).value, "pages": pages})
            for name, worker in peers.items():
                if name in refused:
                    continue
                try:
                    told = worker.call(
                        "benchmarks.versus.peers.fetching:read", name, addresses, farm.cores(), seconds=LIMIT
                    ).value
                    found.setdefault(name, []).append({**told, "pages": pages})
                except (NotInstalled, Failed, Hung) as error:
                    refused[name] = Missing(name, str(error))
    return found, list(refused.values())


def _table(title: str, found: Mapping[str, Sequence[Mapping[str, float]]]) -> Table:
    rows = [Row(subject, _figures(rounds), NOTES[subject]) for subject, rounds in found.items() if rounds]
    return Table(title, COLUMNS, tuple(rows))


def _figures(rounds: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    figures = {
        "pages a second": figure(one["pages"] / one["seconds"] for one in rounds),
        "CPU": figure(1000 * one["cpu"] / one["pages"] for one in rounds),
        "memory of all": figure(one["megabytes"] for one in rounds),
        "with a text": figure(one["read"] for one in rounds),
    }
    if "mentions" in rounds[0]:
        figures |= {
            "mentions a second": figure(one["mentions"] / one["seconds"] for one in rounds),
            "mentions": figure(one["mentions"] for one in rounds),
            "events": figure(one["events"] for one in rounds),
        }
    return figures

"""Compare with what users would pick instead, and write the page of it.

    python -m benchmarks.versus                         # all sections; results go to benchmarks/versus/results
    python -m benchmarks.versus text feeds --rounds 5   # some
    python -m benchmarks.versus --quick                 # a look whether everything works; keeps nothing
    python -m benchmarks.versus --page > docs/benchmarks.md

`make bench` sets up the environment of the others first (`.venv-bench`, from requirements-bench.lock).
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

from benchmarks.versus import SECTIONS
from benchmarks.versus.page import page, table_lines
from benchmarks.versus.record import RESULTS, NoData, Record, Section, keep, load, machine, path_of, today

ROUNDS = 3


def run(name: str, rounds: int) -> Record:
    """Measure the section `name`."""
    before, start = machine(), time.perf_counter()
    section: Section = importlib.import_module(SECTIONS[name]).measure(rounds)
    seconds = round(time.perf_counter() - start, 1)
    return Record(name, section, before, today(), f"python -m benchmarks.versus {name}", rounds, seconds)


def tell(record: Record) -> None:
    """Print a section's tables to the terminal."""
    print(f"\n{record.section.title}  ({record.seconds:.0f} s)")
    for table in record.section.tables:
        print(f"\n{table.title}\n" + "\n".join(table_lines(table)))
    for missing in record.section.missing:
        print(f"not measured: {missing.name}: {missing.reason}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"sections: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"repetitions of what varies (default {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="a quick look, which keeps nothing unless --to is given")
    parser.add_argument("--to", type=Path, help="write the result of the one section NAME to this file")
    parser.add_argument("--page", action="store_true", help="print the page made from the kept results")
    options = parser.parse_args()
    if options.page:
        print(page([load(path_of(name)) for name in SECTIONS if path_of(name).exists()]), end="")
        return 0
    names = options.names or list(SECTIONS)
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    if options.to and len(names) != 1:
        parser.error("--to takes one section")
    lacking = 0
    for name in names:
        print(f"{name} …", file=sys.stderr)
        try:
            record = run(name, 0 if options.quick else max(options.rounds, 1))
        except NoData as error:
            print(f"{name}: not measured: {error}", file=sys.stderr)
            lacking += 1
            continue
        tell(record)
        if options.to:
            keep(record, options.to)
        elif not options.quick:
            keep(record, path_of(name, RESULTS))
    return 1 if lacking else 0


if __name__ == "__main__":
    raise SystemExit(main())

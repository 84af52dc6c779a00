"""The page docs/benchmarks.md, made from kept records alone."""

from collections.abc import Iterator, Sequence

from benchmarks.versus.record import Column, Figure, Record, Row, Table


def page(records: Sequence[Record]) -> str:
    """Return the page as Markdown."""
    parts = ["# Benchmarks\n"]
    for record in records:
        parts.append(
            f"## {record.section.title}\n\n" + "\n\n".join("\n".join(table_lines(t)) for t in record.section.tables)
        )
    return "\n".join(parts) + "\n"


def table_lines(table: Table) -> Iterator[str]:
    """Return a table's lines as Markdown that reads well in a terminal, too."""
    cells = [["", *(_head(column) for column in table.columns)]]
    cells += [[row.subject, *(_cell(row, column) for column in table.columns)] for row in table.rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    for number, line in enumerate(cells):
        first, *others = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"| {' | '.join((first, *others))} |"
        if number == 0:
            yield f"| {'-' * widths[0]} | {' | '.join('-' * (width - 1) + ':' for width in widths[1:])} |"


def _head(column: Column) -> str:
    return f"{column.name}, {column.unit}" if column.unit else column.name


def _cell(row: Row, column: Column) -> str:
    figure = row.figures.get(column.name)
    return "" if figure is None else shown(figure, column.digits)


def shown(figure: Figure, digits: int) -> str:
    """Return the median, with the ends behind it where it varies."""
    median = f"{figure.median:,.{digits}f}"
    if not figure.varies or figure.low == figure.high:
        return median
    return f"{median} ({figure.low:,.{digits}f}–{figure.high:,.{digits}f})"

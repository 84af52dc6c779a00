"""What we do beside what users would pick instead, measured side by side in one run.

A section is a module with `measure(rounds) -> Section`; its docstring's first line is the question that it answers.
`rounds` 0 asks for a quick look: as little as shows that everything works, and figures that nobody should quote.
"""

from typing import Final

SECTIONS: Final = {
    "text": "benchmarks.versus.text",
    "copies": "benchmarks.versus.copies",
    "feeds": "benchmarks.versus.feeds",
    "quality": "benchmarks.versus.quality",
    "pipeline": "benchmarks.versus.pipeline",
    "queries": "benchmarks.versus.queries",
}
"""Modules of the sections by name, in the order of the page."""

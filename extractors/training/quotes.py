"""Where the quotes of an annotation stand in its text."""

Offsets = tuple[int, int]


def occurrences(text: str, quote: str) -> list[Offsets]:
    """Return where `quote` occurs as whole words, or anywhere if it never does."""
    found: list[Offsets] = []
    at = text.find(quote)
    while at >= 0:
        found.append((at, at + len(quote)))
        at = text.find(quote, at + 1)
    whole = [
        (start, end)
        for start, end in found
        if not (start and text[start - 1].isalnum() and text[start].isalnum())
        and not (end < len(text) and text[end].isalnum() and text[end - 1].isalnum())
    ]
    return whole or found


def locate(text: str, quotes: dict[str, str]) -> dict[str, Offsets]:
    """Place quotes in the text: the trigger where its fields are nearest, each field where it is nearest to it."""
    places = {name: occurrences(text, quote) for name, quote in quotes.items()}
    places = {name: spots for name, spots in places.items() if spots}
    if "trigger" not in places:
        return {}

    def distance(one: Offsets, other: Offsets) -> int:
        return max(one[0] - other[1], other[0] - one[1], 0)

    fields = [spots for name, spots in places.items() if name != "trigger"]
    trigger = min(
        places["trigger"], key=lambda spot: (sum(min(distance(spot, s) for s in spots) for spots in fields), spot)
    )
    return {name: min(spots, key=lambda s: (distance(s, trigger), s)) for name, spots in places.items()} | {
        "trigger": trigger
    }

"""English inflections of the regular words in the registries' vocabulary."""

_VOWELS = "aeiou"


def inflections(verb: str) -> tuple[str, ...]:
    """Return base, third person, past and present participle of a regular verb; "*" asks to double its last letter."""
    base = verb.removesuffix("*")
    stem = base + base[-1] if verb.endswith("*") else base
    if base.endswith("e"):
        return base, f"{base}s", f"{base}d", f"{base[:-1]}ing"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return base, f"{base[:-1]}ies", f"{base[:-1]}ied", f"{base}ing"
    third = f"{base}es" if base.endswith(("s", "x", "z", "ch", "sh")) else f"{base}s"
    return base, third, f"{stem}ed", f"{stem}ing"


def plural(noun: str) -> str | None:
    """Return the plural in -s of a noun, or None for one that ends in -s already or has no letter at its end."""
    last = noun[-1:]
    if not last.isalpha() or last in "sS" or not last.isascii():
        return None
    if noun.endswith(("x", "z", "ch", "sh")):
        return f"{noun}es"
    if last == "y" and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def singular(noun: str) -> str:
    """Return the singular of a noun in -s; a short noun or one in -ss, -us or -is stays as it is."""
    if len(noun) < 4 or noun.endswith(("ss", "us", "is")) or not noun.endswith("s"):
        return noun
    if noun.endswith("ies") and len(noun) > 5:
        return f"{noun[:-3]}y"
    if noun.endswith(("xes", "zes", "ches", "shes", "sses", "uses")):
        return noun[:-2]
    return noun[:-1]

"""Healing: the words of a quote as a reader sees them, for values that are kept beside it. Quotes are never changed."""

import unicodedata


def heal(text: str) -> str:
    """Return `text` in NFKC, without invisible characters, its white space and quotation marks made plain."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    words = " ".join(visible.replace("’", "'").replace("‘", "'").split())
    return words.strip(' \t,;:."“”').removesuffix("'s") or words

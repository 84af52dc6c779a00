"""A place in the archive in four columns: part, offset, length and hash."""

from pipeline.types import ArchiveRef

COLUMNS = ("archive_part", "archive_offset", "archive_length", "archive_sha256")


def to_columns(ref: ArchiveRef | None) -> tuple[object, ...]:
    """The four values, all None without a place."""
    return (None, None, None, None) if ref is None else (ref.part, ref.offset, ref.length, ref.sha256)

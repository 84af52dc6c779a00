"""A place in the archive in four columns: part, offset, length and hash."""

from pipeline.types import ArchiveRef

COLUMNS = ("archive_part", "archive_offset", "archive_length", "archive_sha256")


def to_columns(ref: ArchiveRef | None) -> tuple[object, ...]:
    """The four values, all None without a place."""
    return (None, None, None, None) if ref is None else (ref.part, ref.offset, ref.length, ref.sha256)


def from_columns(part: str | None, offset: int | None, length: int | None, sha256: str | None) -> ArchiveRef | None:
    """The place that `to_columns` took apart."""
    if part is None or offset is None or length is None or sha256 is None:
        return None
    return ArchiveRef(part, offset, length, sha256)

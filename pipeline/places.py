"""What is called how in the data folder, for those who need no more of it than a name."""

from typing import Final

WAREHOUSE_NAME: Final = "warehouse.duckdb"
ARCHIVE_NAME: Final = "archive"
PUBLISHED_NAME: Final = "published"

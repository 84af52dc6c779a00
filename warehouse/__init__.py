"""DuckDB: migrations, one module per table or question, and the published snapshot."""

"""One module per table, or per few tables that are only ever written together."""

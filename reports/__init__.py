"""Read-only outputs over the published snapshot."""

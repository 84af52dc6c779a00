"""Adapters of what others made. They run in the peers' environment and import nothing of ours."""

"""The stages between a feed and an event: records, settings, errors and pure steps, and the one fetcher."""

"""Proofs of what Clampdown promises, which a user can run: `clampdown prove NAME`. Each runs against local servers."""

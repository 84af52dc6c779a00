"""Prefect flows; each task wraps one plain function."""

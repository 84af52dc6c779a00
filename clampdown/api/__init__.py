"""What `import clampdown` offers: see docs/python.md, which is made from these modules.

The package `clampdown` exports the names that are public, each when it is first asked for. Modules in here may move.
"""

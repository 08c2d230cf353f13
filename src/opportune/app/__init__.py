"""The composition root: the only part that names adapters; one file for each thing that is put together from them.

Each file loads what it needs and no more, so that a command that only opens a store starts in a moment.
"""

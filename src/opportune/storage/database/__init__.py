"""What both databases do alike: the families of which they have the same statements, and how rows are packed and read.

The rest, locks and connections and how a group of jobs is committed, is `sqlite/` and `postgres/`.
"""

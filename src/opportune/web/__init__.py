"""The way in for a site's own server: ask before the page leaves, and never let a page wait or fail for it.

Imports nothing of the house, and only the standard library: `client.py` and `async_client.py` speak HTTP with
a hard deadline, `page.py` fills the places of one page, and each framework has a file of its own.
"""

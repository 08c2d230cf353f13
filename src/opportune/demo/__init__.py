"""The demo: a small storefront that uses only Opportune's public HTTP surface, and its seeded past traffic.

It imports nothing of the house but its way in for a site's own server (`opportune.web`), as any real shop would.
"""

"""The demo: a small storefront that uses only Opportune's public HTTP surface, and its seeded past traffic.

It imports nothing of the house, so that everything in here can be copied into a real shop.
"""

"""Experiments as values: how a test is designed, what it came to, how it is launched, and tests of others."""

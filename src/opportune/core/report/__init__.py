"""The report of a test: what a marketer reads, as plain values with their words; pages and commands only print it."""

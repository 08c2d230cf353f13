"""Asking the traffic first: what a rule would have done, which tests can be answered, and which rule is worth it."""

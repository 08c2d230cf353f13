"""Use cases: read, let the core decide, write. They own the transaction and the clock."""

"""The JSON edge: requests in, answers out, and nothing decided here. `routes.py` is its table of contents."""

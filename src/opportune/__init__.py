"""Real-time personalization for small teams, without a data lake."""

__version__ = "0.1.0"

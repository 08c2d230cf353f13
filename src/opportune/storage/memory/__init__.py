"""The store that keeps everything in dictionaries: for tests, for trying out, and as the port read plainly.

It forgets all on exit. What it answers is what every other adapter must answer.
"""

from opportune.storage.memory.store import MemoryStorage

__all__ = ["MemoryStorage"]

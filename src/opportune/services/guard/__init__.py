"""Off by itself: what is watched, who looks, and what is noted."""

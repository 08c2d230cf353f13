"""What the shop sells: read from feeds and webhooks, counted, and recommended."""

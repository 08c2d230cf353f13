"""What happened, and to whom: events, the plan that judges them, keys and links, timelines and visits."""

"""What tests taught, as values: a learning, what it resembles, the quarter's review, and the weekly mail."""

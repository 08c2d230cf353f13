"""Product feeds: a shop's list of products as shopping sites read it, row by row."""

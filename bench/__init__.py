"""What things cost, as ratios of one run: `make bench`, or `make bench ARGS="core http"`."""

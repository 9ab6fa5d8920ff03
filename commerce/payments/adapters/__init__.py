"""One module for each payment firm."""

"""The small bot that `make up` runs: an example of an unmodified client."""

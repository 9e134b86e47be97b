"""One composition root per process."""

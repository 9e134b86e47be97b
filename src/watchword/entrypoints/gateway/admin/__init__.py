"""Administration of a running gateway: virtual keys, over a socket of the same user."""

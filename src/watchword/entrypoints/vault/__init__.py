"""Administration of the process that holds the vault: requests, what they do, the socket they come in by."""

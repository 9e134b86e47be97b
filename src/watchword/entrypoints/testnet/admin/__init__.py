"""Administration of a running testnet: the requests, what they do, and the socket they come by."""

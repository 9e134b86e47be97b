"""Live events for viewers: the testnet's streams, relayed. Nothing here changes anything."""

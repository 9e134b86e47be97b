"""The Binance-compatible doors of the testnet: REST, WebSocket API, streams, admin socket."""

"""The gateway's doors: REST, WebSocket API, streams, forward proxy, admin socket."""

"""HTTP and WebSockets on a listening socket, shared by all doors: bytes to requests and back. Knows no Binance route."""

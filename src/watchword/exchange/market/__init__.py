"""Public market figures folded from the venue's events: trades, candles, tickers, averages."""

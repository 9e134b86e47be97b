"""Binance's wire vocabulary, pure: requests, endpoints, error texts, enumerations, filters."""

"""Watchword: the API-key platform for people who trade on Binance by program."""

__version__ = "0.1.0"

"""The terminal: `watchword …`."""

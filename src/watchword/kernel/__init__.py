"""The smallest shared things: clock, ids, scaled integers, canonical bytes, secrets, the error root."""

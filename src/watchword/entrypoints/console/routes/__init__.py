"""The routes of the management API, one file per subject; `table` puts them together."""

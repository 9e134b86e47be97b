"""The console: the management API that people and programs use to run all of Watchword."""

"""The deterministic exchange: commands in, events out. No I/O, no clock, no dice."""

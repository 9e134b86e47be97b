"""What a key may do, written by people in YAML: intents, rules, decisions. Pure: no I/O, no clock, integers only."""

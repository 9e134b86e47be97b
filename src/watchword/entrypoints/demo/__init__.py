"""Something to see: a testnet with demo keys and one small bot, in one command."""

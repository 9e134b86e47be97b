"""People: who they are, how they prove it, what they may do. Never holds a trading secret, never does I/O."""

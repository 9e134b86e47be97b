"""The built-in traders: seeded market makers and takers, and the replay of recorded trades."""

"""Where bytes from outside become calls, and answers become bytes again."""

"""Property tests share busy machines: what is slow once is no failure; pytest's own timeout is the bound."""

from hypothesis import settings

settings.register_profile("shared_machine", deadline=None)
settings.load_profile("shared_machine")

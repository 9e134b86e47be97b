"""Property tests share busy machines: what is slow once is no failure; pytest's own timeout is the bound."""

from hypothesis import settings
from tests.support.examples import examples

settings.register_profile("shared_machine", deadline=None, max_examples=examples(100))
settings.load_profile("shared_machine")

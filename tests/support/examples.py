"""How many examples a property is tried with: a share of them in `make test`, all of them in `make test-all`.

Which ones is drawn anew in every run, so what a share misses today it tries tomorrow.
"""

import os
from typing import Final

#: In the environment of `make test-all`: nothing is left out, and every process starts from nothing.
WHOLE: Final = "WATCHWORD_TEST_WHOLE"
SHARE: Final = 3
EXAMPLES_MIN: Final = 10


def examples(count: int) -> int:
    """How many of `count` examples this run tries."""
    return count if WHOLE in os.environ else min(count, max(EXAMPLES_MIN, count // SHARE))

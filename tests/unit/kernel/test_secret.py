import copy
import pickle

import pytest

from watchword.kernel.secret import Secret

SECRET = Secret(b"do not show")


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda s: f"{s:>40}", lambda s: repr([s])])
def test_secret_shows_nothing_of_itself(show) -> None:  # type: ignore[no-untyped-def]
    assert "do not show" not in show(SECRET)
    assert "Secret(" in show(SECRET)


@pytest.mark.parametrize(
    "use", [lambda s: s == Secret(b"x"), lambda s: s != b"x", hash, pickle.dumps, copy.copy, copy.deepcopy]
)
def test_secret_cannot_be_compared_hashed_or_copied(use) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError):
        use(SECRET)


def test_secret_gives_its_bytes_only_when_asked() -> None:
    assert SECRET.reveal() == b"do not show"

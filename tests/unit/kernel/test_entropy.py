from watchword.kernel.entropy import ALPHANUMERICS, alphanumeric


class Replay:
    """Hands out given bytes, then starts again."""

    def __init__(self, source: bytes) -> None:
        self.source, self.at = source, 0

    def token(self, size_bytes: int) -> bytes:
        piece = bytes(self.source[(self.at + n) % len(self.source)] for n in range(size_bytes))
        self.at += size_bytes
        return piece


def test_alphanumeric_uses_every_character_equally_often() -> None:
    text = alphanumeric(Replay(bytes(range(256))), 248)
    assert {character: text.count(character) for character in ALPHANUMERICS} == dict.fromkeys(
        ALPHANUMERICS, 4
    )


def test_alphanumeric_throws_away_bytes_that_would_favour_some_characters() -> None:
    assert alphanumeric(Replay(bytes((255, 248, 0))), 4) == "AAAA"

import pytest

from watchword.credentials.passphrase import weakness


@pytest.mark.parametrize(
    ("passphrase", "named"),
    [
        ("", "0 characters"),
        ("short", "5 characters"),
        ("x7#Kq!9zR2m", "11 characters"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("abababababab", "different characters"),
        ("kzhqwxkzhqwx", "repeated"),
        ("password1234", "'password'"),
        ("Password2024!!", "'password'"),
        ("P@ssw0rdP@ss", "'password'"),
        ("mybinance2026!", "'binance'"),
        ("bitcointothemoon"[:12], "'bitcoin'"),
        ("letmein!!12345", "'letmein'"),
        ("abcdefghijklm", "a run"),
        ("qwertyuiopas", "a run"),
        ("zyxwvutsrqponm", "a run"),
        ("fghijklmnop1234", "a run"),
        ("8306915274638", "digits only"),
    ],
)
def test_weak_passphrase_is_named(passphrase: str, named: str) -> None:
    found = weakness(passphrase)
    assert found is not None
    assert named in found


@pytest.mark.parametrize(
    "passphrase",
    ["correct horse battery staple", "x7#Kq!9zR2mT", "kurz aber krumm und schief", "\u6b63\u786e\u7684\u9a6c\u7535\u6c60\u8ba2\u4e66\u9489\u5bc6\u7801\u5b57",
        "my password is a purple giraffe", "7$kQ9!2#xL4@"],
)  # fmt: skip
def test_strong_passphrase_is_not_called_weak(passphrase: str) -> None:
    assert weakness(passphrase) is None

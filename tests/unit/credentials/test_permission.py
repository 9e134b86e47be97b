import pytest

from watchword.credentials.permission import (
    DEFAULT_PERMISSIONS,
    PERMISSIONS,
    RESTRICTION_FIELDS,
    UnknownPermission,
    read_permissions,
    restriction_flags,
)


def test_new_key_reads_and_does_nothing_else() -> None:
    assert {"READING"} == DEFAULT_PERMISSIONS
    assert [name for name, granted in restriction_flags(DEFAULT_PERMISSIONS).items() if granted] == [
        "enableReading"
    ]


def test_every_permission_has_its_own_field() -> None:
    assert set(RESTRICTION_FIELDS) == set(PERMISSIONS)
    assert len(set(RESTRICTION_FIELDS.values())) == len(PERMISSIONS)
    assert all(restriction_flags(frozenset(PERMISSIONS)).values())


@pytest.mark.parametrize(
    ("texts", "permissions"),
    [
        ([], set()),
        (["reading"], {"READING"}),
        (["READ", "trade"], {"READING", "SPOT_AND_MARGIN_TRADING"}),
        (["trading", "spot-and-margin-trading"], {"SPOT_AND_MARGIN_TRADING"}),
        ([" fix_api_trade "], {"FIX_API_TRADE"}),
    ],
)
def test_permissions_are_read_as_people_type_them(texts: list[str], permissions: set[str]) -> None:
    assert read_permissions(texts) == permissions


def test_unknown_permission_is_named_with_the_choice() -> None:
    refusal = read_permissions(["reading", "flying"])
    assert refusal == UnknownPermission("flying")
    assert "'flying'" in str(refusal)
    assert "SPOT_AND_MARGIN_TRADING" in str(refusal)

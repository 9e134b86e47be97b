"""Templates grant what their task needs, and nothing that moves money out."""

from watchword.credentials.key_rules import TRADING
from watchword.credentials.key_templates import TEMPLATES, template_named


def test_templates_have_the_least_permissions() -> None:
    assert {one.name: set(one.permissions) for one in TEMPLATES} == {
        "spot-trading": {"READING", "SPOT_AND_MARGIN_TRADING"},
        "futures-trading": {"READING", "FUTURES"},
        "tax-and-reports": {"READING"},
        "read-only": {"READING"},
    }
    for one in TEMPLATES:
        assert len(one.permissions & TRADING) <= 1
        assert not one.permissions & {"WITHDRAWALS", "INTERNAL_TRANSFER", "UNIVERSAL_TRANSFER"}


def test_template_is_found_by_its_exact_name() -> None:
    assert template_named("spot-trading") is TEMPLATES[0]
    assert template_named("spot-tradin") is None

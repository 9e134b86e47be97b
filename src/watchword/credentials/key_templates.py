"""Terms by task: what a new key needs for it, and no more. Grants nothing by itself."""

from typing import Final

import msgspec

from watchword.credentials.permission import Permission


class KeyTemplate(msgspec.Struct, frozen=True):
    """A task, and the least a key needs for it.

    Attributes:
        name: As people choose it.
        permissions: The least that will do.
        says: What it is for, and what to add by hand.
    """

    name: str
    permissions: frozenset[Permission]
    says: str


TEMPLATES: Final[tuple[KeyTemplate, ...]] = (
    KeyTemplate(
        "spot-trading",
        frozenset(("READING", "SPOT_AND_MARGIN_TRADING")),
        "Reads and trades spot. Give it the bot's address, and the symbols it trades.",
    ),
    KeyTemplate(
        "futures-trading",
        frozenset(("READING", "FUTURES")),
        "Reads and trades futures, not spot. Give it the bot's address.",
    ),
    KeyTemplate(
        "tax-and-reports",
        frozenset(("READING",)),
        "Reads history for a tax or portfolio service. Give it an expiry: reports are drawn once.",
    ),
    KeyTemplate("read-only", frozenset(("READING",)), "Reads balances, orders and trades; changes nothing."),
)


def template_named(name: str) -> KeyTemplate | None:
    """Find a template by its name; None where there is none."""
    return next((template for template in TEMPLATES if template.name == name), None)

"""First steps: for somebody who has just come, what to do in which order, each with the page where it is done. Does nothing."""

from typing import Final

import msgspec

from watchword.accounts.roles import Action
from watchword.entrypoints.console.pages.page import Answer, Nav, Page, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import Problem

PATH: Final = "/first-steps"


class Step(msgspec.Struct, frozen=True):
    """One step.

    Attributes:
        icon: Name of a symbol.
        title: What is done.
        says: What for.
        button: Where it leads, in words.
        path: Where it leads.
        action: Who may not do this does not see it.
    """

    icon: str
    title: str
    says: str
    button: str
    path: str
    action: Action


STEPS: Final = (
    Step("account", "Get play money", "The faucet of the testnet pays into an account, at no cost.",
         "Open the faucet", "/account", "account.trade"),
    Step("market", "Place an order", "Buy or sell by hand against moving prices; the account's page has the history.",
         "Open the market", "/market", "account.trade"),
    Step("key", "Create an API key", "As at Binance: for one program, with trusted addresses and permissions. Your browser can make an Ed25519 pair.",
         "Create a key", "/keys/new", "key.write"),
    Step("vault", "Put a real key into the vault", "From then on it signs in there, and no bot has to hold it. In API Management each key has a link for it.",
         "Add a key", "/vault/add", "credential.write"),
    Step("virtual", "Give a bot a virtual key", "It works at the gateway only, within limits that you set, and can be taken back at once.",
         "Issue a key", "/virtual-keys/new", "virtual.write"),
    Step("audit", "See what bots do", "Every request of a virtual key is on record: signed, or refused and why.",
         "Open virtual keys", "/virtual-keys", "virtual.read"),
    Step("shield", "Make your sign-in safer", "A security key cannot be used by a page that only looks like this one.",
         "Open Security", "/security", "self.read"),
)  # fmt: skip


async def show_steps(visit: Visit) -> Answer:
    """Show the steps this role may take; where a bot was at work already, the last one leads to it."""
    steps = [step for step in STEPS if visit.may(step.action)]
    busy = None
    if visit.may("virtual.read"):
        query = {"sort": "last_used", "descending": "true", "limit": "1"}
        found = await visit.call("listVirtualKeys", query=query)
        busy = (
            next((one for one in found.items if one.last_used), None)
            if not isinstance(found, Problem)
            else None
        )
    accounts = (
        await visit.call("listExchangeAccounts", query={"limit": "1"}) if visit.may("account.write") else None
    )
    without = accounts is not None and not isinstance(accounts, Problem) and not accounts.items
    return View("first_steps.html", {"steps": steps, "busy": busy, "without_account": without})


PAGES: Final = (
    Page(path=PATH, get=show_steps, action="self.read", nav=Nav("You", "First steps", "check", 95)),
)  # fmt: skip

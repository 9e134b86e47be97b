"""All routes of the management API, in one table. Adds nothing of its own."""

from typing import Final

from watchword.entrypoints.console.route import Route
from watchword.entrypoints.console.routes import (
    about,
    approvals,
    assignments,
    audit,
    enrolment,
    factors,
    own,
    people,
    policies,
    sessions,
    sign_in,
    testnet_accounts,
    testnet_keys,
    testnet_rules,
    tokens,
    vault,
    virtual_keys,
)

ROUTES: Final[tuple[Route, ...]] = (
    *about.ROUTES,
    *sign_in.ROUTES,
    *enrolment.ROUTES,
    *own.ROUTES,
    *factors.ROUTES,
    *sessions.ROUTES,
    *tokens.ROUTES,
    *people.ROUTES,
    *assignments.ROUTES,
    *testnet_accounts.ROUTES,
    *testnet_keys.ROUTES,
    *testnet_rules.ROUTES,
    *vault.ROUTES,
    *virtual_keys.ROUTES,
    *policies.ROUTES,
    *approvals.ROUTES,
    *audit.ROUTES,
)

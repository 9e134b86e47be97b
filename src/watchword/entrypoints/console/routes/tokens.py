"""API tokens: a person's own, and everybody's for who may read and change people. The text is shown once, when it is made."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts import security_messages
from watchword.accounts.model import ApiToken
from watchword.accounts.naming import LABEL_LENGTH_MAX
from watchword.accounts.refusal import Refused
from watchword.accounts.roles import ACTIONS, Action
from watchword.credentials.restriction import NETWORKS_COUNT_MAX
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.reaching import person_in_path, person_to_change
from watchword.entrypoints.console.routes.refusals import problem_of

TAG: Final = "tokens"
IP_LENGTH_MAX: Final = 64


class TokenDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made.

    Attributes:
        label: What its owner calls it; unique among theirs.
        scopes: What it may do; nothing the owner's role may not.
        expires_us: Its end, at most 366 days away.
        ips: Addresses and ranges it is accepted from, at most 30; empty for any.
    """

    label: Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)]
    scopes: Annotated[list[Action], Meta(min_length=1, max_length=len(ACTIONS))]
    expires_us: Annotated[int, Meta(ge=0, lt=1 << 53)]
    ips: Annotated[
        list[Annotated[str, Meta(max_length=IP_LENGTH_MAX)]], Meta(max_length=NETWORKS_COUNT_MAX)
    ] = []


class TokenView(msgspec.Struct, frozen=True):
    """An API token, without its text."""

    id: str
    label: str
    scopes: list[Action]
    created_us: int
    expires_us: int
    used_us: int
    used_ip: str
    ips: list[str] = []


class TokenMade(msgspec.Struct, frozen=True):
    """A new API token; its text is shown this once."""

    token: str
    about: TokenView


class TokenList(msgspec.Struct, frozen=True):
    """A person's API tokens, newest first."""

    items: list[TokenView]


def view_of(row: ApiToken) -> TokenView:
    """Show a token without what could be used."""
    return TokenView(
        row.id,
        row.label,
        sorted(row.scopes),
        row.created_us,
        row.expires_us,
        row.used_us,
        row.used_ip,
        list(row.ips),
    )


async def list_own_tokens(ask: Ask[None, None]) -> TokenList:
    """List the caller's tokens."""
    return TokenList([view_of(row) for row in ask.console.tokens.listed(ask.person.id)])


async def make_token(ask: Ask[TokenDraft, None]) -> TokenMade | Problem:
    """Make a token for the caller."""
    draft = ask.body
    made = ask.console.tokens.issue(
        ask.person, draft.label, frozenset(draft.scopes), draft.expires_us, ask.now_us, draft.ips
    )
    if isinstance(made, Refused):
        return problem_of(made)
    told = security_messages.key_made(ask.person, draft.label, "API token", ask.origin, ask.now_us)
    ask.console.tell(ask.person.id, told)
    return TokenMade(made.token, view_of(made.row))


async def revoke_own_token(ask: Ask[None, None]) -> Problem | None:
    """Revoke one of the caller's tokens."""
    return _revoked(ask, ask.person.id)


async def list_tokens(ask: Ask[None, None]) -> TokenList | Problem:
    """List a person's tokens."""
    person = person_in_path(ask)
    if isinstance(person, Problem):
        return person
    return TokenList([view_of(row) for row in ask.console.tokens.listed(person.id)])


async def revoke_token(ask: Ask[None, None]) -> Problem | None:
    """Revoke somebody's token."""
    person = person_to_change(ask)
    return person if isinstance(person, Problem) else _revoked(ask, person.id)


def _revoked(ask: Ask[Any, Any], person_id: str) -> Problem | None:
    gone = ask.console.tokens.revoke(person_id, ask.path["token"])
    return None if gone is not None else Problem(NOT_FOUND, "there is no such token")


def _terms(ask: Ask[TokenDraft, None]) -> dict[str, str]:
    scopes = ", ".join(sorted(set(ask.body.scopes)))
    return {
        "label": ask.body.label,
        "scopes": scopes,
        "expires_us": str(ask.body.expires_us),
        "ips": ", ".join(ask.body.ips),
    }


ROUTES: Final = (
    Route(
        method="GET", path="/self/tokens", name="listOwnTokens", summary="List my API tokens.", tag=TAG,
        action="self.read", handler=list_own_tokens, answer=TokenList,
    ),
    Route(
        method="POST", path="/self/tokens", name="makeToken", summary="Make an API token; shown once.", tag=TAG,
        action="self.write", handler=make_token, body=TokenDraft, answer=TokenMade, status=201, fresh="always",
        limit="write", audit=Audit("token:made", values=_terms),
    ),
    Route(
        method="DELETE", path="/self/tokens/{token}", name="revokeOwnToken", summary="Revoke one of my API tokens.",
        tag=TAG, action="self.write", handler=revoke_own_token, status=204, limit="write",
        audit=Audit("token:revoked"),
    ),
    Route(
        method="GET", path="/people/{person}/tokens", name="listTokens", summary="List a person's API tokens.",
        tag=TAG, action="person.read", handler=list_tokens, answer=TokenList,
    ),
    Route(
        method="DELETE", path="/people/{person}/tokens/{token}", name="revokeToken",
        summary="Revoke a person's API token.", tag=TAG, action="person.write", handler=revoke_token, status=204,
        limit="write", audit=Audit("token:revoked", values=lambda ask: {"person": ask.path["person"]}),
    ),
)  # fmt: skip

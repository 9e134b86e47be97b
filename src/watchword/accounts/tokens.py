"""API tokens for programs: scoped, with an end and perhaps an IP list, shown once. Never fresh: what asks for a factor refuses them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from watchword.accounts.bearer import API_TOKEN_MARKER, digest_of, draw
from watchword.accounts.model import ApiToken, Person, new_id
from watchword.accounts.naming import label_refused
from watchword.accounts.refusal import Refused
from watchword.accounts.register import Register
from watchword.accounts.roles import Action, Role, actions_of, may
from watchword.credentials.restriction import (
    BadRestriction,
    Network,
    Restrictions,
    holds_every_address,
    read_networks,
)
from watchword.kernel.entropy import Entropy

TOKENS_PER_PERSON_MAX: Final = 50
LIFE_MS_MAX: Final = 31_622_400_000  # 366 days


class IssuedToken(msgspec.Struct, frozen=True):
    """A new API token; its text exists here and with its owner only; so it is not in the repr."""

    row: ApiToken
    token: str

    def __repr__(self) -> str:
        return f"IssuedToken({self.row.id}, …)"


class Tokens:
    """Everybody's API tokens."""

    def __init__(self, register: Register, entropy: Entropy) -> None:
        self._register = register
        self._entropy = entropy

    def issue(
        self,
        person: Person,
        label: str,
        scopes: AbstractSet[Action],
        expires_us: int,
        now_us: int,
        ips: Sequence[str] = (),
    ) -> IssuedToken | Refused:
        """Make a token.

        Args:
            person: Whose.
            label: Unique among theirs.
            scopes: What it may do: something, and nothing their role may not.
            expires_us: Its end, epoch microseconds, at most `LIFE_MS_MAX` away.
            now_us: Epoch microseconds.
            ips: Addresses and ranges it is accepted from; none: any.

        Raises:
            StorageError: It could not be stored; then it does not exist.
        """
        networks = _networks(ips)
        if isinstance(networks, Refused):
            return networks
        held = self._register.of_person(ApiToken, person.id)
        refused = label_refused(label) or _terms_refused(person.role, scopes, expires_us, now_us)
        if refused is not None:
            return refused
        if len(held) >= TOKENS_PER_PERSON_MAX:
            return Refused(
                "too_many", f"a person has at most {TOKENS_PER_PERSON_MAX} tokens; revoke one first"
            )
        if any(one.label == label for one in held):
            return Refused("taken", "another of your tokens has this label")
        drawn = draw(self._entropy, API_TOKEN_MARKER)
        row = ApiToken(
            id=new_id(self._entropy, "t"),
            person_id=person.id,
            label=label,
            digest=drawn.digest,
            scopes=frozenset(scopes),
            created_us=now_us,
            expires_us=expires_us,
            ips=tuple(network.text for network in networks),
        )
        self._register.write([row])
        return IssuedToken(row, drawn.text)

    def find(self, token: str, ip: str, now_us: int) -> tuple[ApiToken, Person] | None:
        """Return this token's row and person, and remember the use.

        Returns:
            None for what is no token, unknown, revoked, over, used from elsewhere, or of somebody disabled or not
            enrolled: all the same to the caller.
        """
        known = self._known(token, now_us)
        if known is None or not accepted_from(known[0], ip):
            return None
        row, person = known
        used = msgspec.structs.replace(row, used_us=max(now_us, row.used_us), used_ip=ip)
        self._register.touch(used)
        return used, person

    def from_elsewhere(self, token: str, ip: str, now_us: int) -> tuple[ApiToken, Person] | None:
        """Return a token that is good but for the address it is used from, and its person: for the trail."""
        known = self._known(token, now_us)
        return known if known is not None and not accepted_from(known[0], ip) else None

    def listed(self, person_id: str) -> list[ApiToken]:
        """List a person's tokens, newest first; those that are over too, until they are revoked."""
        rows = self._register.of_person(ApiToken, person_id)
        return sorted(rows, key=lambda one: (-one.created_us, one.id))

    def revoke(self, person_id: str, token_id: str) -> ApiToken | None:
        """Remove one token of this person; None where they have none of this id."""
        row = self._register.get(ApiToken, token_id)
        if row is None or row.person_id != person_id:
            return None
        self._register.write([], [row])
        return row

    def _known(self, token: str, now_us: int) -> tuple[ApiToken, Person] | None:
        digest = digest_of(token, API_TOKEN_MARKER)
        row = self._register.by_digest(ApiToken, digest) if digest is not None else None
        if row is None or now_us >= row.expires_us:
            return None
        person = self._register.get(Person, row.person_id)
        if person is None or person.disabled_us or not person.enrolled_us:
            return None
        return row, person


def accepted_from(row: ApiToken, ip: str) -> bool:
    """Whether a token is accepted from this address; a list that cannot be read accepts none."""
    if not row.ips:
        return True
    networks = read_networks(row.ips)
    return not isinstance(networks, BadRestriction) and Restrictions(networks).allows_address(ip)


def token_may(row: ApiToken, role: Role, action: Action) -> bool:
    """Whether a token may do this now: its scopes say so, and the role its owner has today."""
    return action in row.scopes and may(role, action)


def _networks(ips: Sequence[str]) -> tuple[Network, ...] | Refused:
    networks = read_networks(ips)
    if isinstance(networks, BadRestriction):
        return Refused("bad_ips", str(networks))
    if holds_every_address(networks):
        return Refused("bad_ips", "these ranges together are every address; leave the list out to have none")
    return networks


def _terms_refused(role: Role, scopes: AbstractSet[Action], expires_us: int, now_us: int) -> Refused | None:
    if not scopes:
        return Refused("bad_scopes", "a token needs at least one scope")
    beyond = sorted(set(scopes) - actions_of(role))
    if beyond:
        return Refused("bad_scopes", f"your role may not {', '.join(beyond)}")
    if not now_us < expires_us <= now_us + LIFE_MS_MAX * 1_000:
        return Refused(
            "bad_expiry", f"a token ends in the future, at most {LIFE_MS_MAX // 86_400_000} days away"
        )
    return None

"""Virtual keys in memory: what `ports.VirtualKeys` asks for, answered by one look into a dictionary.

It holds what is stored already; whoever changes a key records it, stores it, and then says so by `hold`. Holds no
secret: HMAC signatures are checked by verifiers the vault lends. Never judges a request.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, final

import msgspec

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.model import Credential
from watchword.credentials.pem import read_public
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import Restrictions
from watchword.credentials.verifier import Verifier
from watchword.gateway.issuing import KeyRefused, descendants, read_key_policy
from watchword.gateway.narrowing import combined, tightest
from watchword.gateway.ports import ActiveKey
from watchword.gateway.vault_verifier import SecretVerifiers, VaultVerifier
from watchword.gateway.virtual_key import KeyVersion, VirtualKey
from watchword.gateway.virtual_key_store import UNUSED, KeyUse
from watchword.policy.policy import Policy
from watchword.policy.rules.permissions import Permissions
from watchword.vault.outcome import NotFound

#: A virtual key belongs to no account of the testnet's numbering.
NO_ACCOUNT: Final = 0


@final
class Registry:
    """Implements `ports.VirtualKeys`.

    Attributes:
        on_changed: Called with a key's id after it, or an ancestor, was edited, rolled or revoked, or has ended.
    """

    def __init__(
        self, stored: Iterable[tuple[VirtualKey, KeyUse]], secrets: SecretVerifiers, now_us: int
    ) -> None:
        """Hold what is stored.

        Args:
            stored: From `VirtualKeyStore.load`.
            secrets: The vault; asked at each HMAC verification, so that unsealing and sealing need no word here.
            now_us: Epoch microseconds.
        """
        self.on_changed: list[Callable[[str], None]] = []
        self._secrets = secrets
        self._keys: dict[str, VirtualKey] = {}
        self._ordered: list[VirtualKey] | None = None
        self._stored_uses: dict[str, KeyUse] = {}
        self._uses: dict[str, tuple[int, str]] = {}
        self._credentials: dict[str, Credential] = {}
        self._active: dict[str, ActiveKey] = {}
        self._owners: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._policies: dict[str, Policy | KeyRefused] = {}
        self._verifiers: dict[str, Verifier | None] = {}
        self._announced_us = now_us
        for key, use in stored:
            self._keys[key.id] = key
            self._stored_uses[key.id] = use
        for key_id in self._keys:
            self._prepare(key_id, now_us)

    # -- what the gateway asks ----------------------------------------------------------------------------------

    def find(self, api_key: str) -> Credential | None:
        """See `VirtualKeys.find`. Expiry, and the end of a rolled version, are in its restrictions."""
        return self._credentials.get(api_key)

    def active(self, api_key: str) -> ActiveKey | None:
        """See `VirtualKeys.active`."""
        return self._active.get(api_key)

    def by_id(self, key_id: str) -> VirtualKey | None:
        """See `VirtualKeys.by_id`."""
        return self._keys.get(key_id)

    def touch(self, key_id: str, ip: str, now_us: int) -> None:
        """See `VirtualKeys.touch`."""
        self._uses[key_id] = (now_us, ip)

    def absence(self, api_key: str) -> str:
        """Say why `find` finds nothing, for the trail: `unknown key`, `revoked`, `rolled`, or what is wrong with it."""
        key = self._keys.get(self._owners.get(api_key, ""))
        if key is None:
            return "unknown key"
        if key.revoked_us:
            return "revoked"
        for ancestor in self.line(key)[1:]:
            if ancestor.revoked_us:
                return "parent revoked"
        return self._faults.get(key.id) or "rolled"

    # -- what administration asks -------------------------------------------------------------------------------

    def listed(self) -> list[VirtualKey]:
        """Return all keys, revoked ones included, oldest first."""
        if self._ordered is None:
            self._ordered = sorted(self._keys.values(), key=lambda key: (key.created_us, key.id))
        return list(self._ordered)

    def line(self, key: VirtualKey) -> list[VirtualKey]:
        """Return a key, its parent, the parent's parent, and so on."""
        if not key.parent_id:
            return [key]
        found, seen = [key], {key.id}
        while (parent := self._keys.get(found[-1].parent_id)) is not None and parent.id not in seen:
            found.append(parent)
            seen.add(parent.id)
        return found

    def fault(self, key_id: str) -> str:
        """Say why a key that is not revoked cannot be used; empty where it can."""
        return self._faults.get(key_id, "")

    def use(self, key_id: str) -> KeyUse:
        """Return when a key was last used."""
        recent = self._uses.get(key_id)
        return self._stored_uses.get(key_id, UNUSED) if recent is None else KeyUse(*recent)

    def used_since(self, at_us: int) -> list[str]:
        """Return ids of the keys that were used at this moment or later; epoch microseconds."""
        found = {key_id for key_id, use in self._stored_uses.items() if use.at_us >= at_us}
        found |= {key_id for key_id, (used_us, _) in self._uses.items() if used_us >= at_us}
        return [key_id for key_id in self._keys if key_id in found] if found else []

    def hold(self, keys: Iterable[VirtualKey], now_us: int, remove: Iterable[str] = ()) -> None:
        """Let stored changes take effect, at once, and tell `on_changed`.

        Args:
            keys: As they were stored.
            now_us: Epoch microseconds; versions that have ended by then are not found any more.
            remove: Ids of keys that were deleted.
        """
        affected: dict[str, None] = {}
        self._ordered = None
        for key in keys:
            self._keys[key.id] = key
            affected[key.id] = None
        for key_id in remove:
            self._forget(key_id)
        for key_id in tuple(affected):
            affected.update(dict.fromkeys(one.id for one in descendants(key_id, self._keys.values())))
        for key_id in affected:
            self._prepare(key_id, now_us)
        self._drop_unused_policies()
        self._tell(affected)

    def announce_ended(self, now_us: int) -> None:
        """Tell `on_changed` of keys that ended since it was last called: expired, or a rolled version's time is over.

        Their next request is refused without this; streams and sessions have no next request.
        """
        since, self._announced_us = self._announced_us, max(self._announced_us, now_us)
        self._tell(
            {
                active.key.id: None
                for api_key, active in self._active.items()
                if since < self._credentials[api_key].restrictions.expires_us <= now_us
            }
        )

    def take_uses(self) -> dict[str, KeyUse]:
        """Return the uses since the last call, to be stored."""
        taken = {key_id: KeyUse(*use) for key_id, use in self._uses.items() if key_id in self._keys}
        self._uses.clear()
        self._stored_uses.update(taken)
        return taken

    def spent_secrets(self, now_us: int) -> list[str]:
        """Return ids of HMAC secrets that no request can use any more: of versions revoked or ended."""
        return [
            version.api_key
            for key in self._keys.values()
            for version in key.versions
            if version.key_type == "HMAC" and (key.revoked_us or 0 < version.ends_us <= now_us)
        ]

    def refresh(self, vault: SecretVerifiers) -> tuple[str, ...]:
        """Open the HMAC secrets of working keys now, after unsealing, rather than at their first requests.

        Args:
            vault: Lends verifiers from now on.

        Returns:
            API keys whose secret is not in the vault (it was restored from a backup, say); they verify nothing.
        """
        if vault is not self._secrets:
            self._secrets = vault
            self._verifiers = {
                name: one for name, one in self._verifiers.items() if not isinstance(one, VaultVerifier)
            }
            for key_id in self._keys:
                self._prepare(key_id, self._announced_us)
        return tuple(
            name
            for name, found in self._credentials.items()
            if found.key_type == "HMAC" and isinstance(vault.verifier_for(name), NotFound)
        )

    # -- inside -------------------------------------------------------------------------------------------------

    def _prepare(self, key_id: str, now_us: int) -> None:
        """Build everything `find` and `active` answer about one key."""
        key = self._keys[key_id]
        for version in key.versions:
            self._owners[version.api_key] = key_id
            self._credentials.pop(version.api_key, None)
            self._active.pop(version.api_key, None)
        self._faults.pop(key_id, None)
        line = self.line(key)
        if any(one.revoked_us for one in line):
            return
        if line[-1].parent_id:
            self._faults[key_id] = "a key it descends from is missing"
            return
        layers: list[tuple[str, Policy]] = []
        for one in line:
            policy = self._policy(one)
            if isinstance(policy, KeyRefused):
                self._faults[key_id] = str(policy)
                return
            layers.append((one.id, policy))
        tight = _tightened(key, line)
        active = ActiveKey(tight, tuple(layers))
        permissions = _permissions([policy for _, policy in layers])
        restrictions = combined([one.restrictions for one in line])
        for version in key.versions:
            if not 0 < version.ends_us <= now_us:
                self._admit(version, active, permissions, restrictions)

    def _admit(
        self,
        version: KeyVersion,
        active: ActiveKey,
        permissions: frozenset[Permission],
        restrictions: Restrictions,
    ) -> None:
        verifier = self._verifier(version)
        if verifier is None:
            self._faults[active.key.id] = "its public key cannot be read"
            return
        self._credentials[version.api_key] = Credential(
            api_key=version.api_key,
            account_id=NO_ACCOUNT,
            key_type=version.key_type,
            verifier=verifier,
            permissions=permissions,
            restrictions=msgspec.structs.replace(
                restrictions, expires_us=tightest((restrictions.expires_us, version.ends_us))
            ),
            label=active.key.label,
            created_us=version.created_us,
        )
        self._active[version.api_key] = active

    def _policy(self, key: VirtualKey) -> Policy | KeyRefused:
        found = self._policies.get(key.policy_digest)
        if found is None:
            found = self._policies[key.policy_digest] = read_key_policy(key.policy_text)
        return found

    def _verifier(self, version: KeyVersion) -> Verifier | None:
        if version.api_key not in self._verifiers:
            self._verifiers[version.api_key] = self._new_verifier(version)
        return self._verifiers[version.api_key]

    def _new_verifier(self, version: KeyVersion) -> Verifier | None:
        if version.key_type == "HMAC":
            return VaultVerifier(self._secrets, version.api_key)
        public = read_public(version.public_key.encode())
        if isinstance(public, KeyProblem) or public.key_type != version.key_type:
            return None
        return public.verifier()

    def _forget(self, key_id: str) -> None:
        key = self._keys.pop(key_id, None)
        self._stored_uses.pop(key_id, None)
        self._uses.pop(key_id, None)
        self._faults.pop(key_id, None)
        for version in key.versions if key else ():
            self._owners.pop(version.api_key, None)
            self._credentials.pop(version.api_key, None)
            self._active.pop(version.api_key, None)
            self._verifiers.pop(version.api_key, None)

    def _drop_unused_policies(self) -> None:
        used = {key.policy_digest for key in self._keys.values()}
        self._policies = {digest: policy for digest, policy in self._policies.items() if digest in used}

    def _tell(self, key_ids: Iterable[str]) -> None:
        for key_id in key_ids:
            for listener in self.on_changed:
                listener(key_id)


def _tightened(key: VirtualKey, line: Sequence[VirtualKey]) -> VirtualKey:
    """The key as it works: what its ancestors say more tightly holds for it too."""
    return msgspec.structs.replace(
        key,
        own_orders_only=any(one.own_orders_only for one in line),
        weight_per_minute_max=tightest(one.weight_per_minute_max for one in line),
        orders_per_10s_max=tightest(one.orders_per_10s_max for one in line),
    )


def _permissions(policies: Sequence[Policy]) -> frozenset[Permission]:
    """What all policies grant."""
    granted: frozenset[Permission] | None = None
    for policy in policies:
        rule = policy.rules.get("permissions")
        mine: frozenset[Permission] = rule.granted if isinstance(rule, Permissions) else frozenset()
        granted = mine if granted is None else granted & mine
    return granted or frozenset()

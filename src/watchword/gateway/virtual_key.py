"""The virtual key: what Watchword issues to one bot. Holds no secret; never decides anything.

A key has an identity that lasts (usage, orders and audit rows hang on it) and versions: rolling adds a version with
an API key of its own and gives the old one an end.
"""

import msgspec

from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.credentials.verifier import KeyType


class KeyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One API key of a virtual key.

    Attributes:
        api_key: 64 letters and digits with marker and checksum; see `key_format.py`.
        key_type: Which signatures it makes.
        public_key: PEM of the public half; empty for HMAC, whose secret lies in the vault under the id `api_key`.
        created_us: Epoch microseconds.
        ends_us: From then on it is refused; 0 for never.
    """

    api_key: str
    key_type: KeyType
    public_key: str = ""
    created_us: int = 0
    ends_us: int = 0


class VirtualKey(msgspec.Struct, frozen=True, kw_only=True):
    """A bot's key as it stands.

    Attributes:
        id: Drawn here, `vk-` and twelve letters and digits; what the audit trail names.
        label: What its owner calls it; unique among keys that are not revoked.
        credential_id: The real credential that signs for it.
        versions: Oldest first; at most `KEY_VERSIONS_COUNT_MAX` that have not ended.
        policy_name: Of the policy.
        policy_text: The policy file as it was when it was given, YAML. What is enforced is this, not the file.
        policy_digest: SHA-256 of the text, hex.
        restrictions: From where and until when.
        parent_id: The key it was narrowed from; empty for none.
        own_orders_only: It sees and cancels only orders it placed.
        weight_per_minute_max: Request weight it may use; 0 for the shared budget alone.
        orders_per_10s_max: Orders it may place in ten seconds; 0 for the shared budget alone.
        created_us: Epoch microseconds.
        revoked_us: Since then it is refused for good; 0 while it works.
    """

    id: str
    label: str
    credential_id: str
    versions: tuple[KeyVersion, ...]
    policy_name: str
    policy_text: str
    policy_digest: str
    restrictions: Restrictions = UNRESTRICTED
    parent_id: str = ""
    own_orders_only: bool = True
    weight_per_minute_max: int = 0
    orders_per_10s_max: int = 0
    created_us: int = 0
    revoked_us: int = 0

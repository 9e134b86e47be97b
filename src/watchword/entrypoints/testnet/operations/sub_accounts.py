"""Name of each sub-account route → handler, and which of them special keys cannot call. Adds no behaviour."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watchword.entrypoints.testnet.operations import sub_keys, sub_listing, sub_transfers
from watchword.entrypoints.testnet.operations.call import Handler
from watchword.entrypoints.testnet.operations.ordinary_keys import by_ordinary_keys

SUB_ACCOUNT_OPERATIONS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "POST /sapi/v1/sub-account/virtualSubAccount": by_ordinary_keys(sub_listing.create),
        "GET /sapi/v1/sub-account/list": sub_listing.sub_accounts,
        "GET /sapi/v1/sub-account/status": sub_listing.statuses,
        "GET /sapi/v3/sub-account/assets": sub_listing.assets_as_numbers,
        "GET /sapi/v4/sub-account/assets": sub_listing.assets,
        "GET /sapi/v1/sub-account/spotSummary": sub_listing.summary,
        "GET /sapi/v1/capital/deposit/subAddress": sub_listing.deposit_address,
        "GET /sapi/v1/capital/deposit/subHisrec": sub_listing.deposit_history,
        "POST /sapi/v1/sub-account/subAccountApi": by_ordinary_keys(sub_keys.create),
        "GET /sapi/v1/sub-account/subAccountApi": sub_keys.keys,
        "DELETE /sapi/v1/sub-account/subAccountApi": by_ordinary_keys(sub_keys.delete),
        "POST /sapi/v1/sub-account/subAccountApiPermission": by_ordinary_keys(sub_keys.permit),
        "POST /sapi/v2/sub-account/subAccountApi/ipRestriction": by_ordinary_keys(sub_keys.restrict),
        "GET /sapi/v1/sub-account/subAccountApi/ipRestriction": sub_keys.restriction,
        "DELETE /sapi/v1/sub-account/subAccountApi/ipRestriction/ipList": by_ordinary_keys(
            sub_keys.drop_addresses
        ),
        "POST /sapi/v1/sub-account/universalTransfer": by_ordinary_keys(sub_transfers.universal),
        "GET /sapi/v1/sub-account/universalTransfer": sub_transfers.universal_history,
        "GET /sapi/v1/sub-account/sub/transfer/history": sub_transfers.spot_history,
        "POST /sapi/v1/sub-account/transfer/subToMaster": by_ordinary_keys(sub_transfers.to_master),
        "POST /sapi/v1/sub-account/transfer/subToSub": by_ordinary_keys(sub_transfers.to_sibling),
        "GET /sapi/v1/sub-account/transfer/subUserHistory": sub_transfers.own_history,
    }
)

"""Name of each wallet route → handler, and which of them special keys cannot call. Adds no behaviour.

Left out, and so unknown routes: converting dust and its log, dividends, paying fees in BNB, the fast-withdrawal
switch and travel-rule forms (none of it exists here), and the daily account snapshot (no balances of past days are
kept, and made-up ones would be wrong).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watchword.entrypoints.testnet.operations import assets, capital, deposits, margin_keys, transfers
from watchword.entrypoints.testnet.operations.call import Handler
from watchword.entrypoints.testnet.operations.ordinary_keys import by_ordinary_keys

WALLET_OPERATIONS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "GET /sapi/v1/account/info": assets.account_info,
        "GET /sapi/v1/asset/assetDetail": assets.asset_detail,
        "POST /sapi/v1/asset/dust-btc": assets.dust,
        "POST /sapi/v1/asset/get-funding-asset": assets.funding_assets,
        "POST /sapi/v3/asset/getUserAsset": assets.user_assets,
        "GET /sapi/v1/asset/wallet/balance": assets.wallet_balances,
        "POST /sapi/v1/asset/transfer": by_ordinary_keys(transfers.transfer),
        "GET /sapi/v1/asset/transfer": transfers.transfer_history,
        "GET /sapi/v1/capital/deposit/address": deposits.deposit_address,
        "GET /sapi/v1/capital/deposit/address/list": deposits.deposit_addresses,
        "GET /sapi/v1/capital/deposit/hisrec": deposits.deposit_history,
        "POST /sapi/v1/capital/withdraw/apply": by_ordinary_keys(capital.withdraw),
        "GET /sapi/v1/capital/withdraw/history": capital.withdraw_history,
        "GET /sapi/v1/capital/withdraw/address/list": capital.withdraw_addresses,
        "GET /sapi/v1/capital/withdraw/quota": capital.withdraw_quota,
        "POST /sapi/v1/margin/apiKey": margin_keys.create_key,
        "GET /sapi/v1/margin/apiKey": margin_keys.show_key,
        "GET /sapi/v1/margin/api-key-list": margin_keys.list_keys,
        "PUT /sapi/v1/margin/apiKey/ip": margin_keys.edit_ip,
        "DELETE /sapi/v1/margin/apiKey": margin_keys.delete_key,
        "POST /sapi/v1/margin/exit-special-key-mode": margin_keys.exit_mode,
    }
)

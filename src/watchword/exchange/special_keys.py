"""Special key mode: an account enters it with its first special key of cross margin and leaves it on demand.

Called by the engine only. Knows no keys: making and deleting them is the key directory's. Nothing about matching
changes in the mode, because there is no margin trading here; what can be tested is entering, leaving and waiting.

Source: developers.binance.com, Margin Trading, "Exit Special Key Mode": leaving deletes the keys and starts a
cooldown of 24 hours; deleting a key alone does not leave; leaving what was never entered succeeds in silence.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError

if TYPE_CHECKING:
    from watchword.exchange.commands import EnterSpecialKeyMode, ExitSpecialKeyMode
    from watchword.exchange.events import AnyEvent
    from watchword.exchange.state import State

COOLDOWN_US: Final = 24 * 3_600_000_000
#: In the mode, not out of it since some moment.
ENTERED: Final = 0

BAD_ACCOUNT: Final = WireError(-1130, "Data sent for parameter 'account' is not valid.")
#: Binance publishes neither code nor text of this refusal.
COOLING_DOWN: Final = WireError(
    -1020, "This operation is not supported. Special key mode was left less than 24 hours ago."
)


def judge_special_key(state: "State", account_id: int, now_us: int) -> WireError | None:
    """Say why an account cannot have a new special key at this moment."""
    left_us = state.treasury.special_modes.get(account_id, ENTERED)
    return COOLING_DOWN if left_us != ENTERED and now_us < left_us + COOLDOWN_US else None


def enter_special_key_mode(
    state: "State", command: "EnterSpecialKeyMode", _events: "list[AnyEvent]"
) -> WireError | None:
    """Enter the mode, or stay in it."""
    if command.account_id not in state.accounts:
        return BAD_ACCOUNT
    refused = judge_special_key(state, command.account_id, command.now_us)
    if refused is None:
        state.treasury.special_modes[command.account_id] = ENTERED
    return refused


def exit_special_key_mode(
    state: "State", command: "ExitSpecialKeyMode", _events: "list[AnyEvent]"
) -> WireError | None:
    """Leave the mode; who is not in it stays out, and no cooldown begins anew."""
    modes = state.treasury.special_modes
    if modes.get(command.account_id) == ENTERED:
        modes[command.account_id] = command.now_us
    return None

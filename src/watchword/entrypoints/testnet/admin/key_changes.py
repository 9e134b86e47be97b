"""Whose API keys changed or were used since somebody last asked: account numbers, nothing of the keys. Changes nothing."""

from typing import TYPE_CHECKING, Any

from watchword.entrypoints.testnet.admin.requests import ShowKeyChanges
from watchword.kernel.change_log import ChangeLog

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet


def show_key_changes(testnet: "Testnet", request: ShowKeyChanges) -> dict[str, Any]:
    """Answer what changed since the question before.

    Args:
        testnet: Started.
        request: Says when that was.

    Returns:
        `began_us`, `next`, `now_us`; `missed`: take all accounts as changed; `accounts`: numbers.
    """
    now_us, log = testnet.clock.now_us(), _log_of(testnet)
    changed = log.after(request.after)
    used = testnet.directory.used_since(request.used_after_us) if request.used_after_us else set()
    return {
        "began_us": log.began_us,
        "next": log.count,
        "now_us": now_us,
        "missed": changed is None,
        "accounts": sorted(used | {int(name) for name in changed or ()}),
    }


def _log_of(testnet: "Testnet") -> ChangeLog:
    """Return the log of a testnet; it begins with the first question."""
    log: ChangeLog | None = testnet.at_hand.get(ChangeLog)
    if log is None:
        log = testnet.at_hand[ChangeLog] = ChangeLog(testnet.clock.now_us())
        note = log.mark
        testnet.directory.on_changed.append(lambda account_id: note(str(account_id)))
    return log

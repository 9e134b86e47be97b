"""Moving the testnet's clock and showing it. What the move brings to keys has happened when it is answered."""

from typing import TYPE_CHECKING, Any

from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.expiry import read_span, write_expiry, write_span
from watchword.entrypoints.testnet.admin.key_operations import say_event
from watchword.entrypoints.testnet.admin.requests import Refused
from watchword.kernel.errors import StorageError

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.credentials.key_sweep import KeyEvent

#: What happened to keys by one move, told in full up to here; the rest is counted.
EVENTS_SHOWN_MAX = 100


async def move_clock(testnet: "Testnet", request: ask.MoveClock) -> dict[str, Any] | Refused:
    """Move it, and say what that brought to keys."""
    by_us = read_span(request.by)
    if isinstance(by_us, str):
        return Refused(by_us)
    room_us = testnet.clock.room_us()
    if by_us > room_us:
        return Refused(f"the clock can be moved by ten years in all; {write_span(room_us)} are left")
    happened: list[KeyEvent] = []
    testnet.sweep.listeners.append(happened.append)
    try:
        await testnet.move_clock(by_us)
    except StorageError as error:
        return Refused(f"{error}; {_where(testnet)}")
    finally:
        testnet.sweep.listeners.remove(happened.append)
    told = [say_event(event) for event in happened[:EVENTS_SHOWN_MAX]]
    return {**clock_view(testnet), "key_events_count": len(happened), "key_events": told}


def clock_view(testnet: "Testnet") -> dict[str, Any]:
    """Show the clock as JSON."""
    clock = testnet.clock
    now_us = clock.now_us()
    return {
        "now": write_expiry(now_us),
        "now_us": now_us,
        "moved_by": write_span(clock.offset_us),
        "moved_by_us": clock.offset_us,
    }


def _where(testnet: "Testnet") -> str:
    """Say where the clock stands after something could not be stored."""
    return f"the clock is now ahead by {write_span(testnet.clock.offset_us)}, and what is due to keys is tried again"

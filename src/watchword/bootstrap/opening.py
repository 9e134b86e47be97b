"""The two ends of a venue's life in a process: its first command, and the comparison across a clean stop.

Never opens a store and never starts anything.
"""

import json
from typing import Final

from watchword.adapters.group_commit import Sequencer
from watchword.adapters.home import Home
from watchword.bootstrap.recovery import Recovered
from watchword.config import Settings
from watchword.exchange.commands import OpenVenue
from watchword.exchange.exchange_info import read_exchange_info
from watchword.exchange.instruments import Instrument
from watchword.exchange.journal import Journal, encode_record, fold_outcome
from watchword.exchange.listings import default_instruments
from watchword.exchange.venue import Venue
from watchword.kernel.clock import Clock
from watchword.kernel.errors import ConfigurationError, CorruptStoreError
from watchword.storage.private_files import write_atomically

#: Where history and market makers begin when nobody chose a seed.
DEFAULT_SEED: Final = 1


def open_or_check(settings: Settings, clock: Clock, journal: Journal, recovered: Recovered) -> None:
    """Journal the first command of a new home, or check that the settings fit an old one."""
    if recovered.position.sequence == 0:
        open_venue(settings, clock, journal, recovered, liquidity=settings.liquidity is not False)
        return
    if settings.seed is not None and settings.seed != recovered.seed:
        raise ConfigurationError(
            f"home {settings.home} was opened with --seed {recovered.seed}; use a new --home for another seed"
        )
    if settings.liquidity is not None and settings.liquidity != recovered.liquidity:
        was = "with" if recovered.liquidity else "without"
        raise ConfigurationError(
            f"home {settings.home} was opened {was} liquidity; use a new --home to change that"
        )
    if settings.instruments is not None and not _lists(recovered.venue, _instruments(settings)):
        raise ConfigurationError(
            f"home {settings.home} was opened with other instruments than {settings.instruments}; use a new --home"
        )


def open_venue(
    settings: Settings, clock: Clock, journal: Journal, recovered: Recovered, *, liquidity: bool
) -> None:
    """Journal and apply the first command of a new venue; `recovered` stands after it then."""
    seed = DEFAULT_SEED if settings.seed is None else settings.seed
    opening = OpenVenue(1, clock.now_us(), seed, liquidity, _instruments(settings))
    position = recovered.position
    record, checksum = encode_record([opening], position.checksum, 0, position.outcome)
    journal.append(1, 1, record)
    outcome = fold_outcome(position.outcome, recovered.venue.apply(opening))
    recovered.position = type(position)(1, opening.now_us, checksum, outcome)
    recovered.seed, recovered.liquidity = seed, liquidity


def _instruments(settings: Settings) -> tuple[Instrument, ...]:
    if settings.instruments is None:
        return default_instruments()
    try:
        raw = settings.instruments.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {settings.instruments}: {error.strerror}") from error
    return read_exchange_info(raw)


def _lists(venue: Venue, instruments: tuple[Instrument, ...]) -> bool:
    """Whether a venue lists exactly these symbols."""
    return {i.symbol for i in instruments} == set(venue.engine.floors)


def check_closing(home: Home, recovered: Recovered) -> None:
    """Compare with what the last clean stop left, and use it up."""
    try:
        closed = json.loads(home.closing_path.read_bytes())
        sequence, state_hash = int(closed["sequence"]), str(closed["state_hash"])
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptStoreError(
            f"{home.closing_path} cannot be read; remove it to start without it"
        ) from error
    if sequence == recovered.position.sequence and recovered.venue.state_hash().hex() != state_hash:
        raise CorruptStoreError(
            f"state at sequence {sequence} differs from the one at the last stop ({home.closing_path}): "
            "another version of the exchange, or damaged files; remove that file to start all the same"
        )
    home.closing_path.unlink()


def note_closing(home: Home, venue: Venue, sequencer: Sequencer) -> None:
    """Leave the state hash for the next start to compare."""
    content = {"sequence": sequencer.position.sequence, "state_hash": venue.state_hash().hex()}
    write_atomically(home.closing_path, json.dumps(content).encode() + b"\n")

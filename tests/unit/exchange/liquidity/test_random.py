from statistics import fmean, pstdev

from watchword.exchange.liquidity.profile import FINE_BITS, fair_price, profiles_of
from watchword.exchange.liquidity.random import BELL_SD, Dice, bells, draws, seed_of
from watchword.exchange.liquidity.taker import AVERAGE_ORDER_FACTOR, THIN_ORDER_FACTOR, order_worth
from watchword.exchange.liquidity.walk import Walks
from watchword.exchange.listings import default_instruments

PROFILES = profiles_of(default_instruments())


def test_dice_of_a_seed_are_the_published_splitmix_numbers() -> None:
    dice = Dice(1234567)
    assert [dice.draw() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_dice_continued_from_their_state_are_the_same() -> None:
    dice = Dice(99)
    dice.draw()
    twin = Dice(dice.state)
    assert [dice.draw() for _ in range(5)] == [twin.draw() for _ in range(5)]


def test_bell_numbers_have_the_promised_spread() -> None:
    dice = Dice(3)
    for numbers in ([dice.bell() for _ in range(20_000)], bells(3, 20_000, "a")):
        assert abs(fmean(numbers)) < 0.03 * BELL_SD
        assert abs(pstdev(numbers) / BELL_SD - 1) < 0.03
        assert max(map(abs, numbers)) <= 3.1 * BELL_SD


def test_draws_depend_on_seed_and_purpose_only() -> None:
    assert draws(1, 9, "a", "b") == draws(1, 9, "a", "b")
    assert draws(1, 9, "a", "b") != draws(1, 9, "ab")
    assert draws(1, 9, "a") != draws(2, 9, "a")
    assert seed_of(1, "a") != seed_of(2, "a")


def test_worth_of_orders_averages_to_what_the_history_assumes() -> None:
    dice = Dice(8)
    for profile in PROFILES:
        average = fmean(order_worth(profile, dice.draw()) for _ in range(20_000)) / profile.trade_quote
        expected = THIN_ORDER_FACTOR if profile.thin else AVERAGE_ORDER_FACTOR
        assert abs(average / expected - 1) < 0.12


def test_crosses_follow_their_two_legs() -> None:
    walks = Walks(PROFILES)
    dice = Dice(4)
    for _ in range(500):
        walks.step(dice)
    fair = {profile.symbol: fair_price(profile, walks.values) for profile in PROFILES}
    for cross, base in (("ETHBTC", "ETHUSDT"), ("BNBBTC", "BNBUSDT"), ("LTCBTC", "LTCUSDT")):
        assert abs(fair[cross] - fair[base] * 10**8 // fair["BTCUSDT"]) <= 1


def test_walks_stay_within_their_range_whatever_users_do() -> None:
    walks = Walks(PROFILES)
    for _ in range(300_000):
        walks.nudge("THINUSDT", 10**15)
    assert walks.values["THINUSDT"] == 4 * walks.centres["THINUSDT"]
    for _ in range(600_000):
        walks.nudge("THINUSDT", 1)
    assert walks.values["THINUSDT"] == walks.centres["THINUSDT"] // 4


def test_nudge_of_one_trade_moves_little() -> None:
    walks = Walks(PROFILES)
    before = walks.values["BTCUSDT"]
    walks.nudge("BTCUSDT", 10 * (before >> FINE_BITS))
    assert 0 < walks.values["BTCUSDT"] - before <= before // 16_000

"""Medians and walks through a book."""

from tests.support.policies import levels, scaled

from watchword.policy.references import Walk, median_price, walk_amount, walk_quantity

BOOK = levels((100, 1), (110, 2))


def test_median_ignores_one_absurd_price() -> None:
    samples = [(at, price) for at, price in enumerate((100, 101, 99, 9_000_000, 100))]
    assert median_price(samples, 10, 10, 3) == (100, 4)


def test_median_of_an_even_count_is_the_lower_middle() -> None:
    assert median_price([(1, 10), (2, 20)], 2, 10, 1) == (10, 2)


def test_median_counts_samples_within_the_window_to_the_microsecond() -> None:
    assert median_price([(5, 10)], 15, 10, 1) == (10, 5)
    assert median_price([(4, 10)], 15, 10, 1) is None
    assert median_price([(16, 10)], 15, 10, 1) is None
    assert median_price([(5, 10)], 15, 10, 2) is None
    assert median_price([], 15, 10, 0) is None


def test_walk_quantity_touches_the_levels_it_needs() -> None:
    assert walk_quantity(BOOK, scaled(1)) == Walk(scaled(1), scaled(100), scaled(100), True)
    assert walk_quantity(BOOK, scaled(2)) == Walk(scaled(2), scaled(210), scaled(110), True)
    assert walk_quantity(BOOK, scaled(3)).whole
    assert walk_quantity(BOOK, scaled(3) + 1) == Walk(scaled(3), scaled(320), scaled(110), False)
    assert not walk_quantity((), 1).whole


def test_walk_quantity_rounds_the_amount_up() -> None:
    assert walk_quantity(((1, 1),), 1).amount == 1


def test_walk_amount_touches_the_levels_it_needs() -> None:
    assert walk_amount(BOOK, scaled(100)) == Walk(scaled(1), scaled(100), scaled(100), True)
    assert walk_amount(BOOK, scaled(210)) == Walk(scaled(2), scaled(210), scaled(110), True)
    assert walk_amount(BOOK, scaled(320)).whole
    short = walk_amount(BOOK, scaled(320) + 1)
    assert (short.quantity, short.whole) == (scaled(3), False)
    assert not walk_amount(((0, 5),), 1).whole

import numpy as np

from steelyard.stats.reasons import choose, fine, first


def test_choose_takes_the_first_case_that_holds() -> None:
    chosen = choose((3,), ([True, False, False], "no_data"), ([True, True, False], "insufficient_n"))
    assert chosen.tolist() == ["no_data", "insufficient_n", ""]


def test_first_keeps_the_earlier_reason() -> None:
    early = np.array(["", "no_data"], dtype=object)
    late = np.array(["zero_variance", "zero_variance"], dtype=object)
    assert first(early, late).tolist() == ["zero_variance", "no_data"]
    assert fine(first(early)).tolist() == [True, False]

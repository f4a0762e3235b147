from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_ledger import LOOK_REASONS


def test_every_reason_of_a_look_is_put_in_words():
    looks = bounds([1e-6, 0.5, 0.6, 0.6, 1.0, 1.0], [1.0, 5.0, 5.0, 6.0, 7.0, 8.0], spending="obrien_fleming")
    looks += bounds([0.5, 0.5], [5.0, 6.0])
    assert {look.reason for look in looks if look.bound is None} == set(LOOK_REASONS)
    assert all(text.endswith(".") for text in LOOK_REASONS.values())

"""What a show answers: stock, caps, limits, prices, holds, payments and the end."""

from __future__ import annotations

import pytest

from commerce.show import commands as c
from commerce.show import events as e
from commerce.show import refusals as r
from commerce.show.language import MAX_LINES, OrderLine, PaymentOutcome, SkuLine
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import HOLD_SECONDS, TITLE, opening, order, payment


@pytest.fixture
def desk() -> DeskInHand:
    """An open show with ten scarves, three pieces of `single` a buyer."""
    desk = DeskInHand()
    for command in opening(10, limit=3):
        assert desk.ask(command, "host").accepted
    return desk


def refused(desk: DeskInHand, command: c.Command, actor: str = "ann") -> r.Refusal:
    reply = desk.ask(command, actor)
    assert not reply.accepted, reply
    return r.from_wire(reply.body)


def events_of(desk: DeskInHand, version: int) -> list[str]:
    return [type(event).__name__ for event in desk.commits[version - 1].events]


def last(desk: DeskInHand) -> list[str]:
    return events_of(desk, desk.state.version)


def test_an_order_keeps_its_stock_until_a_time(desk: DeskInHand) -> None:
    reply = desk.ask(order("o1", quantity=2))
    assert reply.body == {"order": "o1", "held_until": desk.now + HOLD_SECONDS * 1_000}
    assert (desk.state.pools["scarf"].held, desk.state.pools["scarf"].free) == (2, 8)


def test_a_hold_that_runs_out_gives_the_stock_back(desk: DeskInHand) -> None:
    desk.ask(order("o1", quantity=2))
    desk.wait(HOLD_SECONDS - 0.001)
    assert desk.state.orders["o1"].state == "awaiting_payment"
    desk.wait(0.001)
    assert desk.state.orders["o1"].state == "lapsed"
    assert desk.state.pools["scarf"].free == 10


def test_a_bundle_takes_from_the_same_pool_as_a_single(desk: DeskInHand) -> None:
    desk.ask(order("o1", "bob", "pair", 4, 1_800))
    assert desk.state.available(desk.state.offers["single"]) == 2
    assert desk.state.available(desk.state.offers["pair"]) == 1
    assert refused(desk, order("o2", quantity=3)) == r.SoldOut("single", 2)


def test_a_bundle_of_several_pools_is_held_whole_or_not_at_all(desk: DeskInHand) -> None:
    desk.ask(c.AllotStock("grant-2", "box", 1), "host")
    desk.ask(c.AddOffer("gift", TITLE, None, (SkuLine("scarf", 1), SkuLine("box", 1)), 1_200), "host")
    assert refused(desk, order("o1", offer="gift", quantity=2, price=1_200)) == r.SoldOut("gift", 1)
    assert desk.state.pools["scarf"].held == 0
    assert desk.ask(order("o2", offer="gift", price=1_200)).accepted
    assert (desk.state.pools["scarf"].held, desk.state.pools["box"].held) == (1, 1)


def test_two_lines_on_one_pool_count_together(desk: DeskInHand) -> None:
    lines = (OrderLine("single", 3, 1_000), OrderLine("pair", 4, 1_800))
    both = c.PlaceOrder("o1", "ann", "x", lines, 0, 0, 0, 10_200)
    assert refused(desk, both) == r.SoldOut("pair", 5)


def test_the_same_offer_in_two_lines_counts_towards_the_limit(desk: DeskInHand) -> None:
    lines = (OrderLine("single", 2, 1_000), OrderLine("single", 2, 1_000))
    assert refused(desk, c.PlaceOrder("o1", "ann", "x", lines, 0, 0, 0, 4_000)) == r.OverLimit("single", 3, 0)


def test_a_buyer_has_no_more_than_the_limit_over_all_orders(desk: DeskInHand) -> None:
    desk.ask(order("o1", quantity=2))
    assert refused(desk, order("o2", quantity=2)) == r.OverLimit("single", 3, 2)
    desk.ask(c.CancelOrder("o1", "ann"))
    assert desk.ask(order("o3", quantity=3)).accepted
    assert desk.ask(order("o4", "bob", quantity=3)).accepted


def test_a_cap_ends_an_offer_before_its_stock_does() -> None:
    desk = DeskInHand()
    for command in opening(10, cap=2):
        desk.ask(command, "host")
    assert desk.ask(order("o1", quantity=2)).accepted
    assert refused(desk, order("o2", "bob")) == r.SoldOut("single", 0)
    assert desk.ask(order("o3", "bob", "pair", 1, 1_800)).accepted


def test_a_buyer_pays_the_price_that_was_seen_or_is_told(desk: DeskInHand) -> None:
    desk.ask(c.RepriceOffer("single", 1_200), "host")
    assert refused(desk, order("o1")) == r.PriceChanged("single", 1_200)
    assert desk.ask(order("o2", price=1_200)).accepted


@pytest.mark.parametrize(
    ("freight", "tax", "discount", "total"), [(0, 0, 0, 999), (1, 0, 0, 1_000), (0, 0, 1_001, 0)]
)
def test_amounts_that_do_not_add_up_are_refused(
    desk: DeskInHand, freight: int, tax: int, discount: int, total: int
) -> None:
    lines = (OrderLine("single", 1, 1_000),)
    wrong = c.PlaceOrder("o1", "ann", "x", lines, freight, tax, discount, total)
    assert isinstance(refused(desk, wrong), r.WrongTotal)


def test_an_order_has_all_its_amounts(desk: DeskInHand) -> None:
    lines = (OrderLine("single", 2, 1_000),)
    assert desk.ask(c.PlaceOrder("o1", "ann", "x", lines, 500, 130, 100, 2_530)).accepted
    assert desk.state.orders["o1"].amounts == (2_000, 500, 130, 100, 2_530)


def test_too_many_lines_are_refused(desk: DeskInHand) -> None:
    lines = (OrderLine("single", 1, 1_000),) * (MAX_LINES + 1)
    wide = c.PlaceOrder("o1", "ann", "x", lines, 0, 0, 0, 1_000 * len(lines))
    assert refused(desk, wide) == r.TooManyLines(MAX_LINES)


def test_what_is_not_there_or_gone_cannot_be_bought(desk: DeskInHand) -> None:
    assert refused(desk, order("o1", offer="nothing")) == r.UnknownOffer("nothing")
    desk.ask(c.WithdrawOffer("single"), "host")
    assert refused(desk, order("o1")) == r.OfferGone("single")


def test_a_show_that_is_not_open_sells_nothing() -> None:
    desk = DeskInHand()
    assert refused(desk, order("o1")) == r.ShowNotOpen("scheduled")
    assert refused(desk, c.CloseShow(), "host") == r.ShowNotOpen("scheduled")


def test_stock_and_offers_may_come_before_the_opening() -> None:
    desk = DeskInHand()
    for command in opening(5)[1:]:
        assert desk.ask(command, "host").accepted
    assert desk.ask(opening()[0], "host").accepted
    assert desk.ask(order("o1")).accepted


def test_a_repeated_command_gets_its_first_answer(desk: DeskInHand) -> None:
    first = desk.ask(order("o1"), key="k")
    again = desk.ask(order("o-other-try"), key="k")
    assert (again.version, again.accepted, again.body) == (first.version, True, first.body)
    assert list(desk.state.orders) == ["o1"]
    assert last(desk) == []


def test_a_repeated_refusal_is_the_same_for_a_minute(desk: DeskInHand) -> None:
    first = desk.ask(order("o1", price=1), key="k")
    desk.wait(59)
    assert desk.ask(order("o1", price=1), key="k").version == first.version
    desk.wait(2)
    desk.ask(order("o2"), key="other")
    assert desk.ask(order("o1", price=1), key="k").version > first.version


def test_a_key_used_for_another_wish_is_refused_and_still_answers_the_first(desk: DeskInHand) -> None:
    first = desk.ask(order("o1"), key="k")
    other = desk.ask(order("o2", quantity=2), key="k")
    assert r.from_wire(other.body) == r.KeyReused()
    assert desk.ask(order("o1"), key="k").version == first.version


def test_the_same_key_of_another_actor_is_another_wish(desk: DeskInHand) -> None:
    assert desk.ask(order("o1"), "ann", "k").accepted
    assert desk.ask(order("o2", "bob"), "bob", "k").accepted


def test_what_comes_after_its_deadline_is_not_done_but_may_be_asked_again(desk: DeskInHand) -> None:
    late = desk.ask(order("o1"), key="k", deadline=desk.now - 1)
    assert r.from_wire(late.body) == r.TooLate()
    assert desk.ask(order("o1"), key="k").accepted
    assert desk.ask(order("o1"), key="k", deadline=desk.now - 1).accepted


def test_a_clock_that_is_set_back_makes_nobody_late(desk: DeskInHand) -> None:
    """The log's time stood an hour ahead, and every command was refused as late until it was reached."""
    desk.wait(3_600)
    assert desk.ask(order("o1")).accepted
    at = desk.state.at
    desk.now -= 3_600_000
    assert desk.ask(order("o2", "bob"), "bob").accepted
    assert desk.state.at == at
    late = desk.ask(order("o3", "cid"), "cid", deadline=desk.now - 1)
    assert r.from_wire(late.body) == r.TooLate()


def test_a_rule_that_breaks_fells_its_command_and_not_the_show(desk: DeskInHand) -> None:
    pool = desk.state.pools.pop("scarf")  # no sequence of commands leads here: the rule trips over it
    broken = desk.ask(order("o1"), key="k")
    assert r.from_wire(broken.body) == r.Undecided()
    assert "o1" not in desk.state.orders
    desk.state.pools["scarf"] = pool
    assert desk.ask(order("o1"), key="k").accepted


def test_payment_turns_a_hold_into_a_sale(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    assert desk.ask(payment("o1"), "bank").body == {"order": "o1", "state": "paid"}
    assert (desk.state.pools["scarf"].held, desk.state.pools["scarf"].sold) == (0, 1)
    desk.wait(HOLD_SECONDS + 1)
    assert desk.state.orders["o1"].state == "paid"


def test_a_payment_said_twice_counts_once(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.ask(payment("o1"), "bank")
    assert desk.ask(payment("o1"), "bank").accepted
    assert last(desk) == ["CommandAccepted"]


def test_a_second_payment_of_a_paid_order_is_due_back(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.ask(payment("o1"), "bank")
    desk.ask(payment("o1", "pay-2"), "bank")
    assert desk.commits[-1].events[0] == e.RefundDue("o1", "pay-2", "sandbox", 1_000, "paid_twice")


LAST_WORDS = [
    ("failed", "succeeded", "paid"),
    ("succeeded", "failed", "paid"),
    ("unknown", "failed", "awaiting_payment"),
    ("succeeded", "unknown", "paid"),
]


@pytest.mark.parametrize(("first", "second", "state"), LAST_WORDS)
def test_success_is_the_last_word_of_a_payment(
    desk: DeskInHand, first: PaymentOutcome, second: PaymentOutcome, state: str
) -> None:
    desk.ask(order("o1"))
    for outcome in (first, second):
        command = c.RecordPayment("o1", "pay-1", "sandbox", 1_000, "CNY", outcome)
        assert desk.ask(command, "bank").accepted
    assert desk.state.orders["o1"].state == state


@pytest.mark.parametrize("wrong", [{"amount": 999}, {"amount": 1_001}, {"currency": "USD"}])
def test_money_of_another_amount_or_currency_pays_nothing(desk: DeskInHand, wrong: dict[str, object]) -> None:
    desk.ask(order("o1"))
    fields = {"amount": 1_000, "currency": "CNY", **wrong}
    command = c.RecordPayment("o1", "pay-1", "sandbox", outcome="succeeded", **fields)
    assert refused(desk, command, "bank") == r.AmountDiffers("o1", 1_000, "CNY")
    assert desk.state.orders["o1"].state == "awaiting_payment"


def test_money_after_a_lapse_gets_the_goods_if_they_are_there(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.wait(HOLD_SECONDS)
    desk.ask(payment("o1"), "bank")
    assert last(desk) == ["OrderReheld", "OrderPaid", "CommandAccepted"]
    assert desk.state.pools["scarf"].sold == 1


def test_money_after_a_lapse_is_due_back_if_the_goods_are_gone(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.wait(HOLD_SECONDS)
    desk.ask(order("o2", "bob", "pair", 5, 1_800))
    desk.ask(payment("o1"), "bank")
    assert desk.commits[-1].events[0] == e.RefundDue("o1", "pay-1", "sandbox", 1_000, "lapsed")
    assert desk.state.orders["o1"].state == "lapsed"


def test_money_after_a_lapse_does_not_lift_a_buyer_over_the_limit(desk: DeskInHand) -> None:
    desk.ask(order("o1", quantity=2))
    desk.wait(HOLD_SECONDS)
    desk.ask(order("o2", quantity=2))
    desk.ask(payment("o1", amount=2_000), "bank")
    assert last(desk) == ["RefundDue", "CommandAccepted"]


def test_money_for_a_cancelled_order_is_due_back(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.ask(c.CancelOrder("o1", "ann"))
    desk.ask(payment("o1"), "bank")
    assert desk.commits[-1].events[0] == e.RefundDue("o1", "pay-1", "sandbox", 1_000, "cancelled")


def test_only_its_buyer_or_staff_cancels_an_order_and_only_before_it_is_paid(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    assert refused(desk, c.CancelOrder("o1", "bob"), "bob") == r.NotYours("o1")
    assert refused(desk, c.CancelOrder("o9", "bob"), "bob") == r.UnknownOrder("o9")
    assert desk.ask(c.CancelOrder("o1"), "host").accepted
    assert refused(desk, c.CancelOrder("o1", "ann")) == r.OrderOver("o1", "cancelled")
    desk.ask(order("o2"))
    desk.ask(payment("o2"), "bank")
    assert refused(desk, c.CancelOrder("o2", "ann")).code == "OrderPaid"


def test_an_outage_lengthens_every_hold(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.wait(100, outage_ms=100_000)
    desk.wait(HOLD_SECONDS - 1)
    assert desk.state.orders["o1"].state == "awaiting_payment"
    desk.wait(1)
    assert desk.state.orders["o1"].state == "lapsed"


def test_a_show_closes_when_its_last_hold_is_gone(desk: DeskInHand) -> None:
    desk.ask(order("o1"))
    desk.ask(order("o2", "bob"))
    desk.ask(c.CloseShow(), "host")
    assert refused(desk, order("o3", "cyd")) == r.ShowNotOpen("closing")
    desk.ask(payment("o1"), "bank")
    assert desk.state.stage == "closing"
    desk.wait(HOLD_SECONDS)
    assert desk.state.stage == "closed"
    returned = [event for event in desk.commits[-1].events if isinstance(event, e.StockReturned)]
    assert returned == [e.StockReturned("grant-1", "scarf", 9)]


def test_unsold_units_go_back_to_the_allotments_they_came_from(desk: DeskInHand) -> None:
    desk.ask(c.AllotStock("grant-2", "scarf", 5), "host")
    desk.ask(order("o1", "bob", "pair", 6, 1_800))
    desk.ask(payment("o1", amount=10_800), "bank")
    desk.ask(c.CloseShow(), "host")
    desk.wait(1)
    returned = [event for event in desk.commits[-1].events if isinstance(event, e.StockReturned)]
    assert sorted((event.allotment, event.units) for event in returned) == [("grant-2", 3)]


def test_the_end_takes_the_pin_and_the_feed_down(desk: DeskInHand) -> None:
    desk.ask(c.PutOnAir("studio-1"), "host")
    desk.ask(c.PinOffer("single", 5), "host")
    desk.ask(c.CloseShow(), "host")
    desk.wait(0)
    assert last(desk) == ["StockReturned", "OfferUnpinned", "FeedTakenOffAir", "ShowClosed"]
    for late in (c.PutOnAir("studio-1"), c.AllotStock("g", "scarf", 1), opening()[2]):
        assert refused(desk, late, "host") == r.ShowOver()


def test_an_allotment_asked_for_again_is_granted_once(desk: DeskInHand) -> None:
    assert desk.ask(c.AllotStock("grant-1", "scarf", 10), "reconciler").accepted
    assert desk.state.pools["scarf"].allotted == 10


def test_a_withdrawn_offer_leaves_the_screen(desk: DeskInHand) -> None:
    desk.ask(c.PinOffer("single"), "host")
    desk.ask(c.WithdrawOffer("single"), "host")
    assert last(desk) == ["OfferUnpinned", "OfferWithdrawn", "CommandAccepted"]
    assert desk.state.rundown == ["pair"]
    assert refused(desk, c.PinOffer("single"), "host") == r.OfferGone("single")


def test_the_rundown_names_every_offer_once(desk: DeskInHand) -> None:
    assert desk.ask(c.ArrangeRundown(("pair", "single")), "host").accepted
    assert refused(desk, c.ArrangeRundown(("pair",)), "host") == r.UnknownOffer("single")
    assert refused(desk, c.ArrangeRundown(("pair", "single", "x")), "host") == r.UnknownOffer("x")
    assert refused(desk, c.ArrangeRundown(("pair", "pair")), "host") == r.UnknownOffer("single")
    assert refused(desk, c.ArrangeRundown(("pair", "single", "pair")), "host") == r.UnknownOffer("pair")


def test_an_order_id_is_used_once(desk: DeskInHand) -> None:
    desk.ask(order("o1"), "ann")
    assert refused(desk, order("o1", "bob"), "bob") == r.OrderExists("o1")


def test_the_same_offer_cannot_be_added_twice(desk: DeskInHand) -> None:
    assert refused(desk, opening()[2], "host") == r.OfferExists("single")
    assert refused(desk, opening()[0], "host") == r.AlreadyOpen()
    assert refused(desk, c.UnpinOffer(), "host") == r.NothingPinned()

"""The route table of the shop: every address, once. Documents, tests and the front are made from it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from commerce.api import (
    answered,
    asked,
    events,
    host,
    merchant,
    operator,
    orders,
    shop,
    webhooks,
)
from commerce.api.routes import Access, Handler, Route, says
from commerce.api.table_access import ACCESS
from commerce.api.table_orders import AFTER_SALES
from commerce.api.table_pairing import PAIRING

SHOW: Final = "/api/shows/{show}"
HOST: Final = "/api/host/shows/{show}"
MERCHANT: Final = "/api/merchant"
REFUSED_ORDER: Final = (
    "UnknownShow",
    "SoldOut",
    "PriceChanged",
    "OverLimit",
    "UnknownOffer",
    "OfferGone",
    "ShowNotOpen",
)


def command(path: str, handler: Handler, takes: type[Struct] = asked.Nothing, *refusals: str) -> Route:
    """A host's command: keyed, for staff, answered with the version of the decision."""
    return Route(
        "POST",
        f"{HOST}/{path}",
        handler,
        says(handler),
        Access.STAFF,
        takes=takes,
        gives=answered.Decided,
        keyed=True,
        problems=("UnknownShow", *refusals),
    )


SHOP: Final = (
    Route("GET", "/api/shows", shop.list_shows, says(shop.list_shows), gives=answered.Shows),
    Route("GET", SHOW, shop.read_show, says(shop.read_show), gives=answered.Show, problems=("UnknownShow",)),
    Route(
        "POST",
        f"{SHOW}/seat",
        shop.take_seat,
        says(shop.take_seat),
        Access.SOMEONE,
        takes=asked.SeatWish,
        gives=answered.Seat,
        status=201,
        problems=("UnknownShow", "NotOnAir", "NoRelay"),
    ),
    Route(
        "GET",
        f"{SHOW}/events",
        events.listen,
        says(events.listen),
        query=asked.EventsQuery,
        streams=True,
        problems=("UnknownShow", "Forbidden"),
    ),
    Route(
        "GET",
        f"{SHOW}/cart",
        shop.read_cart,
        says(shop.read_cart),
        Access.BUYER,
        gives=answered.Cart,
        problems=("UnknownShow",),
    ),
    Route(
        "PUT",
        f"{SHOW}/cart",
        shop.put_cart,
        says(shop.put_cart),
        Access.BUYER,
        takes=asked.CartWish,
        gives=answered.Cart,
        problems=("UnknownShow", "UnknownOffer", "OfferGone", "OverLimit"),
    ),
    Route(
        "POST",
        f"{SHOW}/hearts",
        shop.send_hearts,
        says(shop.send_hearts),
        Access.SOMEONE,
        takes=asked.Hearts,
        status=202,
        problems=("UnknownShow", "ShowNotOpen"),
    ),
    Route(
        "POST",
        f"{SHOW}/orders",
        orders.place_order,
        says(orders.place_order),
        Access.BUYER,
        takes=asked.NewOrder,
        gives=answered.Order,
        status=201,
        keyed=True,
        hot=True,
        problems=REFUSED_ORDER,
    ),
    Route(
        "GET",
        "/api/orders/{order}",
        orders.read_order,
        says(orders.read_order),
        Access.SOMEONE,
        gives=answered.Order,
        problems=("UnknownOrder",),
    ),
    Route(
        "POST",
        "/api/orders/{order}/cancel",
        orders.cancel_order,
        says(orders.cancel_order),
        Access.SOMEONE,
        takes=asked.Nothing,
        gives=answered.Order,
        keyed=True,
        problems=("UnknownOrder", "OrderPaid", "OrderOver"),
    ),
    Route(
        "POST",
        "/api/orders/{order}/payment",
        orders.pay_order,
        says(orders.pay_order),
        Access.BUYER,
        takes=asked.Nothing,
        gives=answered.Payment,
        status=201,
        keyed=True,
        problems=("UnknownOrder", "OrderPaid", "OrderOver", "BankSilent"),
    ),
    Route(
        "GET",
        "/pay/{order}",
        orders.go_and_pay,
        says(orders.go_and_pay),
        status=303,
        cost=5,
        problems=("UnknownOrder",),
    ),
    Route(
        "POST",
        "/api/webhooks/{provider}",
        webhooks.take_webhook,
        says(webhooks.take_webhook),
        status=204,
        raw=True,
        problems=("UnknownProvider", "WrongSignature", "UnknownPayment", "NoticeDiffers"),
    ),
)

HOSTS: Final = (
    command("open", host.open_show, asked.Nothing, "NotEnoughStock", "ShowOver"),
    command("close", host.close_show, asked.Nothing, "ShowNotOpen"),
    command("on-air", host.put_on_air, asked.PutOnAir, "UnknownStudio", "ShowOver"),
    command("off-air", host.take_off_air, asked.Nothing, "ShowOver"),
    command("pin", host.pin_offer, asked.Pin, "UnknownOffer", "OfferGone"),
    command("unpin", host.unpin_offer, asked.Nothing, "NothingPinned"),
    command("reprice", host.reprice_offer, asked.Reprice, "UnknownOffer"),
    command("withdraw", host.withdraw_offer, asked.Withdraw, "UnknownOffer"),
    command("rundown", host.arrange_rundown, asked.Arrange, "UnknownOffer"),
    Route(
        "GET",
        f"{HOST}/orders",
        host.list_show_orders,
        says(host.list_show_orders),
        Access.STAFF,
        gives=answered.Orders,
        problems=("UnknownShow",),
    ),
    Route(
        "GET",
        f"{HOST}/studios",
        host.list_show_studios,
        says(host.list_show_studios),
        Access.STAFF,
        gives=answered.Studios,
        problems=("UnknownShow",),
    ),
)

MERCHANTS: Final = (
    Route(
        "GET",
        f"{MERCHANT}/shows",
        merchant.list_merchant_shows,
        says(merchant.list_merchant_shows),
        Access.STAFF,
        query=asked.MerchantQuery,
        gives=answered.Shows,
    ),
    Route(
        "POST",
        f"{MERCHANT}/shows",
        merchant.schedule_show,
        says(merchant.schedule_show),
        Access.MERCHANT,
        takes=asked.NewShow,
        query=asked.MerchantQuery,
        gives=answered.Show,
        status=201,
        keyable=True,
        problems=("UnknownStudio",),
    ),
    Route(
        "GET",
        f"{MERCHANT}/shows/{{show}}",
        merchant.read_merchant_show,
        says(merchant.read_merchant_show),
        Access.STAFF,
        gives=answered.Show,
        problems=("UnknownShow",),
    ),
    Route(
        "PATCH",
        f"{MERCHANT}/shows/{{show}}",
        merchant.change_show,
        says(merchant.change_show),
        Access.MERCHANT,
        takes=asked.ShowChange,
        gives=answered.Show,
        problems=("UnknownShow", "ShowStarted", "UnknownStudio"),
    ),
    Route(
        "GET",
        f"{MERCHANT}/shows/{{show}}/rundown",
        merchant.read_rundown,
        says(merchant.read_rundown),
        Access.STAFF,
        gives=answered.Rundown,
        problems=("UnknownShow",),
    ),
    Route(
        "PUT",
        f"{MERCHANT}/shows/{{show}}/rundown",
        merchant.put_rundown,
        says(merchant.put_rundown),
        Access.MERCHANT,
        takes=asked.RundownWish,
        gives=answered.Rundown,
        keyed=True,
        problems=("UnknownShow", "UnknownOffer", "UnknownSku", "NotEnoughStock", "ShowOver"),
    ),
    Route(
        "GET",
        f"{MERCHANT}/products",
        merchant.list_products,
        says(merchant.list_products),
        Access.STAFF,
        query=asked.MerchantQuery,
        gives=answered.Products,
    ),
    Route(
        "POST",
        f"{MERCHANT}/products",
        merchant.add_product,
        says(merchant.add_product),
        Access.MERCHANT,
        takes=asked.NewProduct,
        query=asked.MerchantQuery,
        gives=answered.Product,
        status=201,
        keyable=True,
        problems=("SkuTaken",),
    ),
    Route(
        "GET",
        f"{MERCHANT}/orders",
        merchant.list_merchant_orders,
        says(merchant.list_merchant_orders),
        Access.STAFF,
        query=asked.OrdersQuery,
        gives=answered.Orders,
    ),
    Route(
        "GET",
        f"{MERCHANT}/studios",
        merchant.list_studios,
        says(merchant.list_studios),
        Access.STAFF,
        query=asked.MerchantQuery,
        gives=answered.PairedStudios,
    ),
    Route(
        "POST",
        f"{MERCHANT}/studios/{{studio}}/token",
        merchant.make_studio_token,
        says(merchant.make_studio_token),
        Access.MERCHANT,
        takes=asked.Nothing,
        query=asked.MerchantQuery,
        gives=answered.StudioToken,
        status=201,
        problems=("UnknownStudio", "NoRelay"),
    ),
)

OPERATORS: Final = (
    Route(
        "GET",
        "/api/operator/trail",
        operator.read_trail,
        says(operator.read_trail),
        Access.OPERATOR,
        query=asked.TrailQuery,
        gives=answered.Trail,
    ),
    Route("GET", "/healthz", operator.read_health, says(operator.read_health), gives=answered.Health, cost=0),
    Route("GET", "/metrics", operator.read_metrics, says(operator.read_metrics), cost=0),
    Route(
        "GET",
        "/api/status",
        operator.read_status,
        says(operator.read_status),
        Access.OPERATOR,
        gives=answered.Status,
    ),
)

ROUTES: Final[tuple[Route, ...]] = (*ACCESS, *SHOP, *HOSTS, *MERCHANTS, *AFTER_SALES, *PAIRING, *OPERATORS)

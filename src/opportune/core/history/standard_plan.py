"""The built-in plan: Segment's e-commerce, e-mail and lifecycle events, and those of Opportune's own script.

A playbook's `plan.yaml` adds to it and overrides it event by event. No property is required here: what
a library sends unchanged is never set aside for the plan's sake until a team says so.
"""

from __future__ import annotations

from opportune.core.history.plan import (
    BEHAVIOUR,
    KEY_EVENT,
    TELEMETRY,
    EventClass,
    EventPlan,
    Plan,
    PropertyPlan,
)

PRODUCT = PropertyPlan(name="product", type="product", path="product_id|sku|id")
CATEGORY = PropertyPlan(name="category", type="category")
LIST_CATEGORY = PropertyPlan(name="category", type="category", path="category|list_id")
PRICE = PropertyPlan(name="value", type="money", path="price|value")
QUANTITY = PropertyPlan(name="quantity", type="number")
PRODUCTS = PropertyPlan(
    name="product", type="product", path="products.*.product_id|products.*.sku|product_id"
)
CATEGORIES = PropertyPlan(name="category", type="category", path="products.*.category|category")
TOTAL = PropertyPlan(name="value", type="money", path="total|revenue|value")
REVENUE = PropertyPlan(name="value", type="money", path="revenue|total|value")
ORDER = PropertyPlan(name="order_id", path="order_id|checkout_id")
DISCOUNT = PropertyPlan(name="discount", type="money", path="discount|total_discount|discount_total")
MARGIN = PropertyPlan(name="margin", type="money", path="margin|profit")
QUANTITIES = PropertyPlan(name="quantity", type="list", path="products.*.quantity|quantity")
COUPON = PropertyPlan(name="coupon", path="coupon|coupon_name|coupon_id")
QUERY = PropertyPlan(name="query", path="query|search|keyword")
SLOT = PropertyPlan(name="slot")
RULE = PropertyPlan(name="rule")
VARIANT = PropertyPlan(name="variant")
EMAIL = PropertyPlan(name="email_id", path="email_id|campaign_id|campaign.id")
FORM = PropertyPlan(name="form", path="form|form_id|form_name|name")
TICKET = PropertyPlan(name="ticket", path="ticket_id|id")


def _event(
    name: str,
    *says: str,
    has: tuple[PropertyPlan, ...] = (),
    has_not: str = "",
    things: str = "",
    event_class: EventClass = BEHAVIOUR,
    business_key: str = "",
    was: tuple[str, ...] = (),
    is_key_event: bool = False,
) -> EventPlan:
    return EventPlan(
        name=name,
        says=says,
        has_not=has_not or (says[0] if says else ""),
        things=things,
        event_class=event_class,
        business_key=business_key,
        was=was,
        is_key_event=is_key_event,
        properties=has,
    )


SHOPPING = (
    _event("Products Searched", "searched", "searched for", has=(QUERY,), things="search", was=("Searched",)),
    _event(
        "Product List Viewed",
        "browsed",
        "browsed through",
        "looked through",
        has=(LIST_CATEGORY,),
        things="category",
        was=("Viewed Product Category",),
    ),
    _event(
        "Product List Filtered", "filtered a list", "filtered products", has=(LIST_CATEGORY,), things="filter"
    ),
    _event("Product Clicked", "clicked a product", has=(PRODUCT, CATEGORY), things="product"),
    _event(
        "Product Viewed",
        "viewed",
        "looked at",
        has=(PRODUCT, CATEGORY, PRICE),
        things="product",
        was=("Viewed Product",),
        is_key_event=True,
    ),
    _event("Product Shared", "shared a product", "shared", has=(PRODUCT, CATEGORY), things="product"),
    _event("Product Reviewed", "reviewed a product", "reviewed", has=(PRODUCT,), things="review"),
    _event(
        "Product Added to Wishlist",
        "added to wishlist",
        "added to the wishlist",
        "saved for later",
        has=(PRODUCT, CATEGORY, PRICE),
        things="product",
    ),
    _event(
        "Product Removed from Wishlist", "removed from wishlist", has=(PRODUCT, CATEGORY), things="product"
    ),
    _event(
        "Promotion Viewed",
        "saw a promotion",
        has_not="seen a promotion",
        things="promotion",
        event_class=TELEMETRY,
    ),
    _event("Promotion Clicked", "clicked a promotion", things="promotion"),
    _event(
        "Product Added",
        "added to cart",
        "added to the cart",
        "added to basket",
        "put in the cart",
        has=(PRODUCT, CATEGORY, PRICE, QUANTITY),
        things="product",
        was=("Added Product",),
        is_key_event=True,
    ),
    _event(
        "Product Removed",
        "removed from cart",
        "removed from the cart",
        "took out of the cart",
        has=(PRODUCT, CATEGORY, PRICE, QUANTITY),
        things="product",
        was=("Removed Product",),
    ),
    _event(
        "Cart Viewed", "opened the cart", "looked into the cart", has=(PRODUCTS, TOTAL), things="cart view"
    ),
    _event(
        "Checkout Started",
        "started checkout",
        "began checkout",
        "started the checkout",
        has=(PRODUCTS, CATEGORIES, TOTAL),
        has_not="started checkout",
        things="checkout",
        is_key_event=True,
    ),
    _event(
        "Checkout Step Viewed", "saw a checkout step", has_not="seen a checkout step", things="checkout step"
    ),
    _event("Checkout Step Completed", "completed a checkout step", things="checkout step"),
    _event("Payment Info Entered", "entered payment details", "entered payment information", has=(ORDER,)),
    _event("Coupon Entered", "entered a coupon", has=(COUPON,), things="coupon"),
    _event("Coupon Applied", "used a coupon", "applied a coupon", has=(COUPON,), things="coupon"),
    _event("Coupon Denied", "had a coupon denied", has=(COUPON,), things="coupon"),
    _event("Coupon Removed", "removed a coupon", has=(COUPON,), things="coupon"),
)

ORDERS = (
    _event(
        "Order Completed",
        "bought",
        "purchased",
        "ordered",
        "completed an order",
        "made a purchase",
        has=(
            PropertyPlan(name="order_id", path="order_id"),
            PRODUCTS,
            CATEGORIES,
            REVENUE,
            COUPON,
            QUANTITIES,
            DISCOUNT,
            MARGIN,
        ),
        things="order",
        event_class=KEY_EVENT,
        business_key="order_id",
        was=("Completed Order", "Purchase", "Checkout Completed"),
        is_key_event=True,
    ),
    _event("Order Updated", "changed an order", has=(ORDER,), things="order"),
    _event(
        "Order Cancelled",
        "cancelled an order",
        "canceled an order",
        has=(ORDER, PRODUCTS, REVENUE),
        things="cancellation",
        event_class=KEY_EVENT,
        business_key="order_id",
        was=("Order Canceled",),
    ),
    _event(
        "Order Refunded",
        "got a refund",
        "was refunded",
        has=(ORDER, PropertyPlan(name="refund_id"), PRODUCTS, REVENUE),
        things="refund",
        event_class=KEY_EVENT,
        business_key="refund_id",
        is_key_event=True,
    ),
    _event(
        "Refund Requested",
        "asked for a refund",
        "requested a refund",
        "wanted a refund",
        has=(ORDER,),
        things="refund request",
        event_class=KEY_EVENT,
    ),
    _event(
        "Return Requested",
        "asked for a return",
        "requested a return",
        "wanted to return something",
        has=(ORDER, PRODUCTS),
        things="return request",
        event_class=KEY_EVENT,
    ),
)

PEOPLE = (
    _event(
        "Signed Up",
        "signed up",
        "registered",
        "created an account",
        things="sign-up",
        event_class=KEY_EVENT,
        was=("Account Created", "Registered"),
        is_key_event=True,
    ),
    _event("Signed In", "signed in", "logged in", things="sign-in", was=("Logged In",)),
    _event("Signed Out", "signed out", "logged out", things="sign-out", was=("Logged Out",)),
    _event(
        "Subscribed",
        "subscribed",
        "subscribed to the newsletter",
        "joined the newsletter",
        has=(PropertyPlan(name="list", path="list|list_id"),),
        things="subscription",
        event_class=KEY_EVENT,
        was=("Newsletter Subscribed", "Newsletter Signed Up"),
    ),
    _event(
        "Unsubscribed",
        "unsubscribed",
        "left the newsletter",
        has=(PropertyPlan(name="list", path="list|list_id"),),
        things="unsubscription",
        event_class=KEY_EVENT,
        was=("Newsletter Unsubscribed",),
    ),
    _event(
        "Consent Updated",
        "changed consent",
        "updated consent",
        has=(
            PropertyPlan(name="measure", type="yes/no", path="measure|purposes.measure"),
            PropertyPlan(name="personalize", type="yes/no", path="personalize|purposes.personalize"),
            PropertyPlan(name="message", type="yes/no", path="message|purposes.message"),
            PropertyPlan(name="ads", type="yes/no", path="ads|purposes.ads"),
        ),
        things="consent change",
        event_class=KEY_EVENT,
    ),
    _event("Form Started", "started a form", "began a form", has=(FORM,), things="form"),
    _event(
        "Form Submitted",
        "submitted a form",
        "sent a form",
        has=(FORM,),
        things="form",
    ),
    _event(
        "Lead Generated",
        "became a lead",
        "left their details",
        "asked for an offer",
        has=(FORM, TOTAL, PropertyPlan(name="lead_source", path="lead_source")),
        things="lead",
        event_class=KEY_EVENT,
    ),
    _event(
        "Lead Qualified",
        "became qualified",
        "was qualified",
        has=(FORM, TOTAL),
        things="qualified lead",
        event_class=KEY_EVENT,
    ),
    _event(
        "Support Ticket Opened",
        "opened a ticket",
        "opened a support ticket",
        "contacted support",
        has=(TICKET,),
        things="ticket",
        event_class=KEY_EVENT,
        was=("Ticket Opened", "Support Ticket Created"),
        is_key_event=True,
    ),
    _event(
        "Support Ticket Closed",
        "had a ticket closed",
        "had a support ticket closed",
        has=(TICKET,),
        things="closed ticket",
        event_class=KEY_EVENT,
        was=("Ticket Closed", "Support Ticket Solved"),
    ),
)

MAIL = (
    _event("Email Sent", has=(EMAIL,), things="e-mail", event_class=TELEMETRY),
    _event("Email Delivered", has=(EMAIL,), things="e-mail", event_class=TELEMETRY),
    _event(
        "Email Opened",
        "opened an e-mail",
        "opened an email",
        has=(EMAIL,),
        things="e-mail",
        event_class=TELEMETRY,
    ),
    _event(
        "Email Link Clicked",
        "clicked an e-mail",
        "clicked an email",
        "clicked a link in an e-mail",
        has=(EMAIL, PropertyPlan(name="link", path="link_id|link_url")),
        things="e-mail click",
        was=("Email Clicked",),
    ),
    _event("Email Bounced", has=(EMAIL,), things="bounce", event_class=KEY_EVENT),
    _event(
        "Email Marked as Spam",
        "marked an e-mail as spam",
        "complained about an e-mail",
        has=(EMAIL,),
        things="complaint",
        event_class=KEY_EVENT,
    ),
)

SITE = (
    _event(
        "Page Viewed",
        "opened a page",
        "visited a page",
        has=(
            PropertyPlan(name="page_type", path="page_type"),
            CATEGORY,
            PropertyPlan(name="title", path="title|name"),
            PropertyPlan(name="query", path="query|search_terms"),
        ),
        things="page",
        was=("Viewed Page", "Loaded a Page"),
    ),
    _event(
        "Screen Viewed",
        "opened a screen",
        has=(CATEGORY, PropertyPlan(name="title", path="title|name")),
        things="screen",
    ),
    _event("Slot Applied", has=(SLOT, RULE, VARIANT), things="decision on a page", event_class=TELEMETRY),
    _event("Slot Viewed", has=(SLOT, RULE, VARIANT), things="place", event_class=TELEMETRY),
    _event("Slot Clicked", "clicked a place", has=(SLOT, RULE, VARIANT), things="click on a place"),
    _event(
        "Slot Dismissed", "dismissed a place", "closed a place", has=(SLOT, RULE, VARIANT), things="dismissal"
    ),
    _event(
        "Experiment Viewed",
        event_class=TELEMETRY,
        has=(
            PropertyPlan(name="experiment", path="experiment_name|experiment_id"),
            PropertyPlan(name="variant", path="variation_name|variation_id"),
        ),
    ),
    _event(
        "Scrolled",
        event_class=TELEMETRY,
        has=(PropertyPlan(name="depth", type="number", path="depth|percent"),),
    ),
    _event("Exit Intent", event_class=TELEMETRY),
    _event(
        "Page Left",
        event_class=TELEMETRY,
        has=(PropertyPlan(name="seconds", type="number", path="seconds|time_on_page_seconds"),),
    ),
    _event(
        "Page Trouble",
        event_class=TELEMETRY,
        has=(
            SLOT,
            PropertyPlan(name="what"),
            PropertyPlan(name="where"),
            PropertyPlan(name="selector"),
            PropertyPlan(name="detail"),
        ),
        things="trouble on a page",
    ),
    _event("Web Vitals", event_class=TELEMETRY, has=(PropertyPlan(name="lcp", type="number"),)),
    _event("Identified", event_class=TELEMETRY),
    _event("Group Joined", event_class=TELEMETRY),
    _event("Aliased", event_class=TELEMETRY),
)

STANDARD_EVENTS: tuple[EventPlan, ...] = (*SHOPPING, *ORDERS, *PEOPLE, *MAIL, *SITE)

STANDARD_PLAN = Plan(events={event.name: event for event in STANDARD_EVENTS})

"""A morning at the office: what its people do on the primary while the replica lags behind.

``acts(town, now, listing)`` gives the morning in three acts. Each act is a list of deeds; a deed is what the office
says it did and the T-SQL statements, with parameters, that its application runs in one transaction.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from town import Town

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Deed:
    """One transaction of the application: its words, and its statements with their parameters."""

    words: str
    statements: tuple[Statement, ...]


BOOK = (
    "INSERT INTO dbo.showing (showing_id, listing_id, person_id, agent_id, starts_at, minutes, note) "
    "VALUES (?, ?, ?, ?, ?, ?, ?);"
)
MOVE = "UPDATE dbo.showing SET starts_at = ?, modified_at = SYSUTCDATETIME() WHERE showing_id = ?;"
CANCEL = "DELETE FROM dbo.showing WHERE showing_id = ?;"
LIST = (
    "INSERT INTO dbo.listing (listing_id, agent_id, seller_id, street, neighborhood, city, postal_code, price, "
    "bedrooms, bathrooms, area_sqft, year_built, headline, description, status) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);"
)
WITHDRAW = (
    "UPDATE dbo.listing SET is_deleted = 1, status = 'withdrawn', modified_at = SYSUTCDATETIME() WHERE listing_id = ?;"
)
EDIT = (
    "UPDATE dbo.listing SET description = CONCAT(description, ?), modified_at = SYSUTCDATETIME() WHERE listing_id = ?;"
)
REPRICE = (
    "INSERT INTO dbo.price_change (price_change_id, listing_id, old_price, new_price, difference) "
    "VALUES (?, ?, ?, ?, ?); "
    "UPDATE dbo.listing SET price = ?, modified_at = SYSUTCDATETIME() WHERE listing_id = ?;"
)
SELL = (
    "INSERT INTO dbo.sale (sale_id, listing_id, buyer_id, agent_id, price, commission, posted_on) "
    "VALUES (?, ?, ?, ?, ?, ?, ?); "
    "UPDATE dbo.listing SET status = 'sold', modified_at = SYSUTCDATETIME() WHERE listing_id = ?;"
)
ATTIC = "Could we see the attic? שלום 👋"
REFRESH = "EXECUTE dbo.refresh_agent_totals;"


def acts(town: Town, now: dt.datetime, listing: Any) -> tuple[tuple[Deed, ...], ...]:
    """The morning's three acts for `town`; `now` is naive UTC, `listing` is town.listing (makes one home)."""
    rng = random.Random(town.rows["listing"][0]["street"])
    visited: dict[int, int] = {}
    for showing in town.rows["showing"]:
        visited[showing["listing_id"]] = visited.get(showing["listing_id"], 0) + 1
    active = [
        row for row in town.rows["listing"] if row["status"] == "active" and visited.get(row["listing_id"], 0) >= 2
    ]
    homes = rng.sample(active, 12)
    with_mail = [p["person_id"] for p in town.rows["person"] if p["email"] and p["phone"]]
    without_mail = next(p["person_id"] for p in town.rows["person"] if not p["email"])
    quarters = sorted({row["neighborhood"] for row in town.rows["listing"]})
    next_showing = len(town.rows["showing"]) + 1
    next_listing = len(town.rows["listing"]) + 1
    next_price = len(town.rows["price_change"]) + 1
    next_sale = len(town.rows["sale"]) + 1

    def at(days: int, hour: int, minute: int = 0) -> dt.datetime:
        return (now + dt.timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)

    def book(number: int, home: dict[str, Any], person: int, when: dt.datetime, note: str | None = None) -> Statement:
        return BOOK, (next_showing + number, home["listing_id"], person, home["agent_id"], when, 30, note)

    def put_up(number: int, status: str) -> Statement:
        row = listing(
            town, next_listing + number, rng, quarters, f"{rng.randrange(2, 900)} Sycamore Lane", "05446", now
        )
        row["price"] = Decimal(rng.randrange(42, 68) * 10_000)
        row["bedrooms"] = rng.randrange(3, 5)
        keys = (
            "listing_id agent_id seller_id street neighborhood city postal_code price bedrooms bathrooms area_sqft "
            "year_built headline description"
        ).split()
        return LIST, (*(row[key] for key in keys), status)

    def reprice(number: int, home: dict[str, Any], difference: int) -> Statement:
        new = home["price"] + Decimal(difference)
        key = home["listing_id"]
        return REPRICE, (next_price + number, key, home["price"], new, Decimal(difference), new, key)

    def sell(number: int, home: dict[str, Any], buyer: int) -> Statement:
        price = (home["price"] * Decimal("0.985")).quantize(Decimal("0.01"))
        commission = (price * Decimal("0.0275")).quantize(Decimal("0.01"))
        key = home["listing_id"]
        return SELL, (next_sale + number, key, buyer, home["agent_id"], price, commission, now.date(), key)

    people = rng.sample(with_mail, 16)
    first = (
        Deed("three homes come on the market, a fourth is still a draft",
             (put_up(0, "active"), put_up(1, "active"), put_up(2, "active"), put_up(3, "draft"))),
        Deed("six visits are booked", tuple(book(i, homes[i], people[i], at(2 + i % 3, 10 + i)) for i in range(6))),
        Deed("two prices go down, one goes up",
             (reprice(0, homes[6], -15_000), reprice(1, homes[7], -9_500), reprice(2, homes[8], 12_000))),
        Deed("a sale is posted; the agent's totals are not refreshed yet", (sell(0, homes[9], people[6]),)),
    )  # fmt: skip
    second = (
        Deed("a visit is moved, then moved again", ((MOVE, (at(3, 11), next_showing)),)),
        Deed("(the second move)", ((MOVE, (at(3, 15, 30), next_showing)),)),
        Deed("a visit is booked for somebody without an address", (book(6, homes[10], without_mail, at(4, 9)),)),
        Deed("a visit is booked and cancelled before anybody looked",
             (book(7, homes[10], people[7], at(4, 10)), (CANCEL, (next_showing + 7,)))),
        Deed("three visits are cancelled", tuple((CANCEL, (key,)) for key in (next_showing + 1, 3, 17))),
        Deed("a home is taken off the market", ((WITHDRAW, (homes[11]["listing_id"],)),)),
        Deed("a description is polished", ((EDIT, (" Open house on Sunday.", homes[0]["listing_id"])),)),
    )  # fmt: skip
    third = (
        Deed("the agent totals are refreshed", ((REFRESH, ()),)),
        Deed("two more visits are booked, one with a note",
             (book(8, homes[1], people[8], at(5, 14)), book(9, homes[2], people[9], at(5, 16), ATTIC))),
    )  # fmt: skip
    return first, second, third

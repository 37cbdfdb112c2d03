"""A believable town for the brokerage: a few thousand rows from one seed.

``build(seed, now)`` gives the application's tables as lists of rows in the order of ``TABLES``; the same seed and
hour give the same town. All stamps lie before `now` (UTC); showings take place in the coming days, in the town's local
time. Addresses end in example.com, telephone numbers in 555-01xx: nothing here can reach anybody.
"""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

TABLES = (
    "office",
    "agent",
    "agent_total",
    "person",
    "saved_search",
    "listing",
    "price_change",
    "showing",
    "sale",
)
"""In an order that foreign keys allow."""

FIRST = (
    "Amelia Benjamin Camila Daniel Elena Felix Grace Hannah Isaac Jasmine Kenji Layla Mateo Nora Oliver Priya "
    "Quinn Rosa Samuel Tara Umar Valentina Wesley Ximena Yusuf Zoë Aoife Björn Chloé Dmitri Esther François "
    "Giulia Hiro Ines João Katya Liam Małgorzata Noah Olga Paulo Renée Søren Thandiwe Ulrich Vera Wanjiru Yara "
    "Zanele Ana Bruno Clara Diego Emma Farah George Helen Ivan Julia"
).split()
LAST = (
    "Abbott Bauer Carter Delgado Ellison Fischer Garcia Hoffman Ito Jensen Kowalski Larsen Martinez Nguyen Okafor "
    "Petrov Quintana Rossi Silva Thompson Uchida Vasquez Whitfield Xu Yamamoto Zhang Adeyemi Brennan Chowdhury "
    "Dubois Eriksson Ferreira Grant Hernández Ibrahim Johnson Khan Lindqvist Murphy Novak O'Brien Park Rahman "
    "Sánchez Tanaka Usman Visser Walsh Yılmaz Zimmerman Baptiste Costa Dvořák Fitzgerald Goldberg Hughes Moreau "
    "Nakamura Oyelaran Sørensen"
).split()
TOWN_HEAD = (
    "Cedar Maple Fair Ash River Stone Elm Oak Glen Clear Bright Wood Silver North Lake Spring Willow Rose Mill Haven"
).split()
TOWN_TAIL = ("brook field haven ford ridge dale port view ton wick").split()
STREET = (
    "Alder Birch Canyon Dogwood Evergreen Foothill Garden Harbor Ivy Juniper Kestrel Laurel Meadow Nightingale "
    "Orchard Prairie Quail Redwood Sycamore Thistle Upland Vine Walnut Yarrow"
).split()
STREET_KIND = ("Street", "Avenue", "Lane", "Court", "Drive", "Place", "Terrace", "Way")
QUARTER = (
    "Old Town",
    "Riverside",
    "Hillcrest",
    "Garden District",
    "University Park",
    "Harborview",
    "Mill Quarter",
    "Westgate",
)
AREA = (("CO", "303", "802"), ("OR", "503", "972"), ("VT", "802", "054"), ("NC", "919", "276"))
TITLE = ("Associate Broker", "Listing Specialist", "Buyer’s Agent", "Senior Broker", "Relocation Specialist")

STYLE = (
    "Craftsman bungalow",
    "mid-century ranch",
    "brick colonial",
    "Victorian",
    "modern farmhouse",
    "townhouse",
    "Tudor cottage",
    "loft",
)
CHARM = (
    "a deep front porch",
    "a sunlit kitchen",
    "original oak floors",
    "a garden that has been loved",
    "a wall of bookshelves",
    "mountain views from the study",
    "a wood stove",
    "a workshop behind the garage",
    "skylights over the stairs",
    "a corner lot",
)
NEAR = (
    "the farmers’ market",
    "the river path",
    "the old library",
    "the light-rail stop",
    "Lincoln Elementary",
    "the bakery on the square",
)
CLOSE = (
    "The roof and furnace are new; the rest is charm.",
    "Quiet mornings, and neighbors who wave.",
    "Bring your books: there is a place for them.",
    "One owner since it was built, and it shows.",
    "Ready to move into, and worth coming home to.",
)
NOTE = (
    None,
    None,
    None,
    "Please use the side gate.",
    "First visit, with both parents.",
    "Would like to see the basement.",
    "Coming by bike.",
)


@dataclass(slots=True)
class Town:
    """The generated tables, and the words that mails need: `name`, `state`, `rows[table]` (lists of column → value)."""

    name: str
    state: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)


def ascii_only(text: str) -> str:
    """`text` without accents and apostrophes, in lower case, for an address: 'Małgorzata' gives 'malgorzata'."""
    plain = unicodedata.normalize("NFKD", text.translate(str.maketrans("łŁøØıß", "lLoOis")))
    return "".join(c for c in plain if c.isascii() and c.isalnum()).lower()


def build(seed: int, now: dt.datetime) -> Town:
    """The town of `seed` as it stands at `now` (naive UTC). About 4,100 rows."""
    rng = random.Random(seed)
    state, area, postal = rng.choice(AREA)
    town = Town(rng.choice(TOWN_HEAD) + rng.choice(TOWN_TAIL), state, rng=rng)
    now = now.replace(microsecond=0)

    def phone() -> str:
        # 555-01xx is set aside for fiction; the area code makes it a number of the state
        return f"({area}) 555-01{rng.randrange(100):02d}"

    def postal_code() -> str:
        return f"{postal}{rng.randrange(1, 90):02d}"

    def ago(days_from: float, days_to: float) -> dt.datetime:
        return now - dt.timedelta(seconds=int(rng.uniform(days_from, days_to) * 86400))

    def street() -> str:
        return f"{rng.randrange(2, 1900)} {rng.choice(STREET)} {rng.choice(STREET_KIND)}"

    quarters = rng.sample(QUARTER, 6)
    offices = [
        dict(
            office_id=i,
            name=f"{town.name} {q}",
            street=street(),
            city=town.name,
            postal_code=postal_code(),
            phone=phone(),
        )
        for i, q in enumerate(quarters[:4], 1)
    ]
    agents: list[Row] = []
    for i in range(1, 49):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        agents.append(
            dict(
                agent_id=i,
                office_id=rng.choice(offices)["office_id"],
                first_name=first,
                last_name=last,
                email=f"{ascii_only(first)}.{ascii_only(last)}.{i}@brokerage.example.com",
                phone=phone(),
                title=rng.choice(TITLE),
                hired_on=ago(200, 5000).date(),
                is_active=1,
            )
        )
    people: list[Row] = []
    for i in range(1, 1201):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        people.append(
            dict(
                person_id=i,
                first_name=first,
                last_name=last,
                email=None if rng.random() < 0.02 else f"{ascii_only(first)}.{ascii_only(last)}{i}@example.com",
                phone=None if rng.random() < 0.10 else phone(),
                created_at=ago(40, 900),
            )
        )
    searches = [
        dict(
            saved_search_id=i,
            person_id=rng.randrange(1, 1201),
            neighborhood=rng.choice([None, *quarters]),
            price_limit=Decimal(rng.randrange(30, 120) * 10_000),
            bedrooms_at_least=rng.randrange(1, 5),
        )
        for i in range(1, 261)
    ]
    listings = [listing(town, i, rng, quarters, street(), postal_code(), ago(3, 380)) for i in range(1, 721)]
    for row in listings:
        row["status"] = rng.choices(("active", "under contract", "sold", "withdrawn"), (55, 12, 28, 5))[0]
        row["modified_at"] = min(
            row["created_at"] + dt.timedelta(hours=rng.randrange(1, 1400)), now - dt.timedelta(days=2)
        )
    active = [row for row in listings if row["status"] == "active"]
    sold = [row for row in listings if row["status"] == "sold"]
    prices: list[Row] = []
    for i, row in enumerate(rng.sample(active, min(len(active), 160)), 1):
        old = row["price"] + Decimal(rng.randrange(5, 40) * 1000)
        prices.append(
            dict(
                price_change_id=i,
                listing_id=row["listing_id"],
                old_price=old,
                new_price=row["price"],
                difference=row["price"] - old,
                created_at=row["modified_at"],
            )
        )
    showings: list[Row] = []
    for i in range(1, 1501):
        home = rng.choice(active)
        made = ago(2, 30)
        when = (now + dt.timedelta(days=rng.randrange(1, 12))).replace(
            hour=rng.randrange(9, 18), minute=rng.choice((0, 15, 30, 45)), second=0
        )
        showings.append(
            dict(
                showing_id=i,
                listing_id=home["listing_id"],
                person_id=rng.randrange(1, 1201),
                agent_id=home["agent_id"],
                starts_at=when,
                minutes=rng.choice((30, 30, 45, 60)),
                note=rng.choice(NOTE),
                created_at=made,
                modified_at=made,
            )
        )
    sales = [sale(i, row, rng, ago(3, 320)) for i, row in enumerate(sold, 1)]
    town.rows = dict(
        office=offices,
        agent=agents,
        agent_total=[totals(a["agent_id"], sales, now) for a in agents],
        person=people,
        saved_search=searches,
        listing=listings,
        price_change=prices,
        showing=showings,
        sale=sales,
    )
    return town


def listing(
    town: Town,
    number: int,
    rng: random.Random,
    quarters: list[str],
    street: str,
    postal_code: str,
    created: dt.datetime,
) -> Row:
    """One home for sale, as the application stores it."""
    bedrooms = rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5))
    area = bedrooms * rng.randrange(380, 620) + rng.randrange(200, 700)
    style, charm, other = rng.choice(STYLE), *rng.sample(CHARM, 2)
    quarter = rng.choice(quarters)
    return dict(
        listing_id=number,
        agent_id=rng.randrange(1, 49),
        seller_id=rng.randrange(1, 1201),
        street=street,
        neighborhood=quarter,
        city=town.name,
        postal_code=postal_code,
        price=Decimal(area * rng.randrange(190, 390) // 1000 * 1000),
        bedrooms=bedrooms,
        bathrooms=Decimal(rng.choice((1, 1.5, 2, 2, 2.5, 3))),
        area_sqft=area,
        year_built=rng.randrange(1904, 2024),
        headline=f"{style[0].upper()}{style[1:]} with {charm}",
        description=f"A {style} in {quarter} with {charm} and {other}, a short walk from {rng.choice(NEAR)}. "
        f"{rng.choice(CLOSE)}",
        status="active",
        is_deleted=0,
        created_at=created,
        modified_at=created,
    )


def sale(number: int, home: Row, rng: random.Random, posted: dt.datetime) -> Row:
    """The sale of `home`: within 4 % of its price, 2.5 to 3 % commission, to the cent."""
    price = (home["price"] * Decimal(rng.randrange(960, 1041)) / 1000).quantize(Decimal("0.01"))
    commission = (price * Decimal(rng.randrange(250, 301)) / 10_000).quantize(Decimal("0.01"))
    return dict(
        sale_id=number,
        listing_id=home["listing_id"],
        buyer_id=rng.randrange(1, 1201),
        agent_id=home["agent_id"],
        price=price,
        commission=commission,
        posted_on=posted.date(),
        created_at=posted,
        modified_at=posted,
    )


def totals(agent_id: int, sales: list[Row], now: dt.datetime) -> Row:
    """An agent's totals of the year of `now`, as dbo.refresh_agent_totals computes them."""
    own = [s for s in sales if s["agent_id"] == agent_id and s["posted_on"].year == now.year]
    return dict(
        agent_id=agent_id,
        closed_count=len(own),
        closed_volume=sum((s["price"] for s in own), Decimal(0)),
        commission=sum((s["commission"] for s in own), Decimal(0)),
        covers_through=now - dt.timedelta(hours=20),
    )

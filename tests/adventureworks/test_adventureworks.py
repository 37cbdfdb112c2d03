"""Real data that nobody here made up: Microsoft's AdventureWorks purchasing tables.

What should have been mailed is computed from the CSV files alone, by code that knows nothing of the product, and is
compared with what the SMTP server received: record, recipient, channel and version, as a multiset, amounts exact to
the cent.
"""

from __future__ import annotations

import csv
import datetime as dt
import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import phonenumbers
import pytest
from tests.hosts import Host

from notify.stage import Stage

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "adventureworks"
pytestmark = [
    pytest.mark.data,
    pytest.mark.only_in("tsqlite", "pyodbc", because="its 45,000 rows are loaded into a file"),
    pytest.mark.skipif(not DATA.is_dir(), reason="the AdventureWorks tables are not beside the checkout"),
]

Row = dict[str, str]
FILES = {
    "Vendor": "vendor",
    "Product": "product",
    "Employee": "employee",
    "EmailAddress": "email_address",
    "PersonPhone": "person_phone",
    "SalesPerson": "sales_person",
    "PurchaseOrderHeader": "purchase_order_header",
    "PurchaseOrderDetail": "purchase_order_detail",
}
STATUS = {1: "pending", 2: "approved", 3: "rejected", 4: "complete"}


def read(name: str) -> list[Row]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cents(amount: Decimal) -> str:
    return f"${amount.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    return {table: read(file) for table, file in FILES.items()}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, list[Row]]) -> Path:
    """Source with all of the data, and a replica; loaded once for all modes."""
    folder = tmp_path_factory.mktemp("adventureworks")
    with Stage(folder, templates=[HERE / "templates"]) as stage:
        stage.build(schema=[HERE / "schema.sql"], procedures=sorted((HERE / "procedures").glob("*.sql")))
        for table, rows in tables.items():
            stage.load(f"Purchasing.{table}", [{k: v or None for k, v in row.items()} for row in rows])
        people = [{"BusinessEntityID": p["BusinessEntityID"], "Total": p["SalesYTD"]} for p in tables["SalesPerson"]]
        stage.load("Purchasing.SalesTotal", [{**p, "CoversThrough": "2026-08-01T00:00:00"} for p in people])
        stage.beat()
        stage.redo()
    return folder


@pytest.fixture(scope="module")
def stage(mode: Host, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The definitions active. Only the last test changes anything."""
    folder = tmp_path_factory.mktemp("adventureworks") / "stage"
    with mode.stage(folder, original=image, templates=[HERE / "templates"]) as stage:
        stage.write_configuration()
        stage.apply(HERE / "notifications.toml")
        yield stage


def test_dates_are_the_files(tables: dict[str, list[Row]]):
    """The oracle's own footing: totals in the files add up, so an amount that is a cent off is the product's."""
    for row in tables["PurchaseOrderHeader"]:
        parts = sum(Decimal(row[name]) for name in ("SubTotal", "TaxAmt", "Freight"))
        assert parts == Decimal(row["TotalDue"])
        dt.datetime.fromisoformat(row["ModifiedDate"])


def test_all_of_the_data_is_there(stage: Stage):
    counts = {t: stage.ask(f"SELECT COUNT(*) FROM Purchasing.{t};")[0][0] for t in FILES}
    assert counts["PurchaseOrderHeader"] == 4012
    assert counts["PurchaseOrderDetail"] == 8845
    assert counts["EmailAddress"] == 19972


def test_history_is_not_mailed(stage: Stage):
    stage.beat()
    stage.redo()
    assert stage.cycle().exit_code == 0
    stage.send()
    assert stage.mails == []


def test_what_was_mailed_is_what_the_files_say(stage: Stage, tables: dict[str, list[Row]]):
    headers = {int(r["PurchaseOrderID"]): r for r in tables["PurchaseOrderHeader"]}
    pending = sorted(key for key, r in headers.items() if r["Status"] == "1")
    rejected = sorted(key for key, r in headers.items() if r["Status"] == "3")
    sellers = [p["BusinessEntityID"] for p in tables["SalesPerson"]]

    # the buyers' morning: pending orders are approved, some complete later on, rejected ones are removed
    now = "GETUTCDATE()"
    change = (
        "UPDATE Purchasing.PurchaseOrderHeader SET Status = ?, RevisionNumber = RevisionNumber + 1, "
        f"ModifiedDate = {now}"
    )
    stage.do(*[(change + " WHERE PurchaseOrderID = ?;", (2, key)) for key in pending])
    stage.beat()
    stage.redo()
    assert stage.cycle().exit_code == 0
    complete = pending[::5]
    stage.do(*[(change + " WHERE PurchaseOrderID = ?;", (4, key)) for key in complete])
    stage.do(
        *[("DELETE FROM Purchasing.PurchaseOrderHeader WHERE PurchaseOrderID = ?;", (key,)) for key in rejected[:30]]
    )
    bonus = (
        f"UPDATE Purchasing.SalesPerson SET Bonus = Bonus + 100.05, ModifiedDate = {now} WHERE BusinessEntityID = ?;"
    )
    stage.do(*[(bonus, (int(key),)) for key in sellers])
    stage.beat()
    stage.redo()
    stage.advance(minutes=2)  # the next key snapshot is due
    assert stage.cycle().exit_code == 0
    waiting = stage.processor("SELECT COUNT(*) FROM notify.change WHERE state = 'waiting';")[0][0]
    assert waiting >= len(sellers), "the totals are older than the bonuses: their messages wait"

    # the totals arrive, and the replica comes to show them
    stage.do(
        ("UPDATE Purchasing.SalesTotal SET Total = Total + 1.01, CoversThrough = DATEADD(minute, 1, GETUTCDATE());", ())
    )
    for _ in range(2):
        stage.beat()
        stage.redo()
        stage.advance(minutes=2)
        assert stage.cycle().exit_code == 0
    stage.send()

    assert Counter(received(stage)) == expected(tables, headers, pending, complete, rejected[:30])
    assert texts(stage) == expected_texts(tables, headers, pending, complete)
    report = stage.audit()
    waiting_texts = sum(count for (state, _), count in texts(stage).items() if state == "queued")
    assert (report["missing"], report["doubled"], report["pending"]) == (0, 0, waiting_texts)
    assert report["sent"] == len(stage.mails)
    assert report["expected"] == report["sent"] + report["in_doubt"] + report["pending"] + report["explained"]


# ---------------------------------------------------------------- what the files say


def first_address(tables: dict[str, list[Row]]) -> dict[str, list[str]]:
    addresses: dict[str, list[str]] = defaultdict(list)
    for row in tables["EmailAddress"]:
        addresses[row["BusinessEntityID"]].append(row["EmailAddress"])
    return addresses


def expected(tables, headers, pending, complete, removed) -> Counter:
    """Mails as (subject, recipient, lines, total line): a multiset."""
    addresses = first_address(tables)
    vendors = {r["BusinessEntityID"]: r["Name"] for r in tables["Vendor"]}
    products = {r["ProductID"]: r["Name"] for r in tables["Product"]}
    lines: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    for row in sorted(tables["PurchaseOrderDetail"], key=lambda r: int(r["PurchaseOrderDetailID"])):
        lines[int(row["PurchaseOrderID"])].append(
            (
                row["OrderQty"],
                products[row["ProductID"]],
                cents(Decimal(row["UnitPrice"])),
                cents(Decimal(row["LineTotal"])),
            )
        )
    mails: Counter = Counter()
    for key, status in [(k, 2) for k in pending] + [(k, 4) for k in complete]:
        row = headers[key]
        sums = [cents(Decimal(row[name])) for name in ("SubTotal", "TaxAmt", "Freight", "TotalDue")]
        for address in addresses[row["EmployeeID"]]:
            if status == 2 and key in complete:
                continue  # approved and complete before the sender ran: the newer version canceled the older mail
            mails[f"Order {key} is {STATUS[status]}", address, tuple(lines[key]), tuple(sums)] += 1
    for key in removed:
        row = headers[key]
        total = cents(Decimal(row["TotalDue"]))
        words = f"Order {key} at {vendors[row['VendorID']]} over {total} is cancelled."
        for address in addresses[row["EmployeeID"]]:
            mails[f"Order {key} is cancelled", address, (), (words,)] += 1
    for person in tables["SalesPerson"]:
        bonus = cents(Decimal(person["Bonus"]) + Decimal("100.05"))
        total = cents(Decimal(person["SalesYTD"]) + Decimal("1.01"))
        for address in addresses[person["BusinessEntityID"]]:
            mails[f"Your bonus: {bonus}", address, (), (bonus, total)] += 1
    return mails


def expected_texts(tables, headers, pending, complete) -> Counter:
    """SMS in the queue as (state, text): those with a number that can be one wait, the others failed."""
    vendors = {r["BusinessEntityID"]: r["Name"] for r in tables["Vendor"]}
    numbers: dict[str, list[str]] = defaultdict(list)
    for row in tables["PersonPhone"]:
        numbers[row["BusinessEntityID"]].append(row["PhoneNumber"])
    found: Counter = Counter()
    for key, status in [(k, 2) for k in pending] + [(k, 4) for k in complete]:
        row = headers[key]
        text = f"Order {key} ({vendors[row['VendorID']]}) is {STATUS[status]}: {cents(Decimal(row['TotalDue']))}"
        for number in numbers[row["EmployeeID"]]:
            known = phonenumbers.is_possible_number(phonenumbers.parse(number, "US"))
            replaced = status == 2 and key in complete
            found["failed" if not known else "canceled" if replaced else "queued", text] += 1
    return found


# ---------------------------------------------------------------- what was received


def received(stage: Stage):
    tag = re.compile(r"<[^>]+>")
    for mail in stage.mails:
        body = mail.part("html")
        lines = [
            tuple(text(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line, re.S))
            for line in re.findall(r"<tr[^>]*class=\"line\"[^>]*>(.*?)</tr>", body, re.S)
        ]
        paragraphs = {
            m[0]: text(tag.sub("", m[1])) for m in re.findall(r"<p[^>]*id=\"(\w+)\"[^>]*>(.*?)</p>", body, re.S)
        }
        if "bonus" in paragraphs:
            totals = (paragraphs["bonus"], paragraphs["total"])
        elif "total" in paragraphs:
            totals = tuple(re.split(r" \+ | = ", paragraphs["total"]))
        else:
            totals = (paragraphs["order"],)
        (recipient,) = mail.recipients
        yield mail.message["Subject"], recipient, tuple(lines), totals


def text(markup: str) -> str:
    return html.unescape(markup).strip()


def texts(stage: Stage) -> Counter:
    rows = stage.queue(
        "SELECT m.state, CAST(DECOMPRESS(b.text) AS nvarchar(max)) FROM notify.message AS m "
        "INNER JOIN notify.message_body AS b ON b.created_date = m.created_date AND b.message_id = m.message_id "
        "WHERE m.channel = 'sms';"
    )
    return Counter((state, words) for state, words in rows)

/*
Purchasing, as in Microsoft's AdventureWorks sample (MIT): the columns that its CSV export holds, with the sample's types and names.
sales_total is an aggregate of the test's own, as a nightly job would keep it.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

CREATE SCHEMA Purchasing;
GO

CREATE TABLE Purchasing.Vendor (
    BusinessEntityID INT NOT NULL CONSTRAINT PK_Vendor PRIMARY KEY,
    AccountNumber NVARCHAR(15) NOT NULL,
    Name NVARCHAR(50) NOT NULL,
    CreditRating TINYINT NOT NULL,
    PreferredVendorStatus BIT NOT NULL,
    ActiveFlag BIT NOT NULL,
    PurchasingWebServiceURL NVARCHAR(1024) NULL,
    ModifiedDate DATETIME NOT NULL
);

CREATE TABLE Purchasing.Product (
    ProductID INT NOT NULL CONSTRAINT PK_Product PRIMARY KEY,
    Name NVARCHAR(50) NOT NULL,
    ProductNumber NVARCHAR(25) NOT NULL,
    StandardCost MONEY NOT NULL,
    ListPrice MONEY NOT NULL,
    SellStartDate DATETIME NOT NULL,
    SellEndDate DATETIME NULL,
    ModifiedDate DATETIME NOT NULL
);

CREATE TABLE Purchasing.Employee (
    BusinessEntityID INT NOT NULL CONSTRAINT PK_Employee PRIMARY KEY,
    LoginID NVARCHAR(256) NOT NULL,
    JobTitle NVARCHAR(50) NOT NULL,
    HireDate DATE NOT NULL,
    CurrentFlag BIT NOT NULL,
    ModifiedDate DATETIME NOT NULL
);

CREATE TABLE Purchasing.EmailAddress (
    BusinessEntityID INT NOT NULL,
    EmailAddressID INT NOT NULL,
    EmailAddress NVARCHAR(50) NULL,
    ModifiedDate DATETIME NOT NULL,
    CONSTRAINT PK_EmailAddress PRIMARY KEY (BusinessEntityID, EmailAddressID)
);

CREATE TABLE Purchasing.PersonPhone (
    BusinessEntityID INT NOT NULL,
    PhoneNumber NVARCHAR(25) NOT NULL,
    PhoneNumberTypeID INT NOT NULL,
    ModifiedDate DATETIME NOT NULL,
    CONSTRAINT PK_PersonPhone PRIMARY KEY (BusinessEntityID, PhoneNumber, PhoneNumberTypeID)
);

CREATE TABLE Purchasing.SalesPerson (
    BusinessEntityID INT NOT NULL CONSTRAINT PK_SalesPerson PRIMARY KEY,
    TerritoryID INT NULL,
    SalesQuota MONEY NULL,
    Bonus MONEY NOT NULL,
    CommissionPct SMALLMONEY NOT NULL,
    SalesYTD MONEY NOT NULL,
    SalesLastYear MONEY NOT NULL,
    ModifiedDate DATETIME NOT NULL
);
CREATE INDEX IX_SalesPerson_ModifiedDate ON Purchasing.SalesPerson(ModifiedDate);

CREATE TABLE Purchasing.SalesTotal (
    BusinessEntityID INT NOT NULL CONSTRAINT PK_SalesTotal PRIMARY KEY,
    Total MONEY NOT NULL,
    CoversThrough DATETIME NOT NULL
);

CREATE TABLE Purchasing.PurchaseOrderHeader (
    PurchaseOrderID INT NOT NULL CONSTRAINT PK_PurchaseOrderHeader PRIMARY KEY,
    RevisionNumber TINYINT NOT NULL,
    Status TINYINT NOT NULL CONSTRAINT CK_PurchaseOrderHeader_Status CHECK (Status BETWEEN 1 AND 4),
    EmployeeID INT NOT NULL,
    VendorID INT NOT NULL,
    ShipMethodID INT NOT NULL,
    OrderDate DATETIME NOT NULL,
    ShipDate DATETIME NULL,
    SubTotal MONEY NOT NULL,
    TaxAmt MONEY NOT NULL,
    Freight MONEY NOT NULL,
    TotalDue MONEY NOT NULL,
    ModifiedDate DATETIME NOT NULL
);
CREATE INDEX IX_PurchaseOrderHeader_ModifiedDate ON Purchasing.PurchaseOrderHeader(ModifiedDate);

CREATE TABLE Purchasing.PurchaseOrderDetail (
    PurchaseOrderID INT NOT NULL,
    PurchaseOrderDetailID INT NOT NULL,
    DueDate DATETIME NOT NULL,
    OrderQty SMALLINT NOT NULL,
    ProductID INT NOT NULL,
    UnitPrice MONEY NOT NULL,
    LineTotal MONEY NOT NULL,
    ReceivedQty DECIMAL(8, 2) NOT NULL,
    RejectedQty DECIMAL(8, 2) NOT NULL,
    StockedQty DECIMAL(9, 2) NOT NULL,
    ModifiedDate DATETIME NOT NULL,
    CONSTRAINT PK_PurchaseOrderDetail PRIMARY KEY (PurchaseOrderID, PurchaseOrderDetailID)
);
GO

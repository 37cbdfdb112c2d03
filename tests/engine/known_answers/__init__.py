"""Statements with the answers of SQL Server 2017, as its documentation and its users tell them."""

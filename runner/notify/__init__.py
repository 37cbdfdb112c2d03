"""notify: notifications born from row changes in SQL Server, at almost no cost to the production server.

The logic is T-SQL (``sql/``); this package carries rows between four database roles, renders and sends. Read
``sql/README.md`` for what decides, and ``cycle.py`` for the walk.
"""

__version__ = "0.1.0"

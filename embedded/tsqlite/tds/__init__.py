"""A TDS 7.4 front end ([MS-TDS]): what speaks SQL Server's wire protocol is a client of the engine."""

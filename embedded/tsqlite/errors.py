"""Errors as SQL Server numbers and words them, and refusals.

`SqlError` is an error of the T-SQL program; `Unsupported` says that the engine does not know a construct. Anything that
raises either may leave `line` 0 and `procedure` None: the interpreter fills in the statement's.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MESSAGES", "SEVERITIES", "Cancelled", "SqlError", "Unsupported", "message_text", "sql_error"]


class SqlError(Exception):
    """An error with SQL Server's number.

    Args:
        number: as in sys.messages; 50000 and above are the user's own.
        message: the whole text, arguments filled in.
        severity: 11..25; 10 and below are messages, not errors.
        state: 0..255.
        line: 1-based line within the batch or module, 0 when not known yet.
        procedure: the module's name, None outside of any.
    """

    def __init__(
        self,
        number: int,
        message: str,
        severity: int = 16,
        state: int = 1,
        line: int = 0,
        procedure: str | None = None,
    ) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.severity = severity
        self.state = state
        self.line = line
        self.procedure = procedure
        self.previous: SqlError | None = None
        """An error raised before this one by the same statement (3621 and 8164 have one)."""

    def __str__(self) -> str:
        place = f", Procedure {self.procedure}" if self.procedure else ""
        return f"Msg {self.number}, Level {self.severity}, State {self.state}{place}, Line {self.line}: {self.message}"

    def __reduce__(self) -> tuple[type[SqlError], tuple[object, ...]]:
        return type(self), (self.number, self.message, self.severity, self.state, self.line, self.procedure)


class Unsupported(Exception):
    """A construct the engine refuses.

    Args:
        construct: what was met, as its documentation names it ("MERGE", "FOR XML").
        line: 1-based line, 0 when not known yet.
        number: SQL Server's number where it would refuse as well, else 0.
    """

    def __init__(self, construct: str, line: int = 0, number: int = 0) -> None:
        super().__init__(construct)
        self.construct = construct
        self.line = line
        self.number = number
        self.procedure: str | None = None

    def __str__(self) -> str:
        at = f" (line {self.line})" if self.line else ""
        return f"{self.construct} is not supported{at}"


class Cancelled(Exception):
    """The client has withdrawn its request; `undo`: XACT_ABORT was on, the transaction ends with it."""

    def __init__(self, undo: bool = False) -> None:
        super().__init__(undo)
        self.undo = undo


MESSAGES: Final[dict[int, str]] = {
    101: "Query not allowed in Waitfor.",
    102: "Incorrect syntax near '%s'.",
    104: "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT "
    "operator.",
    105: "Unclosed quotation mark after the character string '%s'.",
    107: "The column prefix '%s' does not match with a table name or alias name used in the query.",
    108: "The ORDER BY position number %d is out of range of the number of items in the select list.",
    109: "There are more columns in the INSERT statement than values specified in the VALUES clause. The number of "
    "values in the VALUES clause must match the number of columns specified in the INSERT statement.",
    110: "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of "
    "values in the VALUES clause must match the number of columns specified in the INSERT statement.",
    111: "'%s' must be the first statement in a query batch.",
    116: "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
    119: "Must pass parameter number %d and subsequent parameters as '@name = value'. After the form '@name = value' "
    "has been used, all subsequent parameters must be passed in the form '@name = value'.",
    120: "The select list for the INSERT statement contains fewer items than the insert list. The number of SELECT "
    "values must match the number of INSERT columns.",
    121: "The select list for the INSERT statement contains more items than the insert list. The number of SELECT "
    "values must match the number of INSERT columns.",
    127: "A TOP N or FETCH rowcount value may not be negative.",
    128: 'The name "%s" is not permitted in this context. Valid expressions are constants, constant expressions, and '
    "(in some contexts) variables. Column names are not permitted.",
    130: "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.",
    133: "A GOTO statement references the label '%s' but the label has not been declared.",
    134: "The variable name '%s' has already been declared. Variable names must be unique within a query batch or "
    "stored procedure.",
    135: "Cannot use a BREAK statement outside the scope of a WHILE statement.",
    136: "Cannot use a CONTINUE statement outside the scope of a WHILE statement.",
    137: 'Must declare the scalar variable "%s".',
    141: "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.",
    144: "Cannot use an aggregate or a subquery in an expression used for the group by list of a GROUP BY clause.",
    145: "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
    147: "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a "
    "select list, and the column being aggregated is an outer reference.",
    132: "The label '%s' has already been declared. Label names must be unique within a query batch or stored "
    "procedure.",
    103: "The identifier that starts with '%s' is too long. Maximum length is %d.",
    154: "%s is not allowed in %s.",
    155: "'%s' is not a recognized %s option.",
    156: "Incorrect syntax near the keyword '%s'.",
    157: "An aggregate may not appear in the set list of an UPDATE statement.",
    164: "Each GROUP BY expression must contain at least one column that is not an outer reference.",
    166: "'%s' does not allow specifying the database name as a prefix to the object name.",
    174: "The %s function requires %s argument(s).",
    178: "A RETURN statement with a return value cannot be used in this context.",
    179: "Cannot use the OUTPUT option when passing a constant to a stored procedure.",
    180: "Statement(s) could not be prepared.",
    181: "Cannot use the OUTPUT option in a DECLARE, CREATE AGGREGATE or CREATE FUNCTION statement.",
    189: "The %s function requires %d to %d arguments.",
    195: "'%s' is not a recognized %s.",
    201: "Procedure or function '%s' expects parameter '%s', which was not supplied.",
    203: "The name '%s' is not a valid identifier.",
    205: "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in "
    "their target lists.",
    206: "Operand type clash: %s is incompatible with %s",
    207: "Invalid column name '%s'.",
    208: "Invalid object name '%s'.",
    209: "Ambiguous column name '%s'.",
    213: "Column name or number of supplied values does not match table definition.",
    214: "Procedure expects parameter '%s' of type '%s'.",
    215: "Parameters supplied for object '%s' which is not a function. If the parameters are intended as a table hint, "
    "a WITH keyword is required.",
    217: "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).",
    218: "Could not find the type '%s'. Either it does not exist or you do not have the necessary permission.",
    220: "Arithmetic overflow error for data type %s, value = %s.",
    225: 'The parameters supplied for the %s "%s" are not valid.',
    229: "The %s permission was denied on the object '%s', database '%s', schema '%s'.",
    232: "Arithmetic overflow error for type %s, value = %s.",
    235: "Cannot convert a char value to money. The char value has incorrect syntax.",
    237: "There is insufficient result space to convert a money value to %s.",
    241: "Conversion failed when converting date and/or time from character string.",
    242: "The conversion of a %s data type to a %s data type resulted in an out-of-range value.",
    243: "Type %s is not a defined system type.",
    244: "The conversion of the %s value '%s' overflowed an %s column. Use a larger integer column.",
    245: "Conversion failed when converting the %s value '%s' to data type %s.",
    248: "The conversion of the %s value '%s' overflowed an int column.",
    252: "Recursive common table expression '%s' does not contain a top-level UNION ALL operator.",
    256: "The data type %s is invalid for the %s function. Allowed types are: char/varchar, nchar/nvarchar, and "
    "binary/varbinary.",
    257: "Implicit conversion from data type %s to %s is not allowed. Use the CONVERT function to run this query.",
    260: "Disallowed implicit conversion from data type %s to data type %s, table '%s', column '%s'. Use the CONVERT "
    "function to run this query.",
    262: "%s permission denied in database '%s'.",
    264: "The column name '%s' is specified more than once in the SET clause or column list of an INSERT. A column "
    "cannot be assigned more than one value in the same clause. Modify the clause to make sure that a column is "
    "updated only once. If this statement updates or inserts columns into a view, column aliasing can conceal the "
    "duplication in your code.",
    266: "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous "
    "count = %d, current count = %d.",
    271: 'The column "%s" cannot be modified because it is either a computed column or is the result of a UNION '
    "operator.",
    272: "Cannot update a timestamp column.",
    273: "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the "
    "timestamp column, or insert a DEFAULT into the timestamp column.",
    306: "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE "
    "operator.",
    302: "The newsequentialid() built-in function can only be used in a DEFAULT expression for a column of type "
    "'uniqueidentifier' in a CREATE TABLE or ALTER TABLE statement. It cannot be combined with other operators to form "
    "a complex scalar expression.",
    313: "An insufficient number of arguments were supplied for the procedure or function %s.",
    315: "Index '%s' on table '%s' (specified in the FROM clause) is disabled or resides in a filegroup which is not "
    "online.",
    402: "The data types %s and %s are incompatible in the %s operator.",
    403: "Invalid operator for data type. Operator equals %s, type equals %s.",
    409: "The %s operator cannot take a %s data type as an argument.",
    420: "The text, ntext, and image data types cannot be used in an ORDER BY clause.",
    443: "Invalid use of a side-effecting operator '%s' within a function.",
    444: "Select statements included within a function cannot return data to a client.",
    447: "Expression type %s is invalid for COLLATE clause.",
    448: "Invalid collation '%s'.",
    451: 'Cannot resolve collation conflict between "%s" and "%s" in %s operator occurring in %s statement column %d.',
    452: "COLLATE clause cannot be used on user-defined data types.",
    457: "Implicit conversion of %s value to %s cannot be performed because the collation of the value is unresolved "
    'due to a collation conflict between "%s" and "%s" in %s operator.',
    468: 'Cannot resolve the collation conflict between "%s" and "%s" in the %s operation.',
    487: 'An invalid option was specified for the statement "%s".',
    505: "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name '%s' and "
    "the index name '%s'. The duplicate key value is %s.",
    506: 'The invalid escape character "%s" was specified in a %s predicate.',
    510: "Cannot create a worktable row larger than allowable maximum. Resubmit your query with the ROBUST PLAN hint.",
    512: "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or "
    "when the subquery is used as an expression.",
    515: "Cannot insert the value NULL into column '%s', table '%s'; column does not allow nulls. %s fails.",
    517: "Adding a value to a '%s' column caused an overflow.",
    518: "Cannot convert data type %s to %s.",
    529: "Explicit conversion from data type %s to %s is not allowed.",
    530: "The statement terminated. The maximum recursion %d has been exhausted before statement completion.",
    535: "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is "
    "too large. Try to use datediff with a less precise datepart.",
    536: "Invalid length parameter passed to the %s function.",
    537: "Invalid length parameter passed to the LEFT or SUBSTRING function.",
    542: "An invalid datetime value was encountered. Value exceeds the year 9999.",
    544: "Cannot insert explicit value for identity column in table '%s' when IDENTITY_INSERT is set to OFF.",
    545: "Explicit value must be specified for identity column in table '%s' either when IDENTITY_INSERT is set to ON "
    "or when a replication user is inserting into a NOT FOR REPLICATION identity column.",
    547: 'The %s statement conflicted with the %s constraint "%s". The conflict occurred in database "%s", table '
    '"%s"%s.',
    556: "INSERT EXEC failed because the stored procedure altered the schema of the target table.",
    574: "%s statement cannot be used inside a user transaction.",
    650: "You can only specify the READPAST lock in the READ COMMITTED or REPEATABLE READ isolation levels.",
    4060: 'Cannot open database "%s" requested by the login. The login failed.',
    911: "Database '%s' does not exist. Make sure that the name is entered correctly.",
    1080: "The integer value %s is out of range.",
    10734: "Variable assignment is not allowed in a statement containing a top level UNION, INTERSECT or EXCEPT "
    "operator.",
    1026: "GOTO cannot be used to jump into a TRY or CATCH scope.",
    1012: "The correlation name '%s' has the same exposed name as table '%s'.",
    1011: "The correlation name '%s' is specified multiple times in a FROM clause.",
    1013: 'The objects "%s" and "%s" in the FROM clause have the same exposed names. Use correlation names to '
    "distinguish them.",
    1014: "A TOP or FETCH clause contains an invalid value.",
    1023: "Invalid parameter %d specified for %s.",
    1033: "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table "
    "expressions, unless TOP, OFFSET or FOR XML is also specified.",
    1038: "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. "
    'For other statements, look for empty alias names. Aliases defined as "" or [] are not allowed. Change the alias '
    "to a valid name.",
    1060: "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
    1087: 'Must declare the table variable "%s".',
    1105: "Could not allocate space for object '%s' in database '%s' because the '%s' filegroup is full.",
    1204: "The instance of the SQL Server Database Engine cannot obtain a LOCK resource at this time.",
    1205: "Transaction (Process ID %d) was deadlocked on %s resources with another process and has been chosen as the "
    "deadlock victim. Rerun the transaction.",
    1222: "Lock request time out period exceeded.",
    1505: "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name '%s' and "
    "the index name '%s'. The duplicate key value is %s.",
    1701: "Creating or altering table '%s' failed because the minimum row size would be %d, including %d bytes of "
    "internal overhead. This exceeds the maximum allowable table row size of %d bytes.",
    1712: "Online index operations can only be performed in Enterprise edition of SQL Server.",
    1750: "Could not create constraint or index. See previous errors.",
    1752: "Column '%s' in table '%s' is invalid for creating a default constraint.",
    1753: "Column '%s.%s' is not the same length or scale as referencing column '%s.%s' in foreign key '%s'. Columns "
    "participating in a foreign key relationship must be defined with the same length and scale.",
    1767: "Foreign key '%s' references invalid table '%s'.",
    1769: "Foreign key '%s' references invalid column '%s' in referencing table '%s'.",
    1770: "Foreign key '%s' references invalid column '%s' in referenced table '%s'.",
    1776: "There are no primary or candidate keys in the referenced table '%s' that match the referencing column list "
    "in the foreign key '%s'.",
    1778: "Column '%s.%s' is not the same data type as referencing column '%s.%s' in foreign key '%s'.",
    1779: "Table '%s' already has a primary key defined on it.",
    1781: "Column already has a DEFAULT bound to it.",
    1785: "Introducing FOREIGN KEY constraint '%s' on table '%s' may cause cycles or multiple cascade paths. Specify "
    "ON DELETE NO ACTION or ON UPDATE NO ACTION, or modify other FOREIGN KEY constraints.",
    1801: "Database '%s' already exists. Choose a different database name.",
    1902: "Cannot create more than one clustered index on %s '%s'. Drop the existing clustered index '%s' before "
    "creating another.",
    1909: "Cannot use duplicate column names in %s. Column name '%s' listed more than once.",
    1911: "Column name '%s' does not exist in the target table or view.",
    1913: "The operation failed because an index or statistics with name '%s' already exists on %s '%s'.",
    1919: "Column '%s' in table '%s' is of a type that is invalid for use as a key column in an index.",
    2011: "Index hints cannot be specified within a schema-bound object.",
    2601: "Cannot insert duplicate key row in object '%s' with unique index '%s'. The duplicate key value is (%s).",
    2627: "Violation of %s constraint '%s'. Cannot insert duplicate key in object '%s'. The duplicate key value "
    "is (%s).",
    2628: "String or binary data would be truncated in table '%s', column '%s'. Truncated value: '%s'.",
    2705: "Column names in each table must be unique. Column name '%s' in table '%s' is specified more than once.",
    2714: "There is already an object named '%s' in the database.",
    2715: "Column, parameter, or variable #%d: Cannot find data type %s.",
    2716: "Column, parameter, or variable #%d: Cannot specify a column width on data type %s.",
    2732: "Error number %d is invalid. The number must be from %d through %d and it cannot be 50000.",
    2738: "A table can only have one timestamp column. Because table '%s' already has one, the column '%s' "
    "cannot be "
    "added.",
    2739: "The text, ntext, and image data types are invalid for local variables.",
    2744: "Multiple identity columns specified for table '%s'. Only one identity column per table is allowed.",
    8147: "Could not create IDENTITY attribute on nullable column '%s', table '%s'.",
    2749: "Identity column '%s' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with "
    "a scale "
    "of 0, unencrypted, and constrained to be nonnullable.",
    2750: "Column or parameter #%d: Specified column precision %d is greater than the maximum precision of %d.",
    2751: "Column or parameter #%d: Specified column scale %d is greater than the specified precision of %d.",
    2754: "Error severity levels greater than 18 can only be specified by members of the sysadmin role, using the WITH "
    "LOG option.",
    2759: "CREATE SCHEMA failed due to previous errors.",
    2760: 'The specified schema name "%s" either does not exist or you do not have permission to use it.',
    2770: "The SELECT INTO statement cannot have same source and destination tables.",
    2747: "Too many substitution parameters for RAISERROR. Cannot exceed %d substitution parameters.",
    2787: "Invalid format specification: '%s'.",
    2809: "The request for %s '%s' failed because '%s' is a %s object.",
    2812: "Could not find stored procedure '%s'.",
    2814: "A recursive call cannot be executed.",
    3013: "%s is terminating abnormally.",
    3609: "The transaction ended in the trigger. The batch has been aborted.",
    3621: "The statement has been terminated.",
    3701: "Cannot %s the %s '%s', because it does not exist or you do not have permission.",
    3705: "Cannot use DROP %s with '%s' because '%s' is a %s. Use %s.",
    3717: "Cannot drop a default constraint by DROP DEFAULT statement. Use ALTER TABLE to drop a constraint.",
    3723: "An explicit DROP INDEX is not allowed on index '%s'. It is being used for %s constraint enforcement.",
    3725: "The constraint '%s' is being referenced by table '%s', foreign key constraint '%s'.",
    3726: "Could not drop object '%s' because it is referenced by a FOREIGN KEY constraint.",
    3727: "Could not drop constraint. See previous errors.",
    3728: "'%s' is not a constraint.",
    3729: "Cannot %s '%s' because it is being referenced by object '%s'.",
    3732: "Cannot drop type '%s' because it is being referenced by object '%s'. There may be other objects that "
    "reference this type.",
    3902: "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
    3903: "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
    3906: 'Failed to update database "%s" because the database is read-only.',
    3915: "Cannot use the ROLLBACK statement within an INSERT-EXEC statement.",
    3916: "Cannot use the COMMIT statement within an INSERT-EXEC statement unless BEGIN TRANSACTION is used first.",
    3930: "The current transaction cannot be committed and cannot support operations that write to the log file. Roll "
    "back the transaction.",
    3931: "The current transaction cannot be committed and cannot be rolled back to a savepoint. Roll back the entire "
    "transaction.",
    3951: "Transaction failed in database '%s' because the statement was run under snapshot isolation but the "
    "transaction did not start in snapshot isolation.",
    3952: "Snapshot isolation transaction failed accessing database '%s' because snapshot isolation is not allowed in "
    "this database. Use ALTER DATABASE to allow snapshot isolation.",
    3960: "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to access "
    "table '%s' directly or indirectly in database '%s' to update, delete, or insert the row that has been modified or "
    "deleted by another transaction. Retry the transaction or change the isolation level for the update/delete "
    "statement.",
    3998: "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.",
    4104: 'The multi-part identifier "%s" could not be bound.',
    4108: "Windowed functions can only appear in the SELECT or ORDER BY clauses.",
    4112: "The function '%s' must have an OVER clause with ORDER BY.",
    4121: 'Cannot find either column "%s" or the user-defined function or aggregate "%s", or the name is ambiguous.',
    4145: "An expression of non-boolean type specified in a context where a condition is expected, near '%s'.",
    4506: "Column names in each view or function must be unique. Column name '%s' in view or function '%s' is "
    "specified "
    "more than once.",
    4511: "Create View or Function failed because no column name was specified for column %d.",
    4701: 'Cannot find the object "%s" because it does not exist or you do not have permissions.',
    4712: "Cannot truncate table '%s' because it is being referenced by a FOREIGN KEY constraint.",
    4901: "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified, "
    "or the column being added is an identity or timestamp column, or alternatively if none of the previous conditions "
    "are satisfied the table must be empty to allow addition of this column. Column '%s' cannot be added to non-empty "
    "table '%s' because it does not satisfy these conditions.",
    4902: 'Cannot find the object "%s" because it does not exist or you do not have permissions.',
    4924: "%s failed because column '%s' does not exist in table '%s'.",
    4922: "%s failed because one or more objects access this column.",
    4923: "ALTER TABLE DROP COLUMN failed because '%s' is the only data column in table '%s'. A table must have "
    "at least "
    "one data column.",
    4928: "Cannot alter column '%s' because it is '%s'.",
    4929: "Cannot alter the %s '%s' because it is being published for replication.",
    4947: "ALTER TABLE SWITCH statement failed.",
    5069: "ALTER DATABASE statement failed.",
    5074: "The %s '%s' is dependent on %s '%s'.",
    5133: 'Directory lookup for the file "%s" failed with the operating system error %s.',
    6263: "Execution of user code in the .NET Framework is disabled.",
    6401: "Cannot roll back %s. No transaction or savepoint of that name was found.",
    8003: "The incoming request has too many parameters. The server supports a maximum of %d parameters.",
    8016: "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect.",
    8102: "Cannot update identity column '%s'.",
    8101: "An explicit value for the identity column in table '%s' can only be specified when a column list is "
    "used and "
    "IDENTITY_INSERT is ON.",
    8106: "Table '%s' does not have the identity property. Cannot perform SET operation.",
    8107: "IDENTITY_INSERT is already ON for table '%s.%s.%s'. Cannot perform SET operation for table '%s'.",
    8111: "Cannot define PRIMARY KEY constraint on nullable column in table '%s'.",
    8112: "Cannot add more than one clustered index for constraints on table '%s'.",
    8110: "Cannot add multiple PRIMARY KEY constraints to table '%s'.",
    8114: "Error converting data type %s to %s.",
    8115: "Arithmetic overflow error converting %s to data type %s.",
    8116: "Argument data type %s is invalid for argument %d of %s function.",
    8117: "Operand data type %s is invalid for %s operator.",
    8120: "Column '%s' is invalid in the select list because it is not contained in either an aggregate "
    "function or the "
    "GROUP BY clause.",
    8121: "Column '%s' is invalid in the HAVING clause because it is not contained in either an aggregate function or "
    "the GROUP BY clause.",
    8124: "Multiple columns are specified in an aggregated expression containing an outer reference. If an expression "
    "being aggregated contains an outer reference, then that outer reference must be the only column referenced in the "
    "expression.",
    8127: 'Column "%s" is invalid in the ORDER BY clause because it is not contained in either an aggregate '
    "function or "
    "the GROUP BY clause.",
    8133: "At least one of the result expressions in a CASE specification must be an expression other than the NULL "
    "constant.",
    8134: "Divide by zero error encountered.",
    8141: "Column CHECK constraint for column '%s' references another column, table '%s'.",
    8143: "Parameter '%s' was supplied multiple times.",
    8144: "Procedure or function %s has too many arguments specified.",
    8145: "%s is not a parameter for procedure %s.",
    8146: "Procedure %s has no parameters and arguments were supplied.",
    8152: "String or binary data would be truncated.",
    8154: "The table '%s' is ambiguous.",
    8155: "No column name was specified for column %d of '%s'.",
    8156: "The column '%s' was specified multiple times for '%s'.",
    8158: "'%s' has more columns than were specified in the column list.",
    8159: "'%s' has fewer columns than were specified in the column list.",
    8162: 'The formal parameter "%s" was not declared as an OUTPUT parameter, but the actual parameter passed in '
    "requested output.",
    8164: "An INSERT EXEC statement cannot be nested.",
    8169: "Conversion failed when converting from a character string to uniqueidentifier.",
    8170: "Insufficient result space to convert uniqueidentifier value to char.",
    8178: "The parameterized query '%s' expects the parameter '%s', which was not supplied.",
    8179: "Could not find prepared statement with handle %d.",
    8623: "The query processor ran out of internal resources and could not produce a query plan. This is a rare event "
    "and only expected for extremely complex queries or queries that reference a very large number of tables or "
    "partitions. Please simplify the query.",
    9420: "XML parsing: line %d, character %d, illegal xml character",
    10700: 'The table-valued parameter "%s" is READONLY and cannot be modified.',
    10709: "The number of columns for each row in a table value constructor must be the same.",
    10735: "Incorrect WHERE clause for filtered %s '%s' on table '%s'.",
    10750: "The parameter @optional_command_or_text has more than %d characters.",
    10753: "The function '%s' must have an OVER clause.",
    11700: "The increment for sequence object '%s' cannot be zero.",
    11717: "NEXT VALUE FOR functions are not allowed in this context.",
    11728: "The sequence object '%s' has reached its minimum or maximum value. Restart the sequence object to "
    "allow new "
    "values to be generated.",
    13608: "Property cannot be found on the specified JSON path.",
    13609: "JSON text is not properly formatted. Unexpected character '%s' is found at position %d.",
    13610: 'The argument %d of the "%s" must be a string literal.',
    13624: "Object or array cannot be found in the specified JSON path.",
    14701: "The fractional part of the provided time value overflows the scale of the corresponding SQL Server "
    "parameter or column.",
    15002: "The procedure '%s' cannot be executed within a transaction.",
    15151: "Cannot %s the %s '%s', because it does not exist or you do not have permission.",
    15023: "User, group, or role '%s' already exists in the current database.",
    15025: "The server principal '%s' already exists.",
    15225: "No item by the name of '%s' could be found in the current database '%s', given that @itemtype was input as "
    "'%s'.",
    15248: "Either the parameter @objname is ambiguous or the claimed @objtype (%s) is wrong.",
    15335: "Error: The new name '%s' is already in use as a %s name and would cause a duplicate that is not permitted.",
    15600: "An invalid parameter or option was specified for procedure '%s'.",
    16901: "%s: This feature has not been implemented yet.",
    16902: "%s: The value of the parameter '%s' is invalid.",
    16905: "The cursor is already open.",
    16915: "A cursor with the name '%s' already exists.",
    16916: "A cursor with the name '%s' does not exist.",
    16917: "Cursor is not open.",
    16922: "Cursor Fetch: Implicit conversion from data type %s to %s is not allowed.",
    16924: "Cursorfetch: The number of variables declared in the INTO list must match that of selected columns.",
    18054: "Error %d, severity %d, state %d was raised, but no message with that error number was found in "
    "sys.messages. If error is larger than 50000, make sure the user-defined message is added using sp_addmessage.",
    168: "The floating point value '%s' is out of the range of computer representation (8 bytes).",
    169: "A column has been specified more than once in the order by list. Columns in the order by list must be "
    "unique.",
    239: "Duplicate common table expression name '%s' was specified.",
    240: 'Types don\'t match between the anchor and the recursive part in column "%s" of recursive query "%s".',
    253: "Recursive member of a common table expression '%s' has multiple recursive references.",
    263: "Must specify table to select from.",
    310: "The value %s specified for the MAXRECURSION option exceeds the allowed maximum of 32767.",
    339: "DEFAULT or NULL are not allowed as explicit identity values.",
    460: "DISTINCT operator is not allowed in the recursive part of a recursive common table expression '%s'.",
    461: "The TOP or OFFSET operator is not allowed in the recursive part of a recursive common table expression '%s'.",
    462: "Outer join is not allowed in the recursive part of a recursive common table expression '%s'.",
    465: "Recursive references are not allowed in subqueries: '%s'.",
    467: "GROUP BY, HAVING, or aggregate functions are not allowed in the recursive part of a recursive common table "
    "expression '%s'.",
    1015: "An aggregate cannot appear in an ON clause unless it is in a subquery contained in a HAVING clause or select"
    " list, and the column being aggregated is an outer reference.",
    1031: "Percent values must be between 0 and 100.",
    1062: "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.",
    4109: "Windowed functions cannot be used in the context of another windowed function or aggregate.",
    4113: "The function '%s' is not a valid windowing function, and cannot be used with the OVER clause.",
    4194: "RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters.",
    4403: "Cannot update the view or function '%s' because it contains aggregates, or a DISTINCT or GROUP BY clause, or"
    " PIVOT or UNPIVOT operator.",
    4405: "View or function '%s' is not updatable because the modification affects multiple base tables.",
    4406: "Update or insert of view or function '%s' failed because it contains a derived or constant field.",
    5308: "Windowed functions, aggregates and NEXT VALUE FOR functions do not support integer indices as ORDER BY "
    "clause expressions.",
    8161: "Argument %s of the %s function does not match any of the expressions in the GROUP BY clause.",
    8167: 'The type of column "%s" conflicts with the type of other columns specified in the UNPIVOT list.',
    10705: "Subqueries are not allowed in the OUTPUT clause.",
    10741: "A TOP can not be used in the same query or sub-query as a OFFSET.",
    10757: "The function '%s' may not have a WITHIN GROUP clause.",
    13600: "FOR JSON AUTO requires at least one table for generating JSON objects. Use FOR JSON PATH or add a FROM "
    "clause with a table name.",
    13601: "Property '%s' cannot be generated in JSON output due to a conflict with another column name or alias. Use "
    "different names and aliases for each column in SELECT list.",
    13602: "The FOR JSON clause is not allowed in a %s statement.",
    13605: "Column expressions and data sources without names or aliases cannot be formatted as JSON text using "
    "FOR JSON"
    " clause. Add alias to the unnamed column or table.",
    13620: "ROOT option and WITHOUT_ARRAY_WRAPPER option cannot be used together in FOR JSON. Remove one of these "
    "options.",
    158: "An aggregate may not appear in the OUTPUT clause.",
    246: 'No anchor member was specified for recursive query "%s".',
    408: "A constant expression was encountered in the ORDER BY list, position %d.",
    1008: "The SELECT item identified by the ORDER BY number %d contains a variable as part of the expression "
    "identifying a "
    "column position. Variables are only allowed when ordering by an expression referencing a column name.",
    10738: "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row "
    "values.",
    10742: "The offset specified in a OFFSET clause may not be negative.",
    10744: "The number of rows provided for a FETCH clause must be greater then zero.",
}
"""Texts by number, with %s and %d where SQL Server puts names and values."""

SEVERITIES: Final[dict[int, int]] = {
    102: 15, 103: 15, 104: 16, 105: 15, 107: 15, 108: 16, 109: 15, 110: 15, 111: 15, 119: 15, 128: 15, 133: 15, 134: 15,
    135: 15, 136: 15, 137: 15, 141: 15, 145: 15, 154: 15, 155: 15, 156: 15, 166: 15, 174: 15, 178: 15, 179: 15, 181: 15,
    189: 15, 195: 15, 229: 14, 262: 14, 319: 15, 1011: 15, 1033: 15, 1038: 15, 1087: 15, 1012: 15, 1013: 16, 1205: 13,
    225: 16, 252: 16, 2601: 14, 2627: 14, 3701: 11, 3621: 0, 1060: 15, 142: 15, 127: 15, 10709: 15, 4108: 15, 4145: 15,
    10753: 15, 4112: 15, 2011: 16, 8179: 16, 1023: 15, 443: 16, 264: 16, 4902: 16, 15600: 15, 15225: 11, 15248: 11,
    15335: 11, 1505: 16, 510: 16, 1105: 17, 1204: 19, 8623: 16, 13610: 16, 8178: 16, 217: 16,
    13609: 16, 2714: 16, 4506: 16, 4060: 11, 132: 15, 1026: 15, 1080: 15, 10734: 15,
}  # fmt: skip
"""Severities that are not 16."""


def message_text(number: int, *args: object) -> str:
    """The text of message `number` with `args` in the places of its %s and %d."""
    template = MESSAGES.get(number)
    if template is None:
        return " ".join(str(a) for a in args) or f"Error {number}."
    if not args:
        return template.replace("%%", "%") if "%s" not in template and "%d" not in template else template
    return template % tuple(args)


def sql_error(number: int, *args: object, line: int = 0, state: int = 1, procedure: str | None = None) -> SqlError:
    """Error `number` with its standard text and severity: `raise sql_error(208, "dbo.t")`."""
    return SqlError(number, message_text(number, *args), SEVERITIES.get(number, 16), state, line, procedure)

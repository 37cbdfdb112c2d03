SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
fit_value: a value's text in the one form in which criteria are stored; NULL when the value does not fit the column's type.

Parameters  @value: text of the value; @type_name, @max_length, @precision, @scale as sys.columns and sys.types give them.
Returns     one row, one column canonical: dates and times as datetime2(7) text, style 121 (ISO 8601 is what is accepted: no other
            form means the same under every language); bit as 1 or 0; binary as 0x...; numbers and strings as they are.
            A type that cannot be compared (xml, text, sql_variant, datetimeoffset, ...) fits nothing.
*/
CREATE OR ALTER FUNCTION notify.fit_value (
    @value NVARCHAR(4000),
    @type_name sysname,
    @max_length SMALLINT,
    @precision TINYINT,
    @scale TINYINT
)
RETURNS TABLE AS RETURN WITH trimmed AS (
    SELECT
        LTRIM(RTRIM(@value)) AS text,
        CASE
            WHEN @value LIKE N'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]%'
            AND @value NOT LIKE N'%:%[-+Zz]%' THEN TRY_CONVERT(DATETIME2(7), LTRIM(RTRIM(@value)))
        END AS moment
),
digits AS (
    SELECT
        t.text,
        t.moment,
        /* sign and leading zeros away: what is left before the point, and after it without trailing zeros, is what counts */
        CASE
            WHEN t.text NOT LIKE N'%[^-+.0-9]%'
            AND t.text LIKE N'%[0-9]%'
            AND SUBSTRING(t.text, 2, 4000) NOT LIKE N'%[-+]%'
            AND t.text NOT LIKE N'%.%.%' THEN STUFF(t.text, 1, CASE WHEN t.text LIKE N'[-+]%' THEN 1 ELSE 0 END, N'') +
            CASE WHEN t.text LIKE N'%.%' THEN N'' ELSE N'.' END
        END AS number_text
    FROM trimmed AS t
),
counted AS (
    SELECT
        d.text,
        d.moment,
        d.number_text,
        LEN(
            REPLACE(LTRIM(REPLACE(LEFT(d.number_text, CHARINDEX(N'.', d.number_text) - 1), N'0', N' ')), N' ', N'0')
        ) AS whole_digits,
        LEN(REPLACE(SUBSTRING(d.number_text, CHARINDEX(N'.', d.number_text) + 1, 4000), N'0', N' ')) AS fraction_digits
    FROM digits AS d
)
SELECT
    CONVERT(
        NVARCHAR(4000),
        CASE
            WHEN @type_name IN (N'nchar', N'nvarchar') THEN CASE
                WHEN @max_length = -1 OR DATALENGTH(@value) <= @max_length THEN @value
            END
            WHEN @type_name IN (N'char', N'varchar') THEN CASE
                WHEN @max_length = -1 OR DATALENGTH(@value) / 2 <= @max_length THEN @value
            END
            WHEN c.text = N'' THEN NULL
            WHEN @type_name = N'bit' THEN CASE
                WHEN c.text IN (N'1', N'true') THEN N'1'
                WHEN c.text IN (N'0', N'false') THEN N'0'
            END
            WHEN @type_name = N'tinyint' THEN CONVERT(NVARCHAR(40), TRY_CONVERT(TINYINT, c.text))
            WHEN @type_name = N'smallint' THEN CONVERT(NVARCHAR(40), TRY_CONVERT(SMALLINT, c.text))
            WHEN @type_name = N'int' THEN CONVERT(NVARCHAR(40), TRY_CONVERT(INTEGER, c.text))
            WHEN @type_name = N'bigint' THEN CONVERT(NVARCHAR(40), TRY_CONVERT(BIGINT, c.text))
            WHEN @type_name IN (N'decimal', N'numeric') THEN CASE
                WHEN c.whole_digits <= @precision - @scale AND c.fraction_digits <= @scale THEN c.text
            END
            WHEN @type_name = N'money' THEN CASE
                WHEN c.fraction_digits <= 4 AND TRY_CONVERT(MONEY, c.text) IS NOT NULL THEN c.text
            END
            WHEN @type_name = N'smallmoney' THEN CASE
                WHEN c.fraction_digits <= 4 AND TRY_CONVERT(SMALLMONEY, c.text) IS NOT NULL THEN c.text
            END
            WHEN @type_name = N'float' THEN CASE WHEN TRY_CONVERT(FLOAT, c.text) IS NOT NULL THEN c.text END
            WHEN @type_name = N'real' THEN CASE WHEN TRY_CONVERT(REAL, c.text) IS NOT NULL THEN c.text END
            WHEN @type_name = N'date' THEN CASE
                WHEN c.moment = CONVERT(DATE, c.moment) THEN CONVERT(NVARCHAR(27), c.moment, 121)
            END
            WHEN @type_name = N'datetime2' THEN CONVERT(NVARCHAR(27), c.moment, 121)
            WHEN @type_name = N'datetime' THEN CASE
                WHEN TRY_CONVERT(DATETIME, c.moment) IS NOT NULL THEN CONVERT(NVARCHAR(27), c.moment, 121)
            END
            WHEN @type_name = N'smalldatetime' THEN CASE
                WHEN TRY_CONVERT(SMALLDATETIME, c.moment) IS NOT NULL THEN CONVERT(NVARCHAR(27), c.moment, 121)
            END
            WHEN @type_name = N'time' THEN CASE
                WHEN c.text LIKE N'[0-2][0-9]:[0-5][0-9]%' THEN CONVERT(NVARCHAR(16), TRY_CONVERT(TIME(7), c.text), 121)
            END
            WHEN @type_name = N'uniqueidentifier' THEN CASE
                WHEN LEN(c.text) = 36 THEN CONVERT(NVARCHAR(36), TRY_CONVERT(UNIQUEIDENTIFIER, c.text))
            END
            WHEN @type_name IN (N'binary', N'varbinary', N'timestamp', N'rowversion') THEN CASE
                WHEN @max_length = -1
                OR DATALENGTH(TRY_CONVERT(VARBINARY(2000), c.text, 1)) <= @max_length THEN CONVERT(
                    NVARCHAR(4000),
                    TRY_CONVERT(VARBINARY(2000), c.text, 1),
                    1
                )
            END
        END
    ) AS canonical
FROM counted AS c;
GO

-- literals
SELECT 1, 2147483648, 1.5, .5, 5., 1e0, 1.5E-3, 1e+10, $1.5, $-2, 'it''s', N'nœud', N'', 0x0AfF, 0x, NULL, @@ROWCOUNT, @@SPID
GO
SELECT -1, - -1, +-~1, -(2 + 3) * 4, 2 - (3 - 4), (2 - 3) - 4, 2 * (3 + 4), 7 % 3 / 2, 1 | 2 & 3 ^ 4, 8 / (4 / 2)
GO
SELECT a + b * c - d, a.b, s.a.b, d.s.a.b, d..a.b, [odd name], "double quoted", [a]]b], [select], #t.c, c$d, "a""b"
FROM t
GO
DECLARE @a int = 1, @b AS nvarchar(max) = N'x';
SELECT @a + 1, @b + N'y', @a & 4, ~@a
GO
SELECT CASE WHEN a > 1 AND b < 2 THEN 'x' WHEN a IS NULL THEN 'y' ELSE 'z' END, CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 END,
    CASE WHEN EXISTS (SELECT 1 FROM u WHERE u.id = t.id) THEN 1 ELSE 0 END
FROM t
GO
SELECT CAST(a AS decimal(10, 2)), TRY_CAST(a AS int), CONVERT(varchar(30), a, 126), TRY_CONVERT(date, a),
    CONVERT(nvarchar(max), a), PARSE('1,5' AS decimal(9, 2) USING 'de-DE'), TRY_PARSE('x' AS datetime2(7)),
    CAST(a AS dbo.my_type), CAST(a AS double precision), CAST(a AS national character varying(20)), CAST(a AS xml),
    CAST(a AS character varying(5)), CAST(a AS rowversion), CONVERT(binary(8), a), CAST(a AS sysname), CAST(a AS float(24))
FROM t
GO
SELECT a COLLATE Latin1_General_BIN2, a + b COLLATE Latin1_General_CI_AS, (a + b) COLLATE Latin1_General_CI_AI,
    SYSUTCDATETIME() AT TIME ZONE 'UTC' AT TIME ZONE 'Central European Standard Time', a AT TIME ZONE @zone,
    (CASE WHEN a = 1 THEN b END) COLLATE Latin1_General_100_CI_AS_SC, DATEADD(day, 1, a) AT TIME ZONE 'UTC'
FROM t
GO
SELECT COUNT(*), COUNT_BIG(*), COUNT(DISTINCT a), SUM(ALL b), MAX(c), dbo.f(1, DEFAULT), d.s.f(), ISNULL(a, 0), COALESCE(a, b, 1),
    NULLIF(a, ''), LEFT(a, 2), RIGHT(a, 3), IIF(a > b OR c = 1, 'x', 'y'), CHOOSE(2, 'a', 'b'), CURRENT_TIMESTAMP,
    SYSTEM_USER, USER, SESSION_USER, CURRENT_USER, REPLACE(a, 'b', 'c'), CHECKSUM(*), GETDATE(), NEWID()
FROM t
GO
SELECT DATEADD(day, 1, a), DATEDIFF(SECOND, a, b), DATEDIFF_BIG(ms, a, b), DATEPART(weekday, a), DATENAME(mm, a), YEAR(a)
FROM t
GO
SELECT TRIM(a), TRIM('.,' FROM a), NEXT VALUE FOR dbo.s, NEXT VALUE FOR s OVER (ORDER BY a), STRING_AGG(a, ','),
    STRING_AGG(CAST(a AS nvarchar(max)), N', ') WITHIN GROUP (ORDER BY b DESC, c)
FROM t
GO
SELECT ROW_NUMBER() OVER (ORDER BY a), RANK() OVER (PARTITION BY a, b ORDER BY c DESC), SUM(a) OVER (),
    SUM(a) OVER (PARTITION BY b), SUM(a) OVER (ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    AVG(a) OVER (ORDER BY c ROWS 2 PRECEDING), MIN(a) OVER (ORDER BY c RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
    MAX(a) OVER (ORDER BY c ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING), LAG(a, 1, 0) OVER (ORDER BY b), FIRST_VALUE(a) OVER
    (ORDER BY b ROWS UNBOUNDED PRECEDING), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b)
FROM t
GO
SELECT 1 FROM t
WHERE a = 1 AND b <> 2 OR NOT c >= 3 AND (d <= 4 OR e != 5) AND f !< 6 AND g !> 7 AND NOT (h = 1 OR i = 2) AND NOT NOT j = 1
GO
SELECT 1 FROM t
WHERE a BETWEEN 1 AND 2 + 3 AND b NOT BETWEEN 'a' AND 'b' AND c IN (1, 2, @x) AND d NOT IN (SELECT d FROM u)
    AND e LIKE 'a%' AND f NOT LIKE N'[a-c]!%' ESCAPE '!' AND g IS NULL AND h IS NOT NULL AND EXISTS (SELECT * FROM v)
    AND i > ALL (SELECT i FROM w) AND j = ANY (SELECT j FROM w) AND k < SOME (SELECT k FROM w)
GO
SELECT 1 FROM t WHERE (a + b) * 2 > c AND ((a)) = 1 AND ((a = 1)) AND (SELECT MAX(x) FROM u) > (a) AND ((SELECT 1) + 2) = 3
GO
SELECT 1 FROM t WHERE ((SELECT COUNT(*) FROM u) > 1 OR a = 2) AND (((SELECT 1)) = 1) AND (a) COLLATE Latin1_General_BIN = 'x'
GO
SELECT 1 FROM t WHERE (a IN (1, 2) AND (b = 1 OR (c = 2 AND d = 3))) OR (e = 1 AND (f = 2 AND g = 3))
GO
SELECT 1 FROM t WHERE a < = 1 AND b > = 2 AND c < > 3 AND d ! = 4
GO
SELECT (SELECT TOP (1) x FROM u ORDER BY x), (SELECT MAX(a) FROM (SELECT 1 AS a UNION ALL SELECT 2) AS d)
GO
SELECT a.*, b.c AS 'quoted alias', d "other", e [third], f = 1, 'g' = 2, [h] = 3, i i FROM s.a AS a, b
GO
SELECT 1 WHERE NULL IS NULL AND CURRENT_TIMESTAMP > '20200101' AND -a = -b AND ~a > 0
GO
/* a /* nested */ comment */ SELECT /* x */ 1 -- end
GO
SELECT N'a' 'b', N'中文', '--no comment', '/* nor this', [--]
GO
SELECT FORMATMESSAGE('%s', 'x'), JSON_VALUE(a, '$.b'), JSON_QUERY(a), JSON_MODIFY(a, 'append $.b', 1), ISJSON(a),
    HASHBYTES('SHA2_256', a), COMPRESS(a), OBJECT_ID(N'dbo.t', N'U'), SCHEMA_NAME(), CONCAT_WS(N',', a, b), TRANSLATE(a, b, c)
FROM t

SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
name_similarity: how alike two names are, one row with one column similarity from 0 (nothing in common) to 1 (equal).

The share of common pairs of neighbouring characters (Dice's coefficient), without regard to case; both ends count as characters,
so that a right beginning weighs more. Names are at most 128 characters; what is longer is cut. The collation is one that takes a
surrogate pair for the one character that it is.
*/
CREATE OR ALTER FUNCTION notify.name_similarity (@left_name NVARCHAR(4000), @right_name NVARCHAR(4000))
RETURNS TABLE AS RETURN WITH number AS (
    SELECT ones.n + 10 * tens.n + 1 AS n
    FROM (VALUES
        (0),
        (1),
        (2),
        (3),
        (4),
        (5),
        (6),
        (7),
        (8),
        (9)
    ) AS ones (n)
    CROSS JOIN (VALUES
        (0),
        (1),
        (2),
        (3),
        (4),
        (5),
        (6),
        (7),
        (8),
        (9),
        (10),
        (11),
        (12)
    ) AS tens (n)
),
side AS (
    SELECT 1 AS number, N'^' + LOWER(LEFT(@left_name COLLATE Latin1_General_100_CI_AS_SC, 128)) + N'$' AS text
    UNION ALL
    SELECT 2, N'^' + LOWER(LEFT(@right_name COLLATE Latin1_General_100_CI_AS_SC, 128)) + N'$'
),
pair AS (
    SELECT DISTINCT s.number, SUBSTRING(s.text, i.n, 2) AS characters
    FROM side AS s
    INNER JOIN number AS i ON i.n < LEN(s.text)
),
shared AS (
    SELECT p.characters, COUNT(*) AS sides FROM pair AS p GROUP BY p.characters
)
SELECT 2.0 * SUM(CASE WHEN s.sides = 2 THEN 1 ELSE 0 END) / SUM(s.sides) AS similarity FROM shared AS s;
GO

SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
described_columns: a table's columns as check_columns read them from the catalog, once for a request.

Parameters  @columns: check_columns' JSON
Returns     what table_columns gives, and, for a variable that is compared with the column: variable_type; variable_value: its value
            from a text (? stands for it); as_operand: the variable (?) as it stands beside reference. A variable has the database's
            collation: in char and varchar of another one its code page would lose characters. There it is Unicode, and
            converted where it is compared.
*/
CREATE OR ALTER FUNCTION notify.described_columns (@columns NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    j.column_name AS column_name,
    j.column_id AS column_id,
    j.type_name AS type_name,
    j.scale AS scale,
    j.is_computed AS is_computed,
    j.declared_type AS declared_type,
    j.reference AS reference,
    j.as_text AS as_text,
    j.as_match AS as_match,
    j.as_stamp AS as_stamp,
    j.from_text AS from_text,
    CASE WHEN j.is_foreign = 1 THEN N'nvarchar(4000)' ELSE j.declared_type END AS variable_type,
    CASE WHEN j.is_foreign = 1 THEN N'?' ELSE j.from_text END AS variable_value,
    CASE
        WHEN j.is_foreign = 1 THEN N'CONVERT(' + j.declared_type + N', ? COLLATE ' + j.collation_name + N')'
        ELSE N'?'
    END AS as_operand
FROM OPENJSON(@columns) WITH (
    column_name NVARCHAR(128),
    column_id INTEGER,
    type_name NVARCHAR(128),
    scale TINYINT,
    collation_name NVARCHAR(128),
    is_computed BIT,
    is_foreign BIT,
    declared_type NVARCHAR(300),
    reference NVARCHAR(MAX),
    as_text NVARCHAR(MAX),
    as_match NVARCHAR(MAX),
    as_stamp NVARCHAR(MAX),
    from_text NVARCHAR(400)
) AS j;
GO

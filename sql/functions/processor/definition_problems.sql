SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_problems: everything that is wrong with a definition, seen against the copy of the replica's catalog.

Parameters  @definition: a JSON object (the caller has checked that it is one).
Returns     path (where in the definition), value (as given), problem (a sentence), suggestion (the nearest right name, or NULL).
*/
CREATE OR ALTER FUNCTION notify.definition_problems (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT p.path, p.value, p.problem, p.suggestion
FROM notify.definition_shape_problems(@definition) AS p
UNION ALL
SELECT p.path, p.value, p.problem, p.suggestion FROM notify.definition_column_problems(@definition) AS p
UNION ALL
SELECT p.path, p.value, p.problem, p.suggestion FROM notify.definition_criterion_problems(@definition) AS p
UNION ALL
SELECT p.path, p.value, p.problem, p.suggestion FROM notify.definition_rule_problems(@definition) AS p;
GO

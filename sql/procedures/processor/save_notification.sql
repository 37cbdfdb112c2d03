SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
save_notification: checks a definition and stores it. The only writer of definitions; a new one is a draft until it is activated.

Parameters  @definition: a notification as JSON (sql/README.md has its keys); @dry_run: 1 checks and compares, and stores nothing.
Results     1  path, value, problem, suggestion: everything that is wrong with it; no row: nothing is.
            2  one row: action (created, changed, unchanged; NULL with problems), definition_before, definition_after (as stored).
Errors      50010 another session is saving or activating
Locks       application lock notify.definition, then the definition's rows. Saving a definition that is in force makes scans
            under way on its table worthless, so that no page is judged by two definitions.
What tells rows apart (keys) or says what is new (stamp columns, time zone) is not changed under a notification in force.
*/
CREATE OR ALTER PROCEDURE notify.save_notification @definition NVARCHAR(MAX), @dry_run BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @problem TABLE (
        problem_number INTEGER IDENTITY(1, 1) NOT NULL PRIMARY KEY,
        path NVARCHAR(300) NOT NULL,
        value NVARCHAR(400) NULL,
        problem NVARCHAR(400) NOT NULL,
        suggestion NVARCHAR(300) NULL
    );
    DECLARE @watched_table_id INTEGER;
    DECLARE @notification_id INTEGER;
    DECLARE @table_before NVARCHAR(MAX);
    DECLARE @former_table_id INTEGER;
    DECLARE @before NVARCHAR(MAX);
    DECLARE @after NVARCHAR(MAX);
    DECLARE @action VARCHAR(10);

    IF COALESCE(ISJSON(@definition), 0) = 0
    BEGIN
        INSERT @problem (path, value, problem)
        VALUES (N'', LEFT(@definition, 400), N'The definition is not JSON.');
        SET @definition = N'{}';
    END;
    ELSE IF LEFT(JSON_QUERY(@definition, '$'), 1) <> N'{'
    BEGIN
        INSERT @problem (path, value, problem)
        VALUES (N'', LEFT(@definition, 400), N'The definition is not a JSON object.');
        SET @definition = N'{}';
    END;

    BEGIN TRY
        BEGIN TRANSACTION;
        EXECUTE notify.lock_definitions;

        IF NOT EXISTS (SELECT 1 FROM @problem AS p)
        BEGIN
            SET @definition = notify.merged_definition(@definition);
            INSERT @problem (path, value, problem, suggestion)
            SELECT p.path, p.value, p.problem, p.suggestion
            FROM notify.definition_problems(@definition) AS p
            ORDER BY p.path, p.problem;
        END;

        IF NOT EXISTS (SELECT 1 FROM @problem AS p)
        BEGIN
            SELECT
                @notification_id = n.notification_id,
                @former_table_id = n.watched_table_id,
                @before = notify.definition_of(n.notification_id)
            FROM notify.notification AS n
            WHERE n.name = JSON_VALUE(@definition, '$.name');
            SELECT @table_before = notify.table_definition(wt.watched_table_id)
            FROM notify.find_table(
                COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo'),
                JSON_VALUE(@definition, '$.table.name')
            ) AS t
            INNER JOIN notify.watched_table AS wt ON wt.schema_name = t.schema_name AND wt.table_name = t.table_name;

            EXECUTE notify.write_watched_table @definition = @definition, @watched_table_id = @watched_table_id OUTPUT;
            EXECUTE notify.write_notification
                @definition = @definition,
                @watched_table_id = @watched_table_id,
                @notification_id = @notification_id OUTPUT;
            SET @after = notify.definition_of(@notification_id);

            /* Written and compared: what must not change while it is in force is found here, and rolled back. */
            INSERT @problem (path, value, problem, suggestion)
            SELECT p.path, p.value, p.problem, NULL
            FROM notify.edit_problems(
                @notification_id,
                @former_table_id,
                @table_before,
                notify.table_definition(@watched_table_id)
            ) AS p
            ORDER BY p.path, p.problem;
        END;

        IF NOT EXISTS (SELECT 1 FROM @problem AS p)
            SET @action = CASE
                    WHEN @before IS NULL THEN 'created'
                    WHEN @before = @after COLLATE Latin1_General_BIN2 THEN 'unchanged'
                    ELSE 'changed'
                END;

        IF @action IN ('created', 'changed') AND @dry_run = 0
        BEGIN
            EXECUTE notify.restart_scans @watched_table_id = @watched_table_id;
            INSERT notify.notification_history (notification_id, action, version, definition, done_at, done_by)
            SELECT n.notification_id, @action, n.version, @after, n.saved_at, n.saved_by
            FROM notify.notification AS n
            WHERE n.notification_id = @notification_id;
            COMMIT TRANSACTION;
        END;
        ELSE
            ROLLBACK TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT p.path, p.value, p.problem, p.suggestion FROM @problem AS p ORDER BY p.problem_number;
    SELECT @action AS action, @before AS definition_before, @after AS definition_after;
END;
GO

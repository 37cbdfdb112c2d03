INSERT INTO dbo.t (a, b) VALUES (1, DEFAULT), (@x, N'y')
GO
INSERT t VALUES (1)
GO
INSERT INTO t DEFAULT VALUES
GO
INSERT TOP (5) INTO t WITH (TABLOCK) (a) OUTPUT inserted.id, inserted.a INTO @out (id, a) SELECT a FROM u WHERE b = 1
GO
INSERT INTO @t (a) OUTPUT inserted.* SELECT 1 UNION ALL SELECT 2 ORDER BY 1
GO
INSERT t (a) (SELECT b FROM u)
GO
INSERT INTO t (a) OUTPUT inserted.a INTO #log OUTPUT inserted.id AS new_id, 'x' AS kind VALUES (1)
GO
INSERT INTO t (a, b) EXECUTE dbo.p @x = 1, @y = 'a'
GO
INSERT INTO #r EXEC sp_executesql N'SELECT 1'
GO
INSERT t EXEC (N'SELECT 1' + @s)
GO
WITH c AS (SELECT 1 AS a) INSERT INTO t (a) SELECT a FROM c OPTION (MAXDOP 1)
GO
UPDATE t SET a = 1, b = DEFAULT, c += 1, [d] = NULL WHERE id = @id
GO
UPDATE TOP (10) t WITH (ROWLOCK, READPAST) SET a = a + 1 OUTPUT deleted.a AS old, inserted.a INTO @o (x, y) WHERE b = 1 OPTION (RECOMPILE)
GO
UPDATE x SET x.a = u.a, @v = x.b, @n = b = b + 1, @m += 2 FROM t AS x JOIN u ON u.id = x.id WHERE u.z IS NULL
GO
UPDATE dbo.t SET dbo.t.a = 1 FROM dbo.t INNER JOIN u ON t.id = u.id
GO
WITH c AS (SELECT TOP (@n) * FROM q WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK) WHERE due <= @now ORDER BY priority, id)
UPDATE c SET token = @token OUTPUT inserted.id, inserted.payload
GO
UPDATE @t SET a = (SELECT MAX(b) FROM u), b = CASE WHEN a = 1 THEN 2 END
GO
DELETE FROM t WHERE id IN (SELECT id FROM u)
GO
DELETE TOP (4000) FROM dbo.t WITH (ROWLOCK) OUTPUT deleted.id INTO @gone WHERE created < @before
GO
DELETE x OUTPUT deleted.* FROM t AS x JOIN u ON x.id = u.id WHERE u.a = 1
GO
DELETE FROM t FROM t JOIN u ON t.id = u.id
GO
WITH c AS (SELECT TOP (1) * FROM t ORDER BY id) DELETE FROM c
GO
DELETE t
GO
TRUNCATE TABLE dbo.t
GO
EXEC dbo.p
GO
EXECUTE @r = dbo.p 1, N'x', @a, @b OUTPUT, DEFAULT, NULL, -1, 1.5, 0x01, @@ROWCOUNT
GO
EXEC p @a = 1, @b = @c OUT, @d = DEFAULT, @e = N'x' WITH RECOMPILE
GO
EXEC @name @x
GO
EXEC sp_help orders
GO
EXEC ('SELECT 1')
GO
EXEC (@sql + N' WHERE 1 = 0' + @more)
GO
EXEC sp_executesql N'SELECT @a', N'@a int, @b int OUTPUT', @a = 1, @b = @x OUTPUT
GO
EXEC p WITH RESULT SETS ((a int NOT NULL, b nvarchar(10) NULL))
GO
EXEC p 1 WITH RESULT SETS NONE
GO
sp_who2
GO
sp_rename N'dbo.t.a', N'b', N'COLUMN'
GO
EXECUTE AS USER = N'app'; REVERT
GO
EXECUTE AS CALLER

import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.Date;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;

/** Does one thing after the other through Microsoft's JDBC driver, and prints a line of each: its name, a tab, what came of it. */
public class JdbcClient {
    interface Step { Object run() throws Exception; }

    static String url;

    static Connection connect(String options) throws SQLException {
        return DriverManager.getConnection(url + options);
    }

    static void step(String name, Step step) {
        String told;
        try {
            told = String.valueOf(step.run());
        } catch (SQLException e) {
            told = "error " + e.getErrorCode() + " " + e.getSQLState() + ": " + e.getMessage();
        } catch (Exception e) {
            told = "failed: " + e;
        }
        System.out.println(name + "\t" + told.replaceAll("\\s+", " "));
    }

    static String rows(ResultSet found) throws SQLException {
        ResultSetMetaData columns = found.getMetaData();
        StringJoiner rows = new StringJoiner(" ");
        while (found.next()) {
            StringJoiner row = new StringJoiner(",", "(", ")");
            for (int i = 1; i <= columns.getColumnCount(); i++) row.add(found.getString(i));
            rows.add(row.toString());
        }
        found.close();
        return rows.toString();
    }

    static String columns(ResultSet found, String... names) throws SQLException {
        StringJoiner rows = new StringJoiner(" ");
        while (found.next()) {
            StringJoiner row = new StringJoiner(",", "(", ")");
            for (String name : names) row.add(found.getString(name));
            rows.add(row.toString());
        }
        found.close();
        return rows.toString();
    }

    static String everything(Statement statement, boolean isResult) throws SQLException {
        StringJoiner told = new StringJoiner(" ");
        while (true) {
            if (isResult) told.add(rows(statement.getResultSet()));
            else if (statement.getUpdateCount() == -1) return told.toString();
            else told.add("count " + statement.getUpdateCount());
            isResult = statement.getMoreResults();
        }
    }

    static void bind(PreparedStatement into, Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) into.setObject(i + 1, values[i]);
    }

    public static void main(String[] arguments) throws Exception {
        url = "jdbc:sqlserver://127.0.0.1:" + arguments[0] + ";user=sa;password={" + arguments[1].replace("}", "}}")
            + "};databaseName=Sales;trustServerCertificate=true;connectRetryCount=0;";
        for (String encrypt : new String[] {"true", "false"}) {
            step("encrypt=" + encrypt, () -> {
                try (Connection one = connect("encrypt=" + encrypt)) {
                    return rows(one.createStatement().executeQuery(
                        "SELECT encrypt_option, program_name FROM sys.dm_exec_connections AS c"
                        + " JOIN sys.dm_exec_sessions AS s ON s.session_id = c.session_id WHERE c.session_id = @@SPID"));
                }
            });
        }
        Connection connection = connect("encrypt=false");
        Statement statement = connection.createStatement();
        types(connection, statement);
        prepared(connection, statement);
        calls(connection, statement);
        errors(connection, statement);
        transactions(statement);
        cancels(connection, statement);
        metadata(connection);
        logins(statement);
    }

    static void types(Connection connection, Statement statement) throws SQLException {
        statement.executeUpdate("CREATE TABLE every_type (id int IDENTITY CONSTRAINT pk_every_type PRIMARY KEY, b bit, ti tinyint,"
            + " si smallint, i int, bi bigint, f float, r real, m money, d decimal(20, 5), c char(3), vc varchar(20), nv nvarchar(50),"
            + " vm varchar(max), nm nvarchar(max), bin binary(4), vb varbinary(max), dd date, tm time(3), dt datetime, d2 datetime2(7),"
            + " o datetimeoffset(7), g uniqueidentifier, rv rowversion, twice AS i * 2)");
        PreparedStatement insert = connection.prepareStatement(
            "INSERT INTO every_type (b, ti, si, i, bi, f, r, m, d, c, vc, nv, vm, nm, bin, vb, dd, tm, dt, d2, o, g)"
            + " VALUES (" + "?, ".repeat(21) + "?)", Statement.RETURN_GENERATED_KEYS);
        Object[] values = {
            true, (short) 200, (short) -300, 70000, 1L << 50, 1.25, 0.5f, new BigDecimal("12.34"), new BigDecimal("5.00001"), "abc",
            "é€", "żółw 😀", "long".repeat(5000), "ż".repeat(6000), new byte[] {0, 1, 2, 3}, new byte[20000],
            Date.valueOf("1999-01-02"), java.sql.Time.valueOf("01:02:03"), Timestamp.valueOf("2020-01-02 03:04:05.01"),
            LocalDateTime.parse("2020-01-02T03:04:05.1234567"), OffsetDateTime.parse("2020-01-02T03:04:05.5+02:00"),
            "00112233-4455-6677-8899-aabbccddeeff"};
        // The first is sp_executesql, the second sp_prepexec, the third sp_execute.
        for (int i = 1; i <= 3; i++) {
            step("insert " + i, () -> {
                bind(insert, values);
                return insert.executeUpdate() + " key " + rows(insert.getGeneratedKeys());
            });
        }
        step("values", () -> {
            ResultSet row = statement.executeQuery("SELECT * FROM every_type WHERE id = 2");
            row.next();
            return List.of(row.getBoolean("b"), row.getShort("ti"), row.getShort("si"), row.getInt("i"), row.getLong("bi"),
                row.getDouble("f"), row.getFloat("r"), row.getBigDecimal("m"), row.getBigDecimal("d"), row.getString("c"),
                row.getString("vc"), row.getString("nv"), row.getString("vm").length(), row.getString("nm").length(),
                Arrays.toString(row.getBytes("bin")), row.getBytes("vb").length, row.getDate("dd"), row.getTime("tm"),
                row.getTimestamp("dt"), row.getObject("d2", LocalDateTime.class), row.getObject("o", OffsetDateTime.class),
                row.getString("g"), row.getBytes("rv").length, row.getInt("twice"));
        });
        step("nulls", () -> {
            PreparedStatement none = connection.prepareStatement("INSERT INTO every_type (i, nv, d2) VALUES (?, ?, ?)");
            none.setNull(1, Types.INTEGER);
            none.setNull(2, Types.NVARCHAR);
            none.setNull(3, Types.TIMESTAMP);
            none.executeUpdate();
            return rows(statement.executeQuery("SELECT i, nv, d2, vb, g FROM every_type WHERE id = 4"));
        });
        step("columns", () -> {
            ResultSetMetaData columns = statement.executeQuery("SELECT id, d, nv, nm, twice FROM every_type").getMetaData();
            List<String> told = new ArrayList<>();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                told.add(columns.getColumnName(i) + " " + columns.getColumnTypeName(i) + "(" + columns.getPrecision(i) + ","
                    + columns.getScale(i) + ")" + (columns.isAutoIncrement(i) ? " identity" : "")
                    + (columns.isNullable(i) == ResultSetMetaData.columnNullable ? " null" : "") + (columns.isReadOnly(i) ? " read-only" : ""));
            }
            return told;
        });
        step("streams", () -> {
            PreparedStatement streams = connection.prepareStatement("SELECT LEN(?), DATALENGTH(?)");
            streams.setCharacterStream(1, new java.io.StringReader("y".repeat(100000)));
            streams.setBinaryStream(2, new java.io.ByteArrayInputStream(new byte[100001]));
            return rows(streams.executeQuery());
        });
        step("many rows", () -> {
            ResultSet found = statement.executeQuery("WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                + " SELECT a.i * 100 + b.i, REPLICATE('x', 100) FROM n AS a CROSS JOIN n AS b");
            long sum = 0;
            while (found.next()) sum += found.getInt(1) + found.getString(2).length();
            return sum;
        });
        step("a result left half read", () -> {
            ResultSet found = statement.executeQuery("SELECT a.id, REPLICATE('x', 4000) FROM every_type AS a CROSS JOIN sys.objects AS b");
            found.next();
            found.close();
            return rows(statement.executeQuery("SELECT 1"));
        });
    }

    static void prepared(Connection connection, Statement statement) throws SQLException {
        statement.executeUpdate("CREATE TABLE batched (n int NOT NULL CONSTRAINT pk_batched PRIMARY KEY, s nvarchar(20) NULL)");
        for (String options : new String[] {
            "prepareMethod=prepare", "enablePrepareOnFirstPreparedStatementCall=true", "sendStringParametersAsUnicode=false",
            "disableStatementPooling=false;statementPoolingCacheSize=10", "sendTimeAsDatetime=false", "packetSize=512",
            "responseBuffering=full"}) {
            step(options, () -> {
                try (Connection one = connect("encrypt=false;" + options)) {
                    PreparedStatement query = one.prepareStatement("SELECT ? + 1, ?, (SELECT COUNT(*) FROM every_type WHERE id < ?)");
                    String told = "";
                    for (int i = 0; i < 4; i++) {
                        bind(query, i, "é" + i, i);
                        told += rows(query.executeQuery());
                    }
                    return told;
                }
            });
        }
        step("batch", () -> {
            PreparedStatement insert = connection.prepareStatement("INSERT INTO batched VALUES (?, ?)");
            for (int i = 0; i < 5; i++) {
                bind(insert, i, "s" + i);
                insert.addBatch();
            }
            return Arrays.toString(insert.executeBatch());
        });
        step("batch with an error", () -> {
            PreparedStatement insert = connection.prepareStatement("INSERT INTO batched VALUES (?, NULL)");
            for (int n : new int[] {10, 10, 11}) {
                insert.setInt(1, n);
                insert.addBatch();
            }
            try {
                return Arrays.toString(insert.executeBatch());
            } catch (BatchUpdateException e) {
                return Arrays.toString(e.getUpdateCounts()) + " " + e.getErrorCode() + " "
                    + rows(statement.executeQuery("SELECT n FROM batched WHERE n >= 10"));
            }
        });
        step("parameters", () -> {
            var told = connection.prepareStatement("SELECT n FROM batched WHERE n = ? AND s = ?").getParameterMetaData();
            return told.getParameterTypeName(1) + " " + told.getParameterTypeName(2) + "(" + told.getPrecision(2) + ")";
        });
    }

    static void calls(Connection connection, Statement statement) throws SQLException {
        statement.execute("CREATE PROCEDURE dbo.doubled @a int, @b nvarchar(20) = N'd', @c int OUTPUT, @at datetime2(3) = NULL OUTPUT AS"
            + " BEGIN SET @c = @a * 2; SET @at = '2020-01-02'; PRINT N'hi'; SELECT @a AS a, @b AS b; SELECT 2 AS two; RETURN 7 END");
        step("call", () -> {
            CallableStatement call = connection.prepareCall("{? = call dbo.doubled(?, ?, ?, ?)}");
            call.registerOutParameter(1, Types.INTEGER);
            call.setInt(2, 21);
            call.setString(3, "x");
            call.registerOutParameter(4, Types.INTEGER);
            call.registerOutParameter(5, Types.TIMESTAMP);
            return everything(call, call.execute()) + " returned " + call.getInt(1) + " " + call.getInt(4) + " " + call.getTimestamp(5);
        });
        step("call by names", () -> {
            CallableStatement call = connection.prepareCall("{call dbo.doubled(?, ?, ?)}");
            call.setInt("a", 4);
            call.setString("b", "y");
            call.registerOutParameter("c", Types.INTEGER);
            return everything(call, call.execute()) + " " + call.getInt("c");
        });
        step("several results", () -> everything(statement, statement.execute(
            "SELECT 1; UPDATE batched SET s = N'u' WHERE n < 2; SELECT 2 WHERE 1 = 0; INSERT INTO batched VALUES (20, NULL)")));
        step("messages", () -> {
            statement.execute("PRINT 'printed'; RAISERROR('low', 5, 1)");
            return statement.getWarnings().getMessage() + ", " + statement.getWarnings().getNextWarning().getMessage();
        });
    }

    static void errors(Connection connection, Statement statement) throws SQLException {
        step("division by zero", () -> statement.executeQuery("SELECT 1/0"));
        step("unknown table", () -> {
            PreparedStatement query = connection.prepareStatement("SELECT * FROM nothing_here WHERE a = ?");
            query.setInt(1, 1);
            return query.executeQuery();
        });
        step("duplicate key", () -> statement.executeUpdate("INSERT INTO batched VALUES (0, NULL)"));
        step("error behind a result", () -> {
            statement.execute("SELECT 1; THROW 50001, N'late', 3");
            rows(statement.getResultSet());
            return statement.getMoreResults();
        });
        step("refused", () -> statement.execute("CREATE TRIGGER x ON batched AFTER INSERT AS SELECT 1"));
        step("server cursor", () -> connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)
            .executeQuery("SELECT n FROM batched"));
        step("bulk copy", () -> {
            try (Connection one = connect("encrypt=false;useBulkCopyForBatchInsert=true")) {
                PreparedStatement insert = one.prepareStatement("INSERT INTO batched (n) VALUES (?)");
                insert.setInt(1, 900);
                insert.addBatch();
                return Arrays.toString(insert.executeBatch());
            }
        });
        step("after the errors", () -> rows(statement.executeQuery("SELECT 1")));
    }

    static void transactions(Statement statement) {
        step("savepoints", () -> {
            try (Connection one = connect("encrypt=false")) {
                one.setAutoCommit(false);
                Statement inside = one.createStatement();
                inside.executeUpdate("INSERT INTO batched VALUES (30, NULL)");
                Savepoint point = one.setSavepoint("before");
                inside.executeUpdate("INSERT INTO batched VALUES (31, NULL)");
                one.rollback(point);
                one.commit();
                inside.executeUpdate("INSERT INTO batched VALUES (32, NULL)");
                one.rollback();
                return rows(inside.executeQuery("SELECT n FROM batched WHERE n >= 30"));
            }
        });
        for (int level : new int[] {1, 2, 4, 8, 4096}) {
            step("isolation " + level, () -> {
                try (Connection one = connect("encrypt=false")) {
                    one.setTransactionIsolation(level);
                    one.setAutoCommit(false);
                    return rows(one.createStatement().executeQuery(
                        "SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID"));
                }
            });
        }
        step("lock time-out", () -> {
            try (Connection holder = connect("encrypt=false"); Connection waiter = connect("encrypt=false;lockTimeout=50")) {
                holder.setAutoCommit(false);
                holder.createStatement().executeUpdate("UPDATE batched SET s = N'held' WHERE n = 0");
                return waiter.createStatement().executeUpdate("UPDATE batched SET s = N'waited' WHERE n = 0");
            }
        });
        step("a connection closed inside a transaction", () -> {
            Connection one = connect("encrypt=false");
            one.setAutoCommit(false);
            one.createStatement().executeUpdate("DELETE FROM batched");
            one.close();
            return rows(statement.executeQuery("SELECT COUNT(*) FROM batched WHERE n < 5"));
        });
    }

    static void cancels(Connection connection, Statement statement) throws SQLException {
        step("query time-out", () -> {
            try (Statement slow = connection.createStatement()) {
                slow.setQueryTimeout(1);
                return slow.execute("WAITFOR DELAY '00:05:00'");
            }
        });
        step("cancel", () -> {
            try (Statement slow = connection.createStatement()) {
                Thread canceller = new Thread(() -> {
                    try (Connection other = connect("encrypt=false"); Statement look = other.createStatement()) {
                        String taken = "DECLARE @r int; EXECUTE @r = sp_getapplock 'running', 'Exclusive', 'Session', 0;"
                            + " IF @r >= 0 EXECUTE sp_releaseapplock 'running', 'Session'; SELECT @r";
                        while (!rows(look.executeQuery(taken)).equals("(-1)")) Thread.onSpinWait();
                    } catch (SQLException e) {
                        System.err.println(e);
                    }
                    try {
                        slow.cancel();
                    } catch (SQLException e) {
                        System.err.println(e);
                    }
                });
                canceller.start();
                try {
                    return slow.execute("EXECUTE sp_getapplock 'running', 'Exclusive', 'Session'; WAITFOR DELAY '00:05:00'");
                } finally {
                    canceller.join();
                }
            }
        });
        step("after the cancels", () -> {
            statement.execute("EXECUTE sp_releaseapplock 'running', 'Session'");
            return rows(statement.executeQuery("SELECT @@TRANCOUNT"));
        });
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData told = connection.getMetaData();
        connection.createStatement().execute("CREATE TABLE dbo.child (id int NOT NULL CONSTRAINT pk_child PRIMARY KEY, parent int NULL"
            + " CONSTRAINT fk_child REFERENCES dbo.every_type (id) ON DELETE CASCADE); CREATE UNIQUE INDEX ix_child ON dbo.child (parent, id)");
        step("product", () -> told.getDatabaseProductName() + " " + told.getDatabaseMajorVersion() + " " + told.getUserName());
        step("tables", () -> columns(told.getTables(null, "dbo", "%", new String[] {"TABLE"}), "TABLE_NAME", "TABLE_TYPE"));
        step("column list", () -> columns(told.getColumns(null, "dbo", "batched", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "IS_NULLABLE"));
        step("primary key", () -> columns(told.getPrimaryKeys(null, "dbo", "every_type"), "COLUMN_NAME", "PK_NAME"));
        step("imported keys", () -> columns(told.getImportedKeys(null, "dbo", "child"), "PKTABLE_NAME", "FKCOLUMN_NAME", "FK_NAME", "DELETE_RULE"));
        step("indexes", () -> columns(told.getIndexInfo(null, "dbo", "child", true, true), "INDEX_NAME", "COLUMN_NAME"));
        step("procedures", () -> columns(told.getProcedures(null, "dbo", "%"), "PROCEDURE_NAME"));
        step("procedure columns", () -> columns(told.getProcedureColumns(null, "dbo", "doubled", "%"), "COLUMN_NAME", "TYPE_NAME"));
        step("catalogs", () -> columns(told.getCatalogs(), "TABLE_CAT"));
        step("another catalog", () -> {
            connection.setCatalog("Stock");
            return connection.getCatalog() + " " + rows(connection.createStatement().executeQuery("SELECT DB_NAME()"));
        });
    }

    static void logins(Statement statement) {
        step("wrong password", () -> connect("encrypt=false;password=wrong"));
        step("unknown database", () -> connect("encrypt=false;databaseName=nowhere"));
        step("untrusted certificate", () -> connect("encrypt=true;trustServerCertificate=false"));
        step("read-only intent", () -> {
            try (Connection one = connect("encrypt=false;applicationIntent=ReadOnly"); Statement inside = one.createStatement()) {
                return rows(inside.executeQuery("SELECT DB_NAME()")) + " " + inside.executeUpdate("CREATE TABLE x (a int)");
            }
        });
    }
}

import CSQLite

/// What SQLite says went wrong.
struct DatabaseError: Error, CustomStringConvertible {
    let code: Int32
    let message: String

    var isFull: Bool { code & 0xff == SQLITE_FULL }
    var description: String { "database: \(message)" }
}

/// A value of a column.
enum DatabaseValue {
    case null
    case int(Int)
    case real(Double)
    case text(String)

    init(_ value: Int?) { self = value.map { .int($0) } ?? .null }
    init(_ value: Double?) { self = value.map { .real($0) } ?? .null }
    init(_ value: String?) { self = value.map { .text($0) } ?? .null }
}

/// A row of a result, by the columns' names.
struct DatabaseRow {
    fileprivate let values: [String: DatabaseValue]

    func int(_ name: String) -> Int? { if case .int(let value)? = values[name] { value } else { nil } }
    func text(_ name: String) -> String? { if case .text(let value)? = values[name] { value } else { nil } }

    func real(_ name: String) -> Double? {
        switch values[name] {
        case .real(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }
}

/// An SQLite database with a write-ahead log, synchronized with the disk at every commit. Used by one thread at a time.
final class Database {
    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]

    /// Opens or creates a database, and brings its tables up to date.
    ///
    /// - Parameter migrations: the statements of each version; versions that the file has already are left out.
    init(path: String, migrations: [String]) throws {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw DatabaseError(code: code, message: message)
        }
        self.handle = handle
        try execute(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;")
        let version = try rows("PRAGMA user_version").first?.int("user_version") ?? 0
        guard version <= migrations.count else {
            throw DatabaseError(
                code: SQLITE_ERROR,
                message: "made by a newer version (found \(version), expected at most \(migrations.count))")
        }
        for (i, migration) in migrations.enumerated().dropFirst(version) {
            try execute("BEGIN IMMEDIATE; \(migration); PRAGMA user_version=\(i + 1); COMMIT;")
        }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    private var error: DatabaseError {
        DatabaseError(code: sqlite3_extended_errcode(handle), message: String(cString: sqlite3_errmsg(handle)))
    }

    private func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            let error = error
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Runs all or nothing of `body`.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Runs a statement and returns the number of rows that it changed.
    @discardableResult
    func run(_ sql: String, _ values: DatabaseValue...) throws -> Int {
        try step(sql, values) { _ in }
        return Int(sqlite3_changes(handle))
    }

    func rows(_ sql: String, _ values: DatabaseValue...) throws -> [DatabaseRow] {
        var rows: [DatabaseRow] = []
        try step(sql, values) { rows.append($0) }
        return rows
    }

    private func step(_ sql: String, _ values: [DatabaseValue], _ row: (DatabaseRow) -> Void) throws {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)  // SQLITE_TRANSIENT
        for (i, value) in values.enumerated() {
            let index = Int32(i + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(statement, index)
                case .int(let value): sqlite3_bind_int64(statement, index, Int64(value))
                case .real(let value): sqlite3_bind_double(statement, index, value)
                case .text(let value): sqlite3_bind_text(statement, index, value, Int32(value.utf8.count), copies)
                }
            guard code == SQLITE_OK else { throw error }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: row(Self.row(statement))
            case SQLITE_DONE: return
            default: throw error
            }
        }
    }

    private func prepared(_ sql: String) throws -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else { throw error }
        statements[sql] = statement
        return statement
    }

    private static func row(_ statement: OpaquePointer) -> DatabaseRow {
        var values: [String: DatabaseValue] = [:]
        for column in 0..<sqlite3_column_count(statement) {
            let value: DatabaseValue =
                switch sqlite3_column_type(statement, column) {
                case SQLITE_INTEGER: .int(Int(sqlite3_column_int64(statement, column)))
                case SQLITE_FLOAT: .real(sqlite3_column_double(statement, column))
                case SQLITE_TEXT: .text(String(cString: sqlite3_column_text(statement, column)))
                default: .null
                }
            values[String(cString: sqlite3_column_name(statement, column))] = value
        }
        return DatabaseRow(values: values)
    }
}

/// The tables, version by version. A version that was released is never changed; a new one is added.
enum Migrations {
    static let all = [
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL UNIQUE,
            image_id TEXT NOT NULL,
            name TEXT NOT NULL,
            origin TEXT NOT NULL,
            folder_path TEXT,
            folder_stamp TEXT,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            model TEXT NOT NULL,
            steps INTEGER NOT NULL,
            fidelity REAL NOT NULL,
            seed INTEGER NOT NULL,
            samples INTEGER NOT NULL,
            format TEXT NOT NULL,
            quality INTEGER NOT NULL,
            image_format TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            channels INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            work REAL NOT NULL,
            created REAL NOT NULL,
            started REAL,
            finished REAL,
            seconds REAL,
            error TEXT
        ) STRICT;
        CREATE INDEX jobs_by_state ON jobs (state, sequence);
        CREATE INDEX jobs_by_folder_path ON jobs (folder_path) WHERE folder_path IS NOT NULL;
        CREATE TABLE results (
            job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            sample INTEGER NOT NULL,
            seed INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (job, sample)
        ) STRICT;
        CREATE TABLE speeds (
            model TEXT PRIMARY KEY,
            seconds_per_work REAL NOT NULL
        ) STRICT;
        """
    ]
}

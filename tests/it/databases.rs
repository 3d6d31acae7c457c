//! Questions to a real PostgreSQL: answered by a role that may only read, and changing nothing.

use super::support::{Process, bellwether, eventually, free_port, program, run};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

struct Database {
    folder: tempfile::TempDir,
    port: u16,
    programs: PathBuf,
    _server: Process,
}

/// A program of PostgreSQL, which refuses to be run by root.
fn command(programs: &Path, name: &str) -> Command {
    // SAFETY: it takes nothing and gives a number.
    if unsafe { libc::geteuid() } != 0 {
        return Command::new(programs.join(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(programs.join(name));
    command
}

impl Database {
    /// A server with tables, a role that reads, and one that writes; nothing where there is none.
    fn start() -> Option<Database> {
        let programs = std::fs::read_dir("/usr/lib/postgresql")
            .ok()
            .and_then(|all| {
                let bins = all.flatten().map(|version| version.path().join("bin"));
                bins.filter(|bin| bin.join("initdb").exists()).max()
            });
        let Some(programs) = programs else {
            assert!(program("initdb").is_none(), "it stands where Debian has it");
            return None;
        };
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        // SAFETY: as above.
        if unsafe { libc::geteuid() } == 0 {
            let owner = ["-R", "postgres", folder.path().to_str().unwrap()];
            assert!(
                Command::new("chown")
                    .args(owner)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let made = command(&programs, "initdb")
            .args(["-A", "trust", "-U", "admin", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let server = Process::start(
            command(&programs, "postgres")
                .arg("-D")
                .arg(&data)
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
                .args(["-p", &port.to_string(), "-k"])
                .arg(folder.path())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null()),
        );
        let database = Database {
            folder,
            port,
            programs,
            _server: server,
        };
        eventually("the database answers", Duration::from_secs(30), || {
            database.does("select 1").then_some(())
        });
        for sql in [
            "create table orders (id int, total numeric); insert into orders select n, n * 1.5 from generate_series(1, 300) n",
            "create role reader login; grant select on orders to reader",
            "create role writer login; grant select, insert on orders to writer",
            "create role clerk login; grant select, update (total) on orders to clerk",
            "create role deputy login noinherit; grant writer to deputy; grant select on orders to deputy",
            "create role maker login createdb; grant select on orders to maker",
        ] {
            assert!(database.does(sql), "{sql}");
        }
        Some(database)
    }

    fn does(&self, sql: &str) -> bool {
        let done = command(&self.programs, "psql")
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "admin",
                "-d",
                "postgres",
                "-c",
                sql,
            ])
            .args(["-p", &self.port.to_string()])
            .output();
        done.is_ok_and(|done| done.status.success())
    }

    #[track_caller]
    fn expect(&self, role: &str, query: &str, check: &str, (code, said): (i32, &str)) {
        let file = self.folder.path().join("sql.yaml");
        let url = format!(
            "postgres://{role}:sup3rs3cret@127.0.0.1:{}/postgres",
            self.port
        );
        let text = format!(
            "name: sql\nsecrets: [ DATABASE_URL ]\nsteps:\n  - name: ask\n    timeout: 3s\n    sql: {{ url: \"${{secrets.DATABASE_URL}}\", query: {}, rows: 50 }}\n    check: [ {check:?} ]\n",
            serde_json::Value::from(query)
        );
        std::fs::write(&file, text).unwrap();
        let (found, out, err) = run(bellwether().arg("run").arg(&file).env("DATABASE_URL", url));
        assert_eq!(found, code, "{query}\n{out}{err}");
        assert!(out.contains(said), "{said}\n{out}");
        assert!(!format!("{out}{err}").contains("sup3rs3cret"), "{out}{err}");
    }
}

#[test]
fn a_database_is_asked_by_who_may_only_read_and_nothing_is_changed() {
    let Some(database) = Database::start() else {
        return;
    };
    let reader =
        |query: &str, check: &str, expected| database.expect("reader", query, check, expected);
    reader("select count(*) from orders", "value == 300", (PASS, ""));
    reader(
        "select id, total from orders where id < 3 -- two",
        "rows[1].total == 3.0 && count == 2",
        (PASS, ""),
    );
    reader(
        "select * from orders where id < 0",
        "rows.size() == 0",
        (PASS, ""),
    );
    reader(
        "select count(*) from orders",
        "value < 10",
        (FAIL, "`value` is 300"),
    );
    // What was cut, and what was added up from nothing, is no answer.
    reader(
        "select * from orders",
        "count > 10",
        (DOUBT, "there are more than 50 rows"),
    );
    reader(
        "select sum(total) from orders where id < 0",
        "true",
        (DOUBT, "the only row is null"),
    );
    reader("select pg_sleep(30)", "true", (DOUBT, ""));
    reader("select * from customers", "true", (DOUBT, "42P01"));
    for change in [
        "insert into orders values (1, 1)",
        "select 1; delete from orders",
        "with gone as (delete from orders returning 1) select * from gone",
        "copy orders to '/tmp/orders'",
        "commit",
    ] {
        reader(change, "true", (DOUBT, "PostgreSQL at 127.0.0.1"));
    }
    database.expect(
        "writer",
        "select 1",
        "true",
        (DOUBT, "the role `writer` may write to orders"),
    );
    database.expect(
        "admin",
        "select 1",
        "true",
        (DOUBT, "the role `admin` is a superuser"),
    );
    for (role, what) in [
        ("clerk", "may write to orders"),
        ("deputy", "may write to orders"),
        ("maker", "may make roles or databases"),
    ] {
        let said = format!("the role `{role}` {what}");
        database.expect(role, "select 1", "true", (DOUBT, &said));
    }
    database.expect("nobody", "select 1", "true", (DOUBT, "28000"));
    reader("select count(*) from orders", "value == 300", (PASS, ""));
}

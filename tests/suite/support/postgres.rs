//! A throw-away PostgreSQL cluster from the installed binaries, reached over a
//! socket in its own folder. A test that cannot have one fails.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
}

impl Cluster {
    /// Starts a server of its own with these settings, `-c name=value`, made with these
    /// options of `initdb`.
    pub fn start(settings: &str, options: &[&str]) -> Self {
        let cluster = Self::in_new_folder();
        let data = cluster.data();
        let init = [
            "-D",
            &data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        ];
        cluster.run("initdb", &[&init, options].concat());
        cluster.serve(settings);
        cluster
    }

    /// Starts a server on a copy of the folder of a stopped one.
    pub fn copy(data: &Path, settings: &str) -> Self {
        let cluster = Self::in_new_folder();
        copy(data, Path::new(&cluster.data()));
        cluster.serve(settings);
        cluster
    }

    /// Stops the server, and leaves a copy of its folder.
    pub fn stop_and_keep(self, data: &Path) {
        let stop = ["-D", &self.data(), "-w", "-m", "fast", "stop"];
        self.run("pg_ctl", &stop);
        copy(Path::new(&self.data()), data);
    }

    fn in_new_folder() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("quittance-pg-")
            .tempdir()
            .unwrap();
        let everyone = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), everyone).unwrap();
        Self {
            folder,
            binaries: binaries(),
        }
    }

    fn serve(&self, settings: &str) {
        let path = self.folder.path();
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=60 {settings}",
            path.display()
        );
        let log = path.join("log");
        let log = log.to_str().unwrap();
        self.run(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-l", log, "-o", &options, "start"],
        );
    }

    fn data(&self) -> String {
        let data = self.folder.path().join("data");
        data.to_str().unwrap().to_owned()
    }

    pub fn url(&self) -> String {
        let socket = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres@{socket}/postgres")
    }

    fn run(&self, program: &str, args: &[&str]) {
        let output = self.output(program, args);
        assert!(output.status.success(), "{program}: {output:?}");
    }

    /// PostgreSQL refuses to run as root: it then runs as its own user.
    fn output(&self, program: &str, args: &[&str]) -> Output {
        let program = self.binaries.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // A server that inherits our pipes would keep them open.
        let out = self.folder.path().join("out");
        let out = std::fs::File::create(out).unwrap();
        let errors = out.try_clone().unwrap();
        command
            .args(args)
            .current_dir(self.folder.path())
            .stdout(out)
            .stderr(errors);
        let status = command.status().expect("PostgreSQL's programs must run");
        let said = std::fs::read(self.folder.path().join("out")).unwrap();
        Output {
            status,
            stdout: said,
            stderr: Vec::new(),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.output("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }
}

/// With its owner, who need not be us.
fn copy(from: &Path, to: &Path) {
    let mut copy = Command::new("cp");
    let status = copy.arg("-a").args([from, to]).status().unwrap();
    assert!(status.success(), "{}: {status}", from.display());
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// The newest installed version.
fn binaries() -> PathBuf {
    let root = Path::new("/usr/lib/postgresql");
    let mut versions: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("PostgreSQL must be installed: run scripts/install-test-tools")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().expect("PostgreSQL must be installed")
}

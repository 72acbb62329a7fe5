//! A private server whose clock a test sets, and a connection to look at its keys.

use std::cell::RefCell;
use std::env;
use std::fs::{DirBuilder, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Starts the server and waits at a pipe whose other end this process holds, so that the server ends with it, however
/// it ends. $1 is the folder, $2 the clock library, the rest the server's command line.
const GUARD: &str = r#"folder=$1 library=$2; shift 2
trap '' INT TERM HUP
LD_PRELOAD=$library KEYWRIGHT_TEST_CLOCK=$folder/clock "$@" </dev/null >"$folder/output" 2>&1 &
read -r _
kill -9 $! 2>/dev/null; wait 2>/dev/null
rm -rf "$folder""#;

pub struct Server {
    pub url: String,
    clock: File,
    link: RefCell<BufReader<UnixStream>>,
    shell: Child,
}

/// A folder of one's own.
pub fn folder() -> Result<PathBuf, String> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(format!("/tmp/keywright-test-rust-{}-{number}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn program() -> String {
    if let Ok(named) = env::var("KEYWRIGHT_SERVER") {
        return named;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .flat_map(|folder| ["redis-server", "valkey-server"].map(|name| folder.join(name)))
        .find(|file| file.is_file());
    found.expect("redis-server or valkey-server on PATH, or KEYWRIGHT_SERVER").display().to_string()
}

impl Server {
    /// Says why not where the clock cannot be set.
    pub fn start() -> Result<Self, String> {
        let library = env::var("KEYWRIGHT_TEST_CLOCK_LIBRARY")
            .map_err(|_| "the server's clock cannot be set here: no KEYWRIGHT_TEST_CLOCK_LIBRARY")?;
        let folder = folder()?;
        let socket = folder.join("s");
        let clock = File::create(folder.join("clock")).expect("a file for the clock");
        clock.set_len(16).expect("room for the clock");
        let shell = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .args([&folder, &PathBuf::from(library), &PathBuf::from(program())])
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .args([&socket, &PathBuf::from("--dir"), &folder])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let end = Instant::now() + Duration::from_secs(10);
        let link = loop {
            match UnixStream::connect(&socket) {
                Ok(link) => break link,
                Err(error) => assert!(Instant::now() < end, "the server does not answer: {error}"),
            }
            sleep(Duration::from_millis(2));
        };
        link.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let url = format!("unix://{}", socket.display());
        let server = Server { url, clock, link: RefCell::new(BufReader::new(link)), shell };
        server.freeze(1_700_000_000_000_000);
        if server.command(&[b"TIME"]) != serde_json::json!(["1700000000", "0"]) {
            return Err("this server's clock cannot be held to the microsecond".into());
        }
        Ok(server)
    }

    /// Lets the server's clock stand still at a moment.
    pub fn freeze(&self, us: i64) {
        self.clock.write_all_at(&us.to_ne_bytes(), 8).expect("the clock is set");
    }

    /// Sends one command and gives its reply: texts, numbers as texts, null, lists.
    pub fn command(&self, words: &[&[u8]]) -> Value {
        let mut out = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            out.extend(format!("${}\r\n", word.len()).bytes());
            out.extend(*word);
            out.extend(b"\r\n");
        }
        let mut link = self.link.borrow_mut();
        link.get_mut().write_all(&out).expect("the server takes a command");
        reply(&mut link)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn reply(link: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    link.read_line(&mut line).expect("a reply");
    let (kind, rest) = line.trim_end().split_at(1);
    match (kind, rest.parse::<i64>().unwrap_or(-1)) {
        ("+" | ":", _) => rest.into(),
        ("$" | "*", ..=-1) => Value::Null,
        ("$", length) => {
            let mut data = vec![0; length as usize + 2];
            link.read_exact(&mut data).expect("a whole reply");
            data.truncate(length as usize);
            String::from_utf8_lossy(&data).into()
        }
        ("*", count) => (0..count).map(|_| reply(link)).collect(),
        _ => panic!("the server replied {line:?}"),
    }
}

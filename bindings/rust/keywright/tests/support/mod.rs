//! What the tests share: a private server for the process, and ways to wait and to count.
#![allow(dead_code)] // each test takes what it needs

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use keywright::{Client, Error, Result, Status};

/// The address of the private server that all tests of this process share.
pub fn url() -> &'static str {
    static SERVER: OnceLock<(Client, String)> = OnceLock::new();
    let (_, url) = SERVER.get_or_init(|| {
        let client = Client::open("embedded://").expect("a private server");
        let url = client.url();
        (client, url)
    });
    url
}

/// A name that no other test uses.
pub fn name(test: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("{test} {}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// Fails unless the call failed in that way.
pub fn failed<T: std::fmt::Debug>(result: Result<T>, status: Status) -> Error {
    let error = result.expect_err("a failure");
    assert_eq!(error.status(), status, "{error}");
    error
}

/// Waits for something that another thread or the library brings about.
pub fn until(what: &str, reached: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !reached() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many threads this process has; none where that cannot be read.
pub fn threads() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse().ok())
}

/// Other tests run beside this one and have threads of their own; those that would be one each are many more.
pub fn few_more_threads(before: Option<usize>) {
    let now = threads();
    assert!(now < before.map(|count| count + 60) || now.is_none(), "from {before:?} to {now:?} threads");
}

/// A runtime of two threads.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

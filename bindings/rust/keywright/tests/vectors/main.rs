//! Runs the scenarios of tests/vectors, in the form that tests/vectors/README.md tells, blocking and awaited; and sees
//! that what cannot be right is refused. Each scenario is a test: this is a harness of its own.

mod counter;
mod joint;
mod limiter;
mod quota;
mod read;
mod run;
mod server;
mod top;
mod unique;
mod words;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use read::{Scenario, Words};
use run::Door;
use server::Server;

/// All modules.
pub static MODULES: &[&Words] = &[&counter::WORDS, &joint::WORDS, &limiter::WORDS, &quota::WORDS, &top::WORDS, &unique::WORDS];

fn main() -> ExitCode {
    let only = env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let server = Server::start();
    let mut harness = Harness { only, failed: 0 };
    harness.test("vectors: an empty folder is refused", an_empty_folder_is_refused);
    harness.test("vectors: every folder is run", every_folder_is_run);
    match &server {
        Err(why) => harness.skip("vectors", why),
        Ok(server) => all(&mut harness, server),
    }
    drop(server);
    ExitCode::from(u8::from(harness.failed > 0))
}

fn all(harness: &mut Harness, server: &Server) {
    let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"));
    for door in [Door::Blocking, Door::Awaited(runtime)] {
        for words in MODULES {
            match read::folder(&vectors().join(words.module)) {
                Err(why) => harness.test(words.module, || Err(why)),
                Ok(scenarios) => {
                    for scenario in &scenarios {
                        let name = format!("vectors, {door}: {}/{}", words.module, scenario.name);
                        harness.test(&name, || run::run(server, &door, scenario));
                    }
                }
            }
        }
    }
    for file in refused() {
        let name = format!("vectors, refused: {}", file.file_stem().unwrap_or_default().to_string_lossy());
        harness.test(&name, || is_refused(server, &file));
    }
    harness
        .test("vectors: there is something to refuse", || (refused().len() >= 20).then_some(()).ok_or("no".into()));
}

/// Prints what libtest would.
struct Harness {
    only: String,
    failed: u32,
}

impl Harness {
    fn test(&mut self, name: &str, test: impl FnOnce() -> Result<(), String>) {
        if !name.contains(&self.only) {
            return;
        }
        match test() {
            Ok(()) => println!("test {name} ... ok"),
            Err(why) => {
                self.failed += 1;
                println!("{why}\ntest {name} ... FAILED");
            }
        }
    }

    fn skip(&mut self, name: &str, why: &str) {
        println!("test {name} ... ignored, {why}");
    }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors")
}

fn refused() -> Vec<PathBuf> {
    read::files(&vectors().join("refused"))
}

fn is_refused(server: &Server, file: &Path) -> Result<(), String> {
    let done = read::file(file).and_then(|scenarios: Vec<Scenario>| {
        scenarios.iter().try_for_each(|scenario| run::run(server, &Door::Blocking, scenario))
    });
    match done {
        Ok(()) => Err("it was not refused".into()),
        Err(why) => {
            if env::var_os("KEYWRIGHT_TEST_SHOW").is_some() {
                println!("{}: {why}", file.display());
            }
            Ok(())
        }
    }
}

fn an_empty_folder_is_refused() -> Result<(), String> {
    let empty = server::folder()?;
    let found = read::folder(&empty);
    fs::remove_dir(&empty).map_err(|error| error.to_string())?;
    found.map_or(Ok(()), |_| Err("it was not refused".into()))
}

fn every_folder_is_run() -> Result<(), String> {
    let entries = fs::read_dir(vectors()).map_err(|error| error.to_string())?;
    let found: BTreeSet<_> = entries
        .flatten()
        .filter(|entry| !read::files(&entry.path()).is_empty())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let run: BTreeSet<_> = MODULES.iter().map(|words| words.module).chain(["refused"]).map(String::from).collect();
    (found == run).then_some(()).ok_or_else(|| format!("there are {found:?}, and {run:?} are run"))
}

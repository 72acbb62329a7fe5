//! Finds the C library, by KEYWRIGHT_PREFIX or by pkg-config. Downloads nothing and builds nothing.
//!
//! - `KEYWRIGHT_PREFIX`: the folder that the library was installed into, where pkg-config does not look.
//! - `KEYWRIGHT_STATIC`: anything but empty or 0 links the archive instead of the shared library. What the archive
//!   needs besides is known to pkg-config alone.
//! - `PKG_CONFIG`, `PKG_CONFIG_PATH`: as everywhere.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    for name in ["KEYWRIGHT_PREFIX", "KEYWRIGHT_STATIC", "PKG_CONFIG", "PKG_CONFIG_PATH", "DOCS_RS"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    let library = if env::var_os("CARGO_FEATURE_TEST").is_some() { "keywright_test" } else { "keywright" };
    let archive = env::var("KEYWRIGHT_STATIC").is_ok_and(|value| !value.is_empty() && value != "0");
    let found = match env::var_os("KEYWRIGHT_PREFIX").filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => in_prefix(Path::new(&prefix), library, archive),
        None => by_pkg_config(library, archive, None),
    };
    match found {
        Ok(libraries) => libraries.link(library, archive),
        Err(why) => {
            eprintln!("The C library {library} was not found: {why}");
            eprintln!("Install it, or set KEYWRIGHT_PREFIX to the folder it was installed into.");
            std::process::exit(1);
        }
    }
}

#[derive(Default)]
struct Libraries {
    folders: Vec<PathBuf>,
    others: Vec<String>,
}

impl Libraries {
    fn link(&self, library: &str, archive: bool) {
        for folder in &self.folders {
            println!("cargo:rustc-link-search=native={}", folder.display());
        }
        println!("cargo:rustc-link-lib={}={library}", if archive { "static" } else { "dylib" });
        for other in &self.others {
            println!("cargo:rustc-link-lib={other}");
        }
        if let Some(folder) = self.folders.first() {
            println!("cargo:libdir={}", folder.display());
        }
    }
}

fn in_prefix(prefix: &Path, library: &str, archive: bool) -> Result<Libraries, String> {
    let multiarch = format!("lib/{}-linux-gnu", env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default());
    for folder in ["lib", "lib64", multiarch.as_str()] {
        let folder = prefix.join(folder);
        if ["so", "dylib", "a"].iter().any(|end| folder.join(format!("lib{library}.{end}")).exists()) {
            if archive {
                return by_pkg_config(library, archive, Some(&folder.join("pkgconfig")));
            }
            return Ok(Libraries { folders: vec![folder], others: Vec::new() });
        }
    }
    Err(format!("there is none below {}", prefix.display()))
}

fn by_pkg_config(library: &str, archive: bool, first: Option<&Path>) -> Result<Libraries, String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let mut command = Command::new(&program);
    command.arg("--libs").args(archive.then_some("--static")).arg(library);
    let known = env::var_os("PKG_CONFIG_PATH").unwrap_or_default();
    let path = env::join_paths(first.map(Path::to_owned).into_iter().chain(env::split_paths(&known)));
    command.env("PKG_CONFIG_PATH", path.map_err(|error| error.to_string())?);
    let output = command.output().map_err(|error| format!("{program} does not run ({error})"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let mut libraries = Libraries::default();
    for flag in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(folder) = flag.strip_prefix("-L") {
            libraries.folders.push(folder.into());
        } else if let Some(name) = flag.strip_prefix("-l").filter(|name| *name != library) {
            libraries.others.push(name.to_owned());
        }
    }
    Ok(libraries)
}

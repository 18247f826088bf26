//! The libraries in program and plugins, with their licences.
//!
//! `assets/libraries.txt` lists them for all systems and is shown by the window's help. A package's
//! `NOTICE` also holds the texts of the licences, each once, as cargo's registry has them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::root;

/// A library of another project.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Library {
    name: String,
    version: String,
    licence: String,
}

/// Writes `assets/libraries.txt`.
pub fn write() -> Result<()> {
    let path = list_path()?;
    fs::write(&path, list(&libraries()?)).with_context(|| format!("writing {}", path.display()))
}

/// Returns the text of `NOTICE`.
pub fn text() -> Result<String> {
    let libraries = libraries()?;
    let mut text = list(&libraries);
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for library in &libraries {
        let name = format!("{} {}", library.name, library.version);
        for licence in licence_texts(library)? {
            let users = texts.entry(licence).or_default();
            if users.last() != Some(&name) {
                users.push(name.clone());
            }
        }
    }
    for (licence, users) in texts {
        text += &format!("\n{}\n{}\n\n{licence}\n", "-".repeat(80), users.join(", "));
    }
    Ok(text)
}

fn list_path() -> Result<PathBuf> {
    Ok(root()?.join("assets/libraries.txt"))
}

fn list(libraries: &[Library]) -> String {
    let head = "Residue contains these libraries of other projects (name, version, licence):\n\n";
    let lines = libraries
        .iter()
        .map(|library| format!("{} {}: {}\n", library.name, library.version, library.licence));
    head.to_owned() + &lines.collect::<String>()
}

/// Returns the libraries that program and plugins are linked with, on any system, by name.
fn libraries() -> Result<Vec<Library>> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--package", "residue", "--package", "residue-plugin"])
        // As packages are built.
        .args(["--features", "residue/reference"])
        .args(["--edges", "normal", "--target", "all", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}\t{l}"])
        .current_dir(root()?)
        .output()
        .context("running cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).context("names of crates are UTF-8")?;
    let mut libraries: Vec<Library> = text.lines().filter_map(parse).collect();
    libraries.sort();
    libraries.dedup();
    Ok(libraries)
}

/// Parses a line of `cargo tree`; `None` for crates of this workspace, which have a path.
fn parse(line: &str) -> Option<Library> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let ours = words.next().is_some_and(|word| word.starts_with("(/") || word.contains(":\\"));
    let licence = if licence.is_empty() { "see its text" } else { licence };
    (!ours).then(|| Library {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.to_owned(),
    })
}

/// Returns the licence files in a library's source.
fn licence_texts(library: &Library) -> Result<Vec<String>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let sources = home.context("HOME is not set")?.join("registry/src");
    let folder = format!("{}-{}", library.name, library.version);
    for registry in
        fs::read_dir(&sources).with_context(|| format!("reading {}", sources.display()))?
    {
        let source = registry?.path().join(&folder);
        if source.is_dir() {
            return texts_in(&source);
        }
    }
    // A library of another system only, which was never fetched.
    Ok(Vec::new())
}

fn texts_in(source: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(source).with_context(|| format!("reading {}", source.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase());
        let holds_licence = name.is_some_and(|name| {
            ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
                .iter()
                .any(|it| name.starts_with(it))
        });
        if holds_licence && path.is_file() {
            let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            texts.push(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim_end().to_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_tree_are_read() {
        let library = parse("ringbuf v0.4.8\tMIT OR Apache-2.0").unwrap();
        assert_eq!((library.name.as_str(), library.version.as_str()), ("ringbuf", "0.4.8"));
        assert_eq!(library.licence, "MIT OR Apache-2.0");
        assert_eq!(parse("residue v0.2.0 (/home/user/residue/app)\tMIT"), None);
        assert_eq!(parse("serde_derive v1.0.2 (proc-macro)\tMIT").unwrap().name, "serde_derive");
    }

    /// Fails where a library was added, removed or updated: `cargo xtask notice` writes the list again.
    #[test]
    fn the_list_is_that_of_the_lock_file() {
        let listed = fs::read_to_string(list_path().unwrap()).unwrap();
        assert_eq!(listed, list(&libraries().unwrap()), "run `cargo xtask notice`");
    }
}

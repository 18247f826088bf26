//! Dependencies held to `deny.toml`: licences, sources and duplicates, from `cargo metadata`. Advisories
//! need a database: `cargo xtask deny` checks them with cargo-deny.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The only place that crates may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the texts in quotes of the list that begins with `start` in a file of TOML, without comments.
fn list(toml: &str, start: &str) -> Vec<String> {
    let rules = toml.split_once(start).expect(start).1;
    let rules = rules.split_once("\n]").expect("the list ends").0;
    let lines = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].take();
    packages.as_array().expect("a list").clone()
}

/// Returns whether a licence expression (SPDX, or the older `A/B`) is met with allowed licences.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let (met, rest) = either(&words, allowed);
    met && rest.is_empty()
}

/// Reads `A OR B ...`; returns whether it is met, and the words after it.
fn either<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = all(words, allowed);
    while let Some((&"OR", after)) = rest.split_first() {
        let (next, after) = all(after, allowed);
        (met, rest) = (met | next, after);
    }
    (met, rest)
}

/// Reads `A AND B ...`.
fn all<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = one(words, allowed);
    while let Some((&"AND", after)) = rest.split_first() {
        let (next, after) = one(after, allowed);
        (met, rest) = (met & next, after);
    }
    (met, rest)
}

/// Reads one licence, with its exception, or an expression in parentheses.
fn one<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    match words {
        ["(", rest @ ..] => {
            let (met, rest) = either(rest, allowed);
            match rest.split_first() {
                Some((&")", rest)) => (met, rest),
                _ => (false, rest),
            }
        }
        [licence, "WITH", exception, rest @ ..] => {
            (allowed.contains(&format!("{licence} WITH {exception}")), rest)
        }
        [licence, rest @ ..] => (allowed.contains(*licence), rest),
        [] => (false, words),
    }
}

#[test]
fn licences_and_sources_are_allowed_and_duplicates_are_known() {
    let rules = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let allowed: BTreeSet<String> = list(&rules, "[licenses]\nallow = [").into_iter().collect();
    let skipped: BTreeSet<String> = list(&rules, "\nskip = [").into_iter().collect();
    assert!(allowed.len() > 5 && !skipped.is_empty(), "the rules were read");
    let mut problems = Vec::new();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let packages = packages();
    assert!(packages.len() > 100);
    for package in &packages {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let (name, version) = (text("name"), text("version"));
        versions.entry(name.to_owned()).or_default().push(version.to_owned());
        // Crates of the workspace have no source.
        if !package["source"].is_null() && text("source") != REGISTRY {
            problems.push(format!("{name} comes from {}", text("source")));
        }
        if !is_allowed(text("license"), &allowed) {
            let licence = text("license");
            problems.push(format!("{name} has the licence {licence:?}; is it one for deny.toml?"));
        }
    }
    for (name, versions) in versions {
        let unknown: Vec<&String> = versions
            .iter()
            .filter(|version| !skipped.contains(&format!("{name}@{version}")))
            .collect();
        if unknown.len() > 1 {
            problems.push(format!(
                "{name} has the versions {unknown:?}: use one, or list all but one under `skip` in deny.toml"
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn licence_expressions_are_understood() {
    let allowed: BTreeSet<String> =
        ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "MIT AND ISC",
        "(X OR MIT) AND ISC",
        "Apache-2.0 WITH LLVM-exception OR X",
    ] {
        assert!(is_allowed(met, &allowed), "{met}");
    }
    for not in ["", "GPL-3.0", "MIT AND X", "(MIT OR X) AND Y", "Apache-2.0", "(MIT", "MIT ISC"] {
        assert!(!is_allowed(not, &allowed), "{not}");
    }
}

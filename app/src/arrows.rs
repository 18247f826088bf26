//! Holds the modules to the arrows in the crate's documentation.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with those that it may use.
const ARROWS: [(&str, &[&str]); 12] = [
    (
        "cli",
        &[
            "window",
            "blind",
            "studio",
            "device",
            "comparison_picture",
            "console",
            "cost",
            "speed",
            "explained",
            "terminal",
            "version",
        ],
    ),
    ("window", &["blind", "studio", "device", "explained", "terminal", "version"]),
    ("blind", &["studio"]),
    ("studio", &["device", "cost", "speed"]),
    ("device", &[]),
    ("comparison_picture", &[]),
    ("console", &[]),
    ("cost", &[]),
    ("speed", &[]),
    ("explained", &[]),
    ("terminal", &[]),
    ("version", &[]),
];

/// Files of a module, which is a file or a folder of them.
fn files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.with_extension("rs")];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Modules of the crate that a text names in paths, other than in comments.
fn used(text: &str) -> Vec<&str> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default()
        })
        .collect()
}

#[test]
fn modules_use_only_those_that_the_arrows_lead_to() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (module, may_use) in ARROWS {
        for file in files(&source.join(module)) {
            for used in used(&fs::read_to_string(&file).unwrap()) {
                let known = ARROWS.iter().any(|(name, _)| *name == used);
                let fits = !known || used == module || may_use.contains(&used);
                assert!(fits, "{} uses {used}", file.display());
                seen += usize::from(known);
            }
        }
    }
    assert!(seen > 50, "only {seen} paths were found");
}

//! The modules of the crate, held to the order that its documentation states.

use std::path::Path;

/// Rows of the table in `src/lib.rs`; a module may use those of rows above its own, and those before
/// it in its row.
const ROWS: [&[&str]; 5] = [
    &[
        "error",
        "batch_times",
        "settings",
        "marked_ring",
        "sync",
        "history",
        "non_finite",
        "declick",
        "timing",
        "routing",
        "loudness_match",
        "level_guard",
        "lane_block",
    ],
    &["marks", "model", "status", "telemetry", "latency", "loss_model", "mixer", "shared_passes"],
    &["chain", "worker", "frame_times"],
    &["lane_reader", "concealment", "port"],
    &["control"],
];

/// Row and place of a module.
fn place(module: &str) -> (usize, usize) {
    ROWS.iter()
        .enumerate()
        .find_map(|(row, modules)| Some((row, modules.iter().position(|name| *name == module)?)))
        .unwrap_or_else(|| panic!("{module} has no row"))
}

/// The sibling modules that a source file uses.
fn used(source: &str) -> Vec<&str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("super::").skip(1))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn modules_use_only_modules_above_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut modules, mut uses) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() || name == "lib" {
            continue;
        }
        modules += 1;
        let source = std::fs::read_to_string(&path).unwrap();
        for other in used(&source) {
            uses += 1;
            assert!(place(other) < place(&name), "{name} uses {other}");
            // The two sides meet in the rings alone.
            assert!(
                place(&name).0 != 3 || place(other).0 != 2,
                "the audio thread's {name} uses the worker's {other}"
            );
        }
    }
    assert_eq!(modules, ROWS.iter().map(|row| row.len()).sum::<usize>());
    assert!(uses > 40, "the sources were read: {uses}");
}

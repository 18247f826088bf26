//! The dependencies between the workspace's crates, held to their layers.
//!
//! ```text
//! kernels <- core <- codec  <- models
//!                 <- live
//!                 <- media
//!                 <- blind
//! conventional (on none of ours)
//!            engine: the facade on all of these
//!            ui <- plugin, app: on the facade
//!            raster (on egui alone) <- app, ui's tests
//! ```

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// A crate of the workspace, the crates of the workspace that it may depend on, and the reason.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    reason: &'static str,
}

/// The layers, lowest first.
const LAYERS: [Layer; 17] = [
    Layer {
        name: "residue-kernels",
        may_use: &[],
        reason: "kernels are arithmetic on slices and know no audio, model or file",
    },
    Layer {
        name: "residue-core",
        may_use: &["residue-kernels"],
        reason: "every other crate builds on core",
    },
    Layer {
        name: "residue-codec",
        may_use: &["residue-core", "residue-kernels"],
        reason: "the codec maps samples to codes and back, without audio files or devices",
    },
    Layer {
        name: "residue-conventional",
        may_use: &[],
        reason: "conventional codecs map frames of samples to frames of samples, and know no file and no model",
    },
    Layer {
        name: "residue-live",
        may_use: &["residue-core"],
        reason: "the live path knows codecs only by its own trait, so that it can run any",
    },
    Layer {
        name: "residue-media",
        may_use: &["residue-core"],
        reason: "files and measurements are independent of the model that made the audio",
    },
    Layer {
        name: "residue-models",
        may_use: &["residue-codec", "residue-core"],
        reason: "models finds, fetches and checks the files that codecs are loaded from",
    },
    Layer {
        name: "residue-blind",
        may_use: &["residue-core"],
        reason: "a listening test neither plays nor codes audio",
    },
    Layer {
        name: "residue-engine",
        may_use: &[
            "residue-blind",
            "residue-codec",
            "residue-conventional",
            "residue-core",
            "residue-kernels",
            "residue-live",
            "residue-media",
            "residue-models",
        ],
        reason: "the facade joins the crates below it",
    },
    Layer {
        name: "residue-engine-testing",
        may_use: &["residue-models"],
        reason: "the hub in miniature serves the models crate, whose tests need nothing above it",
    },
    Layer {
        name: "residue-ui",
        may_use: &["residue-engine"],
        reason: "widgets are shared by plugin and app, and know neither",
    },
    Layer {
        name: "residue-raster",
        may_use: &[],
        reason: "the rasterizer draws any egui frame, and knows no widget of ours",
    },
    Layer {
        name: "residue-ui-testing",
        may_use: &["residue-engine", "residue-raster", "residue-ui"],
        reason: "test support uses what tests use",
    },
    Layer {
        name: "residue-plugin",
        may_use: &["residue-engine", "residue-ui"],
        reason: "the plugin is built on the facade",
    },
    Layer {
        name: "residue",
        may_use: &["residue-engine", "residue-raster", "residue-ui"],
        reason: "the app is built on the facade",
    },
    Layer {
        name: "residue-sanitizer",
        may_use: &["residue-engine"],
        reason: "the sanitizer's runs use the facade",
    },
    Layer { name: "xtask", may_use: &[], reason: "xtask must build before the workspace does" },
];

/// A crate's normal dependency graph, crates that it must not hold, and the reason.
struct Exclusion {
    /// Arguments that select the graph.
    tree: &'static [&'static str],
    /// A crate that the graph does hold, as a check that the graph was read.
    holds: &'static str,
    excluded: &'static [&'static str],
    reason: &'static str,
}

const EXCLUSIONS: [Exclusion; 3] = [
    Exclusion {
        tree: &["--package", "residue-plugin"],
        holds: "nice-plug",
        excluded: &["symphonia", "candle-core", "candle-nn", "hound", "hf-hub"],
        reason: "the plugin reads no audio files, runs models on the native executor only, and \
                 downloads them with code of our own",
    },
    Exclusion {
        tree: &["--package", "residue-live"],
        holds: "residue-core",
        excluded: &["ureq", "symphonia", "hound", "safetensors"],
        reason: "the live path touches no file and no network",
    },
    Exclusion {
        tree: &["--package", "residue-codec", "--no-default-features"],
        holds: "residue-kernels",
        excluded: &["candle-core", "candle-nn"],
        reason: "candle is the reference executor's, behind the feature `reference`",
    },
];

/// Runs a cargo command in this workspace and returns its output.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// Returns the names of a package's normal and build dependencies within the workspace.
///
/// Dev-dependencies are left out: tests may use higher layers.
fn workspace_dependencies(package: &Value) -> BTreeSet<&str> {
    package["dependencies"]
        .as_array()
        .expect("a list of dependencies")
        .iter()
        .filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev")
        .map(|dependency| dependency["name"].as_str().expect("a name"))
        .collect()
}

#[test]
fn crates_depend_on_lower_layers_only() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    assert_eq!(packages.len(), LAYERS.len(), "every crate of the workspace has a layer");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let layer = LAYERS.iter().find(|layer| layer.name == name);
        let layer = layer.unwrap_or_else(|| panic!("{name} has no layer: add it to LAYERS"));
        for used in workspace_dependencies(package) {
            assert!(layer.may_use.contains(&used), "{name} depends on {used}: {}", layer.reason);
        }
    }
}

#[test]
fn crates_link_none_of_the_excluded_ones() {
    for Exclusion { tree, holds, excluded, reason } in EXCLUSIONS {
        let output = cargo(&[&["tree", "--edges", "normal", "--prefix", "none"], tree].concat());
        let linked: BTreeSet<&str> =
            output.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(linked.contains(holds), "{tree:?} does not hold {holds}: {output}");
        for name in excluded {
            assert!(!linked.contains(name), "{tree:?} links {name}: {reason}");
        }
    }
}

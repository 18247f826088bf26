//! Tests that every place which names the project names it alike.
//!
//! Saved projects, settings and desktops refer to these names: they never change.

use std::fs;

use crate::bundle::{IDENTIFIER, NAME};
use crate::root;

/// Places that name the project, and what they must hold.
fn places() -> Vec<(&'static str, Vec<String>)> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    vec![
        (
            "plugin/src/plugin.rs",
            vec![
                format!("CLAP_ID: &'static str = \"{IDENTIFIER}\""),
                format!("NAME: &'static str = \"{NAME}\""),
                format!("VENDOR: &'static str = \"{NAME}\""),
                "VST3_CLASS_ID: [u8; 16] = *b\"ResidueCodecFx01\"".to_owned(),
            ],
        ),
        (
            "assets/linux/org.residue.residue.metainfo.xml",
            vec![format!("<id>{IDENTIFIER}</id>"), format!("<name>{NAME}</name>")],
        ),
        ("assets/linux/residue.desktop", texts(&["Name=Residue", "StartupWMClass=residue"])),
        (
            "app/src/window/launch.rs",
            texts(&["with_app_id(\"residue\")", "const FILE: &str = \"window.json\""]),
        ),
        (
            "assets/windows/residue.nsi",
            texts(&[
                r"CurrentVersion\Uninstall\Residue",
                r#""Publisher" "Residue""#,
                "Residue.Codes",
            ]),
        ),
        ("CONTRIBUTING.md", vec![format!("`{IDENTIFIER}`"), "`ResidueCodecFx01`".to_owned()]),
    ]
}

#[test]
fn names_and_ids_are_the_same_everywhere() {
    for (place, expected) in places() {
        let text = fs::read_to_string(root().unwrap().join(place)).unwrap();
        for expected in expected {
            assert!(text.contains(&expected), "{place} lacks `{expected}`");
        }
    }
}

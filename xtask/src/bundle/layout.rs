//! The files of a bundle.
//!
//! Sources: the VST 3 documentation, "Plug-in format structure"; the CLAP header `entry.h`, which says
//! where hosts look and what they expect there.

use std::path::PathBuf;

use super::property_list::{OLDEST_MACOS, PropertyValue, property_list};
use super::system::{OsFamily, TargetSystem};

/// The name of app and plugin, in menus and file names.
pub const NAME: &str = "Residue";
/// The identifier of app and plugin. A test compares every place that names it.
pub const IDENTIFIER: &str = "org.residue.residue";

/// A plugin format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginFormat {
    /// CLAP.
    Clap,
    /// VST3.
    Vst3,
}

/// Both formats.
pub const FORMATS: [PluginFormat; 2] = [PluginFormat::Clap, PluginFormat::Vst3];

impl PluginFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Clap => "clap",
            Self::Vst3 => "vst3",
        }
    }

    /// Returns the folder of a Mac in which hosts look, within the root of the disk or a home folder.
    pub fn mac_folder(self) -> String {
        format!("Library/Audio/Plug-Ins/{}", self.extension().to_uppercase())
    }

    /// Returns the name of the file or folder that hosts look for.
    pub fn bundle(self) -> String {
        format!("{NAME}.{}", self.extension())
    }
}

/// The content of a bundle's file.
#[derive(Debug, PartialEq, Eq)]
pub enum BundleContent {
    /// The built library.
    Library,
    /// A text.
    Text(String),
}

/// Returns the files of a bundle: paths and contents.
pub fn entries(
    format: PluginFormat,
    system: &TargetSystem,
    version: &str,
) -> Vec<(PathBuf, BundleContent)> {
    let bundle = PathBuf::from(format.bundle());
    let contents = bundle.join("Contents");
    match (format, system.family) {
        (_, OsFamily::MacOs) => vec![
            (contents.join("MacOS").join(NAME), BundleContent::Library),
            (contents.join("Info.plist"), BundleContent::Text(info_plist(format, version))),
            (contents.join("PkgInfo"), BundleContent::Text("BNDL????".into())),
        ],
        (PluginFormat::Clap, _) => vec![(bundle, BundleContent::Library)],
        (PluginFormat::Vst3, OsFamily::Linux) => {
            let folder = contents.join(format!("{}-linux", system.processor));
            vec![(folder.join(format!("{NAME}.so")), BundleContent::Library)]
        }
        (PluginFormat::Vst3, OsFamily::Windows) => {
            let processor = if system.processor == "aarch64" { "arm64" } else { &system.processor };
            let folder = contents.join(format!("{processor}-win"));
            vec![(folder.join(format!("{NAME}.vst3")), BundleContent::Library)]
        }
    }
}

fn info_plist(format: PluginFormat, version: &str) -> String {
    property_list(&[
        ("CFBundleDevelopmentRegion", "en".into()),
        ("CFBundleExecutable", NAME.into()),
        ("CFBundleIdentifier", PropertyValue::Text(format!("{IDENTIFIER}.{}", format.extension()))),
        ("CFBundleInfoDictionaryVersion", "6.0".into()),
        ("CFBundleName", NAME.into()),
        ("CFBundlePackageType", "BNDL".into()),
        ("CFBundleShortVersionString", version.into()),
        ("CFBundleSignature", "????".into()),
        ("CFBundleVersion", version.into()),
        ("LSMinimumSystemVersion", OLDEST_MACOS.into()),
        ("NSHighResolutionCapable", true.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(format: PluginFormat, triple: &str) -> String {
        let entries = entries(format, &TargetSystem::of_triple(triple).unwrap(), "1.2.3");
        let found: Vec<_> =
            entries.iter().filter(|(_, it)| *it == BundleContent::Library).collect();
        assert_eq!(found.len(), 1);
        found[0].0.to_str().unwrap().replace('\\', "/")
    }

    #[test]
    fn hosts_find_the_library_where_they_look() {
        for (triple, clap, vst3) in [
            (
                "x86_64-unknown-linux-gnu",
                "Residue.clap",
                "Residue.vst3/Contents/x86_64-linux/Residue.so",
            ),
            (
                "aarch64-unknown-linux-gnu",
                "Residue.clap",
                "Residue.vst3/Contents/aarch64-linux/Residue.so",
            ),
            (
                "aarch64-apple-darwin",
                "Residue.clap/Contents/MacOS/Residue",
                "Residue.vst3/Contents/MacOS/Residue",
            ),
            (
                "x86_64-pc-windows-msvc",
                "Residue.clap",
                "Residue.vst3/Contents/x86_64-win/Residue.vst3",
            ),
            (
                "aarch64-pc-windows-msvc",
                "Residue.clap",
                "Residue.vst3/Contents/arm64-win/Residue.vst3",
            ),
        ] {
            assert_eq!(library(PluginFormat::Clap, triple), clap);
            assert_eq!(library(PluginFormat::Vst3, triple), vst3);
        }
    }

    #[test]
    fn a_mac_bundle_has_its_property_list() {
        let system = TargetSystem::of_triple("x86_64-apple-darwin").unwrap();
        let entries = entries(PluginFormat::Vst3, &system, "1.2.3");
        let plist = entries.iter().find(|(path, _)| path.ends_with("Info.plist")).unwrap();
        let BundleContent::Text(text) = &plist.1 else { panic!("it is text") };
        for expected in [
            "<string>Residue</string>",
            "<string>1.2.3</string>",
            "<string>org.residue.residue.vst3</string>",
            "<key>NSHighResolutionCapable</key>\n\t<true/>",
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn other_systems_are_refused() {
        let error = TargetSystem::of_triple("wasm32-unknown-unknown").unwrap_err().to_string();
        assert!(error.contains("wasm32"), "{error}");
    }
}

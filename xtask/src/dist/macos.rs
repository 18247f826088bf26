//! The package for macOS: a `.pkg` with the app and both plugins, for both processors.
//!
//! | variable | holds | without it |
//! |---|---|---|
//! | `RESIDUE_CODESIGN_IDENTITY` | identity "Developer ID Application: ..." in the keychain | signed for nobody ("ad hoc"): Gatekeeper asks before the first start |
//! | `RESIDUE_INSTALLER_IDENTITY` | identity "Developer ID Installer: ..." | the package is not signed |
//! | `RESIDUE_NOTARY_PROFILE` | profile that `xcrun notarytool store-credentials` keeps | not notarised |
//!
//! Sources: Apple's "Distributing packaged software" and the manual pages of pkgbuild, productbuild, codesign and
//! notarytool.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::staging::Staging;
use super::{VERSION, build_program, documents};
use crate::bundle::{
    self, FORMATS, IDENTIFIER, NAME, OLDEST_MACOS, PropertyValue, TargetSystem, property_array,
    property_list,
};
use crate::macos::{TARGETS, has_target};
use crate::{root, run};

/// Said by macOS where it asks whether the app may use the microphone. Without this text it ends the app there.
const MICROPHONE: &str = "Residue plays your microphone through a neural codec, so that you hear what the codec keeps. \
                          Nothing leaves this computer.";

/// Place of the app in the package.
const APP: &str = "Applications/Residue.app";

/// Builds program and plugins for both processors and makes the package in `folder`.
pub fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    if !cfg!(target_os = "macos") {
        bail!("the package for macOS is made on macOS: only its tools sign it");
    }
    if let Some(target) = TARGETS.iter().find(|target| !has_target(target)) {
        bail!("`rustup target add {target}` is needed for programs that run on both processors");
    }
    let oldest = [("MACOSX_DEPLOYMENT_TARGET", OLDEST_MACOS)];
    let (mut programs, mut libraries) = (Vec::new(), Vec::new());
    for target in TARGETS {
        programs.push(build_program(Some(target), &oldest)?);
        libraries.push(bundle::build_library("dist", Some(target), &oldest)?);
    }
    let universal = Staging::new(folder.join("universal"))?;
    let program = join(&programs, &universal.root().join("residue"))?;
    let library = join(&libraries, &universal.root().join("libresidue_plugin.dylib"))?;
    let bundles = bundle::bundle_library(&TargetSystem::of_triple(TARGETS[0])?, &library)?;

    let staging = Staging::new(folder.join("macos"))?;
    stage(&staging, &program, &bundles)?;
    sign(&staging, folder)?;
    let package = make_package(&staging, folder)?;
    notarise(&package)?;
    Ok(vec![package])
}

/// Joins programs for several processors into one file.
fn join(parts: &[PathBuf], whole: &Path) -> Result<PathBuf> {
    run(Command::new("lipo").arg("-create").args(parts).arg("-output").arg(whole))?;
    Ok(whole.to_owned())
}

/// Puts the package's files into their folder, which stands for the root of the disk or of a home folder.
fn stage(staging: &Staging, program: &Path, bundles: &[PathBuf]) -> Result<()> {
    let within = |place: &str| format!("{APP}/Contents/{place}");
    staging.copy(program, &within("MacOS/residue"))?;
    staging.text(&within("Info.plist"), &info_plist())?;
    staging.text(&within("PkgInfo"), "APPL????")?;
    staging.copy(&root()?.join("assets/icon/residue.icns"), &within("Resources/residue.icns"))?;
    for (name, text) in documents()? {
        staging.text(&within(&format!("Resources/{name}")), &text)?;
    }
    for (format, bundle) in FORMATS.iter().zip(bundles) {
        staging.copy(bundle, &format!("{}/{}", format.mac_folder(), format.bundle()))?;
    }
    Ok(())
}

fn info_plist() -> String {
    property_list(&[
        ("CFBundleDevelopmentRegion", "en".into()),
        ("CFBundleDisplayName", NAME.into()),
        ("CFBundleExecutable", "residue".into()),
        ("CFBundleIconFile", "residue.icns".into()),
        ("CFBundleIdentifier", IDENTIFIER.into()),
        ("CFBundleInfoDictionaryVersion", "6.0".into()),
        ("CFBundleName", NAME.into()),
        ("CFBundlePackageType", "APPL".into()),
        ("CFBundleShortVersionString", VERSION.into()),
        ("CFBundleSignature", "????".into()),
        ("CFBundleVersion", VERSION.into()),
        ("LSApplicationCategoryType", "public.app-category.music".into()),
        ("LSMinimumSystemVersion", OLDEST_MACOS.into()),
        ("NSHighResolutionCapable", true.into()),
        ("NSHumanReadableCopyright", "MIT or Apache-2.0".into()),
        ("NSMicrophoneUsageDescription", MICROPHONE.into()),
        ("NSSupportsAutomaticGraphicsSwitching", true.into()),
    ])
}

/// Returns what the app may do under the hardened runtime, which notarisation asks for.
fn entitlements() -> String {
    property_list(&[
        ("com.apple.security.device.audio-input", true.into()),
        // JACK's library is signed by others.
        ("com.apple.security.cs.disable-library-validation", true.into()),
    ])
}

/// Returns what the installer does with each bundle. Without this it looks for a copy anywhere on the disk, and
/// installs over that one.
fn components() -> String {
    let plugins = FORMATS.iter().map(|it| format!("{}/{}", it.mac_folder(), it.bundle()));
    let component = |path: String| {
        vec![
            ("BundleHasStrictIdentifier", true.into()),
            ("BundleIsRelocatable", false.into()),
            ("BundleIsVersionChecked", false.into()),
            ("BundleOverwriteAction", "upgrade".into()),
            ("RootRelativeBundlePath", PropertyValue::Text(path)),
        ]
    };
    let components: Vec<_> =
        std::iter::once(APP.to_owned()).chain(plugins).map(component).collect();
    property_array(&components)
}

/// Returns the description of the package: systems, processors, and for whom it can be installed.
fn distribution() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<installer-gui-script minSpecVersion="2">
  <title>{NAME} {VERSION}</title>
  <license file="LICENSE-MIT"/>
  <options customize="never" require-scripts="false" hostArchitectures="arm64,x86_64"/>
  <domains enable_anywhere="false" enable_currentUserHome="true" enable_localSystem="true"/>
  <volume-check>
    <allowed-os-versions>
      <os-version min="{OLDEST_MACOS}"/>
    </allowed-os-versions>
  </volume-check>
  <choices-outline>
    <line choice="{IDENTIFIER}"/>
  </choices-outline>
  <choice id="{IDENTIFIER}" title="{NAME}">
    <pkg-ref id="{IDENTIFIER}"/>
  </choice>
  <pkg-ref id="{IDENTIFIER}" version="{VERSION}">residue.pkg</pkg-ref>
</installer-gui-script>
"#
    )
}

/// Returns a variable of the environment, if it holds anything.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Signs the app and the plugins.
fn sign(staging: &Staging, folder: &Path) -> Result<()> {
    let entitled = folder.join("residue.entitlements");
    fs::write(&entitled, entitlements())
        .with_context(|| format!("writing {}", entitled.display()))?;
    let identity = variable("RESIDUE_CODESIGN_IDENTITY");
    let plugins = FORMATS.iter().map(|it| format!("{}/{}", it.mac_folder(), it.bundle()));
    for place in plugins.chain([APP.to_owned()]) {
        let mut command = Command::new("codesign");
        command.args(["--force", "--sign", identity.as_deref().unwrap_or("-")]);
        if identity.is_some() {
            command.args(["--options", "runtime", "--timestamp"]);
        }
        if place == APP {
            command.arg("--entitlements").arg(&entitled);
        }
        let bundle = staging.root().join(place);
        run(command.arg(&bundle))?;
        run(Command::new("codesign").args(["--verify", "--strict"]).arg(&bundle))?;
    }
    Ok(())
}

fn make_package(staging: &Staging, folder: &Path) -> Result<PathBuf> {
    let parts = Staging::new(folder.join("pkg"))?;
    parts.text("components.plist", &components())?;
    parts.text("distribution.xml", &distribution())?;
    parts.copy(&root()?.join("LICENSE-MIT"), "resources/LICENSE-MIT")?;
    let part = parts.root().join("residue.pkg");
    run(Command::new("pkgbuild")
        .arg("--root")
        .arg(staging.root())
        .arg("--component-plist")
        .arg(parts.root().join("components.plist"))
        .args(["--identifier", IDENTIFIER, "--version", VERSION, "--install-location", "/"])
        .args(["--ownership", "recommended"])
        .arg(&part))?;
    let package = folder.join(format!("residue-{VERSION}-universal-macos.pkg"));
    let mut product = Command::new("productbuild");
    product.arg("--distribution").arg(parts.root().join("distribution.xml"));
    product.arg("--resources").arg(parts.root().join("resources"));
    product.arg("--package-path").arg(parts.root());
    if let Some(identity) = variable("RESIDUE_INSTALLER_IDENTITY") {
        product.args(["--sign", &identity, "--timestamp"]);
    }
    run(product.arg(&package))?;
    Ok(package)
}

/// Has Apple examine the package, and attaches its answer, where the environment names a profile.
fn notarise(package: &Path) -> Result<()> {
    let Some(profile) = variable("RESIDUE_NOTARY_PROFILE") else {
        println!("not notarised: RESIDUE_NOTARY_PROFILE is not set");
        return Ok(());
    };
    run(Command::new("xcrun")
        .args(["notarytool", "submit", "--wait", "--keychain-profile", &profile])
        .arg(package))?;
    run(Command::new("xcrun").args(["stapler", "staple"]).arg(package))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn files(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, root, found);
            } else {
                let path = path.strip_prefix(root).unwrap();
                found.insert(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }

    #[test]
    fn the_package_holds_the_app_the_plugins_and_the_licences() {
        let folder = env::temp_dir().join(format!("residue-macos-{}", std::process::id()));
        let staging = Staging::new(folder.join("staging")).unwrap();
        let built = folder.join("built");
        fs::write(&built, b"code").unwrap();
        let bundles: Vec<PathBuf> = FORMATS
            .iter()
            .map(|format| {
                let bundle = folder.join(format.bundle());
                fs::create_dir_all(bundle.join("Contents/MacOS")).unwrap();
                fs::write(bundle.join("Contents/MacOS/Residue"), b"code").unwrap();
                bundle
            })
            .collect();
        stage(&staging, &built, &bundles).unwrap();
        let mut found = BTreeSet::new();
        files(staging.root(), staging.root(), &mut found);
        let expected = [
            "Applications/Residue.app/Contents/Info.plist",
            "Applications/Residue.app/Contents/MacOS/residue",
            "Applications/Residue.app/Contents/PkgInfo",
            "Applications/Residue.app/Contents/Resources/CHANGELOG.md",
            "Applications/Residue.app/Contents/Resources/LICENSE-APACHE",
            "Applications/Residue.app/Contents/Resources/LICENSE-MIT",
            "Applications/Residue.app/Contents/Resources/NOTICE",
            "Applications/Residue.app/Contents/Resources/README.md",
            "Applications/Residue.app/Contents/Resources/residue.icns",
            "Library/Audio/Plug-Ins/CLAP/Residue.clap/Contents/MacOS/Residue",
            "Library/Audio/Plug-Ins/VST3/Residue.vst3/Contents/MacOS/Residue",
        ];
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_app_says_what_the_microphone_is_for() {
        let text = info_plist();
        for expected in [
            "<key>NSMicrophoneUsageDescription</key>\n\t<string>Residue plays your microphone",
            "<key>CFBundleIdentifier</key>\n\t<string>org.residue.residue</string>",
            "<key>CFBundleExecutable</key>\n\t<string>residue</string>",
            "<key>CFBundlePackageType</key>\n\t<string>APPL</string>",
            "<key>CFBundleIconFile</key>\n\t<string>residue.icns</string>",
            "<key>LSMinimumSystemVersion</key>\n\t<string>11.0</string>",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(text.contains(&format!("<string>{VERSION}</string>")));
        let entitled = "<key>com.apple.security.device.audio-input</key>\n\t<true/>";
        assert!(entitlements().contains(entitled));
    }

    /// A bundle that is relocatable is installed wherever a copy of it lies.
    #[test]
    fn bundles_are_installed_where_they_belong() {
        let text = components();
        assert_eq!(text.matches("<key>BundleIsRelocatable</key>\n\t<false/>").count(), 3);
        for place in [
            APP,
            "Library/Audio/Plug-Ins/CLAP/Residue.clap",
            "Library/Audio/Plug-Ins/VST3/Residue.vst3",
        ] {
            assert!(text.contains(&format!("<string>{place}</string>")), "{text}");
        }
        let text = distribution();
        assert!(
            text.contains(r#"hostArchitectures="arm64,x86_64""#) && text.contains(r#"min="11.0""#)
        );
    }
}

//! Packages for Linux: a `.deb`, and a `.tar.gz` with an install script for one user.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::staging::Staging;
use super::{VERSION, documents, git, run};
use crate::root;

/// Libraries that the window looks for when it opens, and the command line does without.
const RECOMMENDS: &str =
    "libgl1, libegl1, libxkbcommon-x11-0, libxcursor1, libxi6, libxrandr2, libx11-xcb1";

/// Makes both packages in `folder`; returns their paths.
pub fn packages(folder: &Path, program: &Path, bundles: &[PathBuf]) -> Result<Vec<PathBuf>> {
    Ok(vec![deb(folder, program, bundles)?, archive(folder, program, bundles)?])
}

/// Puts what both packages hold under `prefix`.
fn stage(staging: &Staging, prefix: &str, program: &Path, bundles: &[PathBuf]) -> Result<()> {
    let assets = root()?.join("assets");
    let linux = assets.join("linux");
    let at = |place: &str| format!("{prefix}{place}");
    staging.copy(program, &at("bin/residue"))?;
    for bundle in bundles {
        let name =
            bundle.file_name().and_then(|name| name.to_str()).context("a bundle has a name")?;
        let format = name.rsplit('.').next().unwrap_or_default();
        staging.copy(bundle, &at(&format!("lib/{format}/{name}")))?;
    }
    staging.copy(&linux.join("residue.desktop"), &at("share/applications/residue.desktop"))?;
    staging.copy(&linux.join("residue-mime.xml"), &at("share/mime/packages/residue.xml"))?;
    let metainfo = read(&linux.join("org.residue.residue.metainfo.xml"))?;
    let metainfo = metainfo
        .replace("@VERSION@", VERSION)
        .replace("@DATE@", &git(&["log", "-1", "--format=%cs"])?);
    staging.text(&at("share/metainfo/org.residue.residue.metainfo.xml"), &metainfo)?;
    for size in [16, 24, 32, 48, 64, 128, 256, 512] {
        let icon = assets.join(format!("icon/residue-{size}.png"));
        staging.copy(&icon, &at(&format!("share/icons/hicolor/{size}x{size}/apps/residue.png")))?;
    }
    let drawing = assets.join("icon/residue.svg");
    staging.copy(&drawing, &at("share/icons/hicolor/scalable/apps/residue.svg"))?;
    write_manual(staging, prefix, program)?;
    for (name, text) in documents()? {
        staging.text(&at(&format!("share/doc/residue/{name}")), &text)?;
    }
    Ok(())
}

/// Has the program write its manual pages and completions, and puts each where shells look.
fn write_manual(staging: &Staging, prefix: &str, program: &Path) -> Result<()> {
    let made = Staging::new(root()?.join("target/packages/manual"))?;
    run(Command::new(program).arg("write-manual").arg(made.root()))?;
    let zsh = if prefix == "usr/" { "vendor-completions" } else { "site-functions" };
    for entry in fs::read_dir(made.root()).context("reading the manual")? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("names are UTF-8")?;
        let place = match name {
            "residue.bash" => "share/bash-completion/completions/residue".to_owned(),
            "_residue" => format!("share/zsh/{zsh}/_residue"),
            "residue.fish" => "share/fish/vendor_completions.d/residue.fish".to_owned(),
            page => format!("share/man/man1/{page}"),
        };
        staging.copy(&path, &format!("{prefix}{place}"))?;
    }
    Ok(())
}

fn deb(folder: &Path, program: &Path, bundles: &[PathBuf]) -> Result<PathBuf> {
    let processor = match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no Debian architecture is known for {other}"),
    };
    let staging = Staging::new(folder.join("deb"))?;
    stage(&staging, "usr/", program, bundles)?;
    staging.text("usr/share/doc/residue/copyright", &copyright()?)?;
    let installed = size(&staging.root().join("usr"))?.div_ceil(1024);
    let depends = depends(&staging)?;
    let control = format!(
        "Package: residue\nVersion: {VERSION}\nArchitecture: {processor}\n\
         Maintainer: Residue <residue@localhost>\nInstalled-Size: {installed}\n\
         Depends: {depends}\nRecommends: {RECOMMENDS}\nSuggests: ffmpeg\nSection: sound\n\
         Priority: optional\nDescription: hear what a neural codec leaves behind\n \
         Runs a neural audio codec live: desktop app, command line, and CLAP and VST3\n \
         plugins. A small model is built in.\n"
    );
    staging.text("DEBIAN/control", &control)?;
    let package = folder.join(format!("residue_{VERSION}_{processor}.deb"));
    run(Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zxz", "--build"])
        .arg(staging.root())
        .arg(&package))?;
    Ok(package)
}

/// Returns the packages that program and plugins are linked with, as dpkg-shlibdeps finds them.
fn depends(staging: &Staging) -> Result<String> {
    let work = Staging::new(root()?.join("target/packages/shlibdeps"))?;
    work.text("debian/control", "Source: residue\n\nPackage: residue\nArchitecture: any\n")?;
    let root = staging.root();
    let library = bundle_library(&root.join("usr/lib/vst3"))?;
    let output = Command::new("dpkg-shlibdeps")
        .arg("-O")
        .arg(root.join("usr/bin/residue"))
        .arg(root.join("usr/lib/clap/Residue.clap"))
        .arg(library)
        .current_dir(work.root())
        .output()
        .context("running dpkg-shlibdeps (Debian: dpkg-dev)")?;
    if !output.status.success() {
        bail!("dpkg-shlibdeps failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).context("names of packages are UTF-8")?;
    let depends = text.trim().strip_prefix("shlibs:Depends=");
    Ok(depends.context("dpkg-shlibdeps names packages")?.to_owned())
}

/// Returns the library in a VST3 bundle.
fn bundle_library(folder: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "so") {
            return Ok(path);
        }
        if path.is_dir()
            && let Ok(library) = bundle_library(&path)
        {
            return Ok(library);
        }
    }
    bail!("{} holds no library", folder.display())
}

fn archive(folder: &Path, program: &Path, bundles: &[PathBuf]) -> Result<PathBuf> {
    let name = format!("residue-{VERSION}-{ARCH}-linux");
    let staging = Staging::new(folder.join(&name))?;
    stage(&staging, "", program, bundles)?;
    let script = read(&root()?.join("assets/linux/install.sh"))?.replace("@PROCESSOR@", ARCH);
    staging.text("install.sh", &script)?;
    #[cfg(unix)]
    staging.mode("install.sh", 0o755)?;
    let package = folder.join(format!("{name}.tar.gz"));
    run(Command::new("tar")
        .args(["--owner=0", "--group=0", "--sort=name", "-czf"])
        .arg(&package)
        .arg("-C")
        .arg(folder)
        .arg(&name))?;
    Ok(package)
}

/// Returns the copyright file that Debian's policy asks for.
fn copyright() -> Result<String> {
    let licence = read(&root()?.join("LICENSE-MIT"))?;
    Ok(format!(
        "Residue is licensed under MIT or Apache-2.0, at your choice. Apache-2.0 is in\n\
         /usr/share/common-licenses/Apache-2.0. Libraries it contains, and their licences, are\n\
         in /usr/share/doc/residue/NOTICE.\n\n{licence}"
    ))
}

/// Returns the bytes of all files in a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// An archive with a program of this text, unpacked in a folder of its own.
    fn unpacked(name: &str, program: &str, processor: &str) -> Staging {
        let folder = std::env::temp_dir().join(format!("residue-{name}-{}", std::process::id()));
        let staging = Staging::new(folder).unwrap();
        staging.text("bin/residue", program).unwrap();
        staging.text("lib/clap/Residue.clap", "code").unwrap();
        staging.text("lib/vst3/Residue.vst3/Contents/x/Residue.so", "code").unwrap();
        staging.text("share/doc/residue/NOTICE", "licences").unwrap();
        let script = read(&root().unwrap().join("assets/linux/install.sh")).unwrap();
        staging.text("install.sh", &script.replace("@PROCESSOR@", processor)).unwrap();
        for file in ["bin/residue", "install.sh"] {
            staging.mode(file, 0o755).unwrap();
        }
        staging
    }

    /// Runs the install script with a home folder beside it; returns its success, and what it said.
    fn install(staging: &Staging, options: &[&str]) -> (bool, String) {
        let mut command = Command::new(staging.root().join("install.sh"));
        command.args(options).env("HOME", staging.root().join("home")).env_remove("PREFIX");
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    #[test]
    fn an_archive_is_installed_and_removed_for_one_user() {
        let staging = unpacked("install", "#!/bin/sh\necho residue 1.2.3\n", ARCH);
        let home = staging.root().join("home");
        let places = [
            ".local/bin/residue",
            ".clap/Residue.clap",
            ".vst3/Residue.vst3/Contents/x/Residue.so",
            ".local/share/doc/residue/NOTICE",
        ];
        let (done, said) = install(&staging, &[]);
        assert!(done && said.contains("installed"), "{said}");
        assert!(places.iter().all(|place| home.join(place).is_file()));
        let (done, said) = install(&staging, &["--remove"]);
        assert!(done && said.contains("kept"), "{said}");
        assert!(!places.iter().any(|place| home.join(place).exists()));
        fs::remove_dir_all(staging.root()).unwrap();
    }

    #[test]
    fn what_does_not_run_here_is_refused_in_words_and_nothing_is_installed() {
        let runs = "#!/bin/sh\n";
        let old =
            "#!/bin/sh\necho \"residue: libc.so.6: version 'GLIBC_2.99' not found\" >&2\nexit 1\n";
        for (name, program, processor, expected) in [
            ("processor", runs, "sparc64", "this archive is for sparc64, and this computer is"),
            (
                "old",
                old,
                ARCH,
                "does not run here, nothing was installed: residue: libc.so.6: version 'GLIBC_2.99'",
            ),
        ] {
            let staging = unpacked(name, program, processor);
            let (done, said) = install(&staging, &[]);
            assert!(!done && said.contains(expected), "{said}");
            assert!(!staging.root().join("home").exists());
            fs::remove_dir_all(staging.root()).unwrap();
        }
    }
}

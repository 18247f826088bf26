//! Gives the program for Windows its icon, version and manifest.

use std::env;
use std::io;

/// The manifest: scaling, long paths, UTF-8, and no console behind the window.
const MANIFEST: &str = "../assets/windows/residue.manifest";
const ICON: &str = "../assets/icon/residue.ico";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return;
    }
    println!("cargo::rerun-if-changed={MANIFEST}");
    println!("cargo::rerun-if-changed={ICON}");
    if let Err(error) = resources() {
        println!(
            "cargo::error=the program's icon and manifest cannot be compiled ({error}): install the Windows SDK, or \
             mingw's windres (Debian: binutils-mingw-w64-x86-64)"
        );
    }
}

fn resources() -> io::Result<()> {
    // The resource compiler runs in a folder of its own.
    let here = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let at = |path: &str| format!("{here}/{path}").replace('\\', "/");
    let mut resources = winresource::WindowsResource::new();
    resources
        // Task manager and taskbar show the description as the program's name.
        .set("FileDescription", "Residue")
        .set("ProductName", "Residue")
        .set("CompanyName", "Residue")
        .set("OriginalFilename", "residue.exe")
        .set("LegalCopyright", "MIT OR Apache-2.0")
        .set_icon(&at(ICON))
        .set_manifest_file(&at(MANIFEST));
    resources.compile_for("residue")
}

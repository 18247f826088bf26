//! Keeps the plugin mapped once it has been loaded on Linux: its threads may outlive the last instance. Gives
//! it a version on Windows, which hosts and installers read.

use std::env;
use std::io;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete"),
        Ok("windows") => {
            if let Err(error) = version() {
                println!(
                    "cargo::error=the plugin's version cannot be compiled ({error}): install the Windows SDK, or \
                     mingw's windres (Debian: binutils-mingw-w64-x86-64)"
                );
            }
        }
        _ => {}
    }
}

fn version() -> io::Result<()> {
    /// `VFT_DLL`.
    const LIBRARY: u64 = 2;
    let mut resources = winresource::WindowsResource::new();
    resources
        .set("FileDescription", "Residue")
        .set("ProductName", "Residue")
        .set("CompanyName", "Residue")
        .set("LegalCopyright", "MIT OR Apache-2.0")
        .set_version_info(winresource::VersionInfo::FILETYPE, LIBRARY);
    resources.compile()
}

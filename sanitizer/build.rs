//! Links the sanitizer's runtime, an archive of LLVM's, where `RTSAN_LIB_PATH` names one.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sanitized)");
    println!("cargo::rerun-if-env-changed=RTSAN_LIB_PATH");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(archive) = env::var("RTSAN_LIB_PATH").ok().filter(|path| !path.is_empty()) {
        println!("cargo::rustc-cfg=sanitized");
        println!("cargo::rerun-if-changed={archive}");
        // The whole archive: nothing refers to the function that initializes it before the first allocation.
        println!("cargo::rustc-link-arg-tests=-Wl,--whole-archive,{archive},--no-whole-archive");
    }
}

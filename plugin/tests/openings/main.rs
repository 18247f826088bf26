//! Opens and closes the real editor many times, in both formats, two instances at once, while audio runs
//! and parameters move; and takes pictures of it.
//!
//! ```text
//! cargo test -p residue-plugin --test openings                        a few openings
//! cargo test -p residue-plugin --test openings -- --count 80          the long form
//! cargo test -p residue-plugin --test openings -- --picture out.png [--seconds 9] [--size 1060x720]
//! ```
//!
//! Every format runs in a process of its own, so that a crash of the host is reported as a failure. The
//! test starts its own display (Xvfb), and does nothing on systems without X11.

#[cfg(target_os = "linux")]
mod clap_host;
#[cfg(target_os = "linux")]
mod display;
#[cfg(target_os = "linux")]
#[path = "../shared/random.rs"]
mod random;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod sound;
#[cfg(target_os = "linux")]
mod vst3_host;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "only scans use all of it")]
#[path = "../shared/vst3_module.rs"]
mod vst3_module;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("openings are tried under X11 only");
}

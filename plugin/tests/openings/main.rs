//! Opens and closes the real editor many times, in both formats, two instances at once, while audio runs
//! and parameters move; and takes pictures of it.
//!
//! ```text
//! cargo test -p residue-plugin --test openings                        a few openings
//! cargo test -p residue-plugin --test openings -- --count 80          the long form
//! cargo test -p residue-plugin --test openings -- --picture out.png [--seconds 9] [--size 1060x720]
//! ```
//!
//! Every format runs in a process of its own, so that a crash of the host is reported as a failure. On Linux the
//! test starts its own display (Xvfb); on Windows it uses the desktop. Elsewhere it does nothing.

#[cfg(any(target_os = "linux", windows))]
mod clap_host;
#[cfg_attr(windows, path = "win32_display.rs")]
#[cfg_attr(not(windows), path = "x11_display.rs")]
#[cfg(any(target_os = "linux", windows))]
mod display;
#[cfg(any(target_os = "linux", windows))]
#[path = "../shared/random.rs"]
mod random;
#[cfg(any(target_os = "linux", windows))]
mod run;
#[cfg(target_os = "linux")]
mod run_loop;
#[cfg(any(target_os = "linux", windows))]
mod sound;
#[cfg(any(target_os = "linux", windows))]
mod vst3_host;
#[cfg(any(target_os = "linux", windows))]
#[allow(dead_code, reason = "only scans use all of it")]
#[path = "../shared/vst3_module.rs"]
mod vst3_module;
#[cfg(windows)]
mod win32_back_buffer;

#[cfg(any(target_os = "linux", windows))]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(any(target_os = "linux", windows)))]
fn main() {
    println!("openings are tried on Linux and Windows only");
}

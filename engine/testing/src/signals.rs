//! Signals to programs that tests start.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Lets INT, TERM and HUP end the command. Programs in the background may be started with some of them ignored, and pass
/// that on to the commands that they start.
pub fn heed_signals(command: &mut Command) -> &mut Command {
    let restore = || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: `signal` may be called between fork and exec, and the default is no function of ours.
            if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: `restore` allocates nothing and calls only what may be called between fork and exec.
    unsafe { command.pre_exec(restore) }
}

//! Round trips of the demo clips, which must be the same on every system.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::wine::Wine;
use crate::{cargo, root, run};

/// The clips in `assets/clips`.
const CLIPS: [&str; 3] = ["speech", "music", "effects"];

/// Sends each clip through the embedded model with the program for Windows and with this system's, and compares
/// the files byte by byte.
pub fn compare(wine: &Wine, program: &Path) -> Result<()> {
    // As the tests of the whole workspace build it: after those nothing is built again.
    cargo(&["test", "--workspace", "--test", "cli", "--no-run"], &[])?;
    let folder = root()?.join("target/wine-roundtrips");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    for clip in CLIPS {
        let input = format!("assets/clips/{clip}.flac");
        let output = |system: &str| folder.join(format!("{clip}-{system}.wav"));
        let outputs = ["linux", "windows"].map(output);
        let commands = [Command::new("target/debug/residue"), wine.command(program)];
        for (mut command, output) in commands.into_iter().zip(&outputs) {
            run(command.args(["roundtrip", &input, "--output"]).arg(output))?;
        }
        let sums = Command::new("md5sum").args(&outputs).output().context("running md5sum")?;
        print!("{}", String::from_utf8_lossy(&sums.stdout));
        let [linux, windows] = outputs.map(|path| fs::read(path).context("reading a round trip"));
        if linux? != windows? {
            bail!("the round trip of {clip} differs between the systems");
        }
    }
    Ok(())
}

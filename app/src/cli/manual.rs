//! `residue write-manual`: manual pages and completions of shells, for packages.

use std::fs;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::{Shell, generate_to};

use super::args::{CliArgs, ManualArgs};

pub fn run(args: &ManualArgs) -> Result<()> {
    let folder = &args.folder;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = CliArgs::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "residue", folder)
            .with_context(|| format!("cannot write completions to {}", folder.display()))?;
    }
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write manual pages to {}", folder.display()))
}

//! Reading the file a command works on.

use std::path::Path;

use anyhow::{Result, bail};
use residue_engine::audio::{self, Audio};
use residue_engine::codec::CodecConfig;

use crate::terminal::{self, name};

/// Reads audio, saying on stderr what was wrong with it.
pub fn read(path: &Path) -> Result<Audio> {
    let decoded = audio::read(path)?;
    for warning in &decoded.warnings {
        terminal::warn(format_args!("{}: {warning}", name(path)));
    }
    Ok(decoded.audio)
}

/// The depth asked for, or all layers there are.
pub fn depth(asked: Option<usize>, config: &CodecConfig) -> Result<usize> {
    let layers = config.quantizer.layers;
    match asked {
        None => Ok(layers),
        Some(depth) if (1..=layers).contains(&depth) => Ok(depth),
        Some(depth) => bail!("this model has {layers} layers, so --depth {depth} is not possible"),
    }
}

/// A number of channels as people say it.
pub fn channels(count: usize) -> String {
    match count {
        1 => "mono".into(),
        2 => "stereo".into(),
        _ => format!("{count} channels"),
    }
}

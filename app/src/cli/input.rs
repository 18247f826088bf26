//! Reading the file a command works on.

use std::path::Path;

use anyhow::{Result, bail};
use residue_engine::audio::{self, Audio, ReadOptions};
use residue_engine::codec::CodecConfig;

use super::args::DecodingArgs;
use crate::terminal::{self, name};

/// Reads audio, saying on stderr what was wrong with it.
pub fn read(path: &Path, decoding: &DecodingArgs) -> Result<Audio> {
    let options = match decoding.no_ffmpeg {
        true => ReadOptions::default(),
        false => ReadOptions::with_installed_ffmpeg(),
    };
    let decoded = audio::read_with(path, &options)?;
    for warning in &decoded.warnings {
        let text = format!("{}: {warning}", name(path));
        if warning.is_note() { terminal::note(text) } else { terminal::warn(text) }
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

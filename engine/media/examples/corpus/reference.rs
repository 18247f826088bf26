//! Audio that ffmpeg reads from a file.

use std::path::Path;
use std::process::{Command, Stdio};

/// Audio as ffmpeg decodes it.
pub struct Reference {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Samples of each channel.
    pub channels: Vec<Vec<f32>>,
}

/// Decodes a file with ffmpeg; `None` if it cannot.
pub fn decode(path: &Path) -> Option<Reference> {
    let mut address = std::ffi::OsString::from("file:");
    address.push(path);
    let probe = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "a:0",
            "-show_entries",
            "stream=sample_rate,channels",
        ])
        .args(["-of", "csv=p=0"])
        .arg(&address)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(probe.stdout).ok()?;
    let mut words = text.lines().next()?.split(',');
    let (rate, channels) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(&address)
        .args(["-map", "0:a:0", "-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let mut planes: Vec<Vec<f32>> = vec![Vec::new(); channels];
    let (samples, _) = decoded.stdout.as_chunks::<4>();
    for (index, bytes) in samples.iter().enumerate() {
        planes[index % channels].push(f32::from_le_bytes(*bytes));
    }
    (!planes.first()?.is_empty()).then_some(Reference { rate, channels: planes })
}

//! The clip of speech inside the program, for those who have no audio at hand.

use residue_engine::audio::{self, Audio, AudioFileError};

const SPEECH: &[u8] = include_bytes!("../../assets/clips/speech.flac");

/// Returns the clip of speech.
///
/// # Errors
/// If the program is damaged.
pub fn speech() -> Result<Audio, AudioFileError> {
    Ok(audio::read_bytes("speech.flac", SPEECH)?.audio)
}

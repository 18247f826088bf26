//! Errors of offline coding with the name of what they are about: the model or the file.

use std::path::Path;

use anyhow::Result;
use residue_engine::offline::OfflineError;

/// Adds the model's or the file's name to an error of a command that codes `file` with `model`.
pub fn named<T>(result: Result<T>, model: &str, file: &Path) -> Result<T> {
    result.map_err(|error| match error.downcast_ref::<OfflineError>() {
        Some(cause) if cause.is_of_the_model() => error.context(format!("model {model}")),
        Some(OfflineError::TooLoud { .. }) => error.context(file.display().to_string()),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_model_or_the_file() {
        let told = |error: OfflineError| {
            let result: Result<()> = Err(error.into());
            format!("{:#}", named(result, "mine", Path::new("a.wav")).unwrap_err())
        };
        let decoded = OfflineError::Decoded { non_finite: 1, too_loud: 2, total: 3, limit: 24.0 };
        assert!(told(decoded).starts_with("model mine: the model's decoder fails: of 3 samples 1"));
        let loud = OfflineError::TooLoud { level: 100.0, limit: 80.0 };
        assert!(told(loud).starts_with("a.wav: the audio reaches 100.0 dB"));
        assert_eq!(told(OfflineError::Cancelled), "cancelled");
    }
}

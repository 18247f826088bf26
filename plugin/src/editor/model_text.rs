//! Models and downloads as text.

use residue_engine::models::{ModelSummary, PullStatus, TransferProgress};
use residue_ui::text::bytes;

/// Returns the name of a model; of a folder its last component.
pub fn short_name(id: &str) -> &str {
    let last = id.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next();
    last.filter(|last| !last.is_empty()).unwrap_or(id)
}

/// Formats the progress of a download.
pub fn download_progress(download: &PullStatus) -> String {
    let PullStatus { id, progress: TransferProgress { stage, done, total, .. }, .. } = download;
    if *total == 0 {
        format!("Fetching {id}: {stage}")
    } else {
        format!("Fetching {id}: {stage}, {} of {}", bytes(*done), bytes(*total))
    }
}

/// Formats sample rate, channels and layers of a model.
pub fn summary_text(summary: &ModelSummary) -> String {
    let channels = if summary.channels == 1 { "mono" } else { "stereo" };
    let kilohertz = f64::from(summary.rate) / 1000.0;
    format!("{kilohertz} kHz {channels}, {} layers", summary.layers)
}

#[cfg(test)]
mod tests {
    use residue_engine::models::ProgressStage;

    use super::*;

    #[test]
    fn progress_has_sizes() {
        let progress = TransferProgress {
            stage: ProgressStage::Downloading,
            file: "model.safetensors".into(),
            done: 31_000_000,
            total: 87_878_656,
        };
        let download = PullStatus { id: "nano".into(), progress, end: None };
        assert_eq!(download_progress(&download), "Fetching nano: downloading, 31 MB of 88 MB");
        let summary = ModelSummary { rate: 44_100, channels: 1, layers: 32, parameters: 1 };
        assert_eq!(summary_text(&summary), "44.1 kHz mono, 32 layers");
    }

    #[test]
    fn folders_are_named_by_their_last_component() {
        assert_eq!(
            ["nano", "/models/mine/", "C:\\models\\mine", "/"].map(short_name),
            ["nano", "mine", "mine", "/"]
        );
    }
}

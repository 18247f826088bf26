//! Models and downloads as text.

use residue_engine::models::{ModelSummary, PullStatus, TransferProgress};

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
        format!("Fetching {id}: {stage}, {} of {}", byte_size(*done), byte_size(*total))
    }
}

/// Formats sample rate, channels and layers of a model.
pub fn summary_text(summary: &ModelSummary) -> String {
    let channels = if summary.channels == 1 { "mono" } else { "stereo" };
    let kilohertz = f64::from(summary.rate) / 1000.0;
    format!("{kilohertz} kHz {channels}, {} layers", summary.layers)
}

/// Formats a size in bytes with a decimal unit: `87 MB`.
pub fn byte_size(bytes: u64) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", bytes / 1000)
    } else if bytes < 1_000_000_000 {
        format!("{} MB", bytes / 1_000_000)
    } else {
        format!("{:.1} GB", bytes as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::models::ProgressStage;

    use super::*;

    #[test]
    fn sizes_and_progress_have_units() {
        assert_eq!(byte_size(87_878_656), "87 MB");
        assert_eq!(byte_size(7_098_265_600), "7.1 GB");
        assert_eq!(byte_size(12_345), "12 kB");
        let progress = TransferProgress {
            stage: ProgressStage::Downloading,
            file: "model.safetensors".into(),
            done: 31_000_000,
            total: 87_878_656,
        };
        let download = PullStatus { id: "nano".into(), progress, end: None };
        assert_eq!(download_progress(&download), "Fetching nano: downloading, 31 MB of 87 MB");
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

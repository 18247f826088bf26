//! Models and downloads as text.

use residue_ui::text::bytes;

use crate::model::Fetch;

/// Returns the name of a model; of a folder its last component.
pub fn short_name(id: &str) -> &str {
    let last = id.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next();
    last.filter(|last| !last.is_empty()).unwrap_or(id)
}

/// Formats the progress of a download.
pub fn download_progress(fetch: &Fetch) -> String {
    let Fetch { name, stage, done, total, .. } = fetch;
    if *total == 0 {
        format!("Fetching {name}: {stage}")
    } else {
        format!("Fetching {name}: {stage}, {} of {}", bytes(*done), bytes(*total))
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::models::ProgressStage;

    use super::*;

    #[test]
    fn progress_has_sizes() {
        let fetch = Fetch {
            name: "nano".into(),
            stage: ProgressStage::Downloading,
            done: 31_000_000,
            total: 87_878_656,
            end: None,
        };
        assert_eq!(download_progress(&fetch), "Fetching nano: downloading, 31 MB of 88 MB");
    }

    #[test]
    fn folders_are_named_by_their_last_component() {
        assert_eq!(
            ["nano", "/models/mine/", "C:\\models\\mine", "/"].map(short_name),
            ["nano", "mine", "mine", "/"]
        );
    }
}

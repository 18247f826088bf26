//! A finished test as files.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use residue_engine::atomic_file;
use residue_engine::blind::BlindTestReport;

use super::BlindError;

/// The two files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedReport {
    /// For a machine.
    pub json: PathBuf,
    /// For a person.
    pub text: PathBuf,
}

/// Writes a report into `folder`, which is made if it is not there: `blind-DATE-TIME.json` and
/// `.txt`. Files that are there already are never overwritten: a number is added.
///
/// # Errors
/// [`BlindError::Write`].
pub fn export(report: &BlindTestReport, folder: &Path) -> Result<ExportedReport, BlindError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BlindError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    // Colons are not for file names everywhere.
    let stem = format!("blind-{}", report.finished.replace(':', "").replace('T', "-"));
    let stem = stem.trim_end_matches('Z');
    let named = |number: &str| {
        let json = folder.join(format!("{stem}{number}.json"));
        ExportedReport { text: json.with_extension("txt"), json }
    };
    let mut n = 1;
    loop {
        let files = named(&if n == 1 { String::new() } else { format!("-{n}") });
        n += 1;
        if files.text.exists() {
            continue;
        }
        let write = |path: &Path, content: String| {
            atomic_file::write_new(path, |mut file| file.write_all(content.as_bytes()))
        };
        match write(&files.json, report.to_json()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            written => written.map_err(failed(&files.json))?,
        }
        write(&files.text, report.to_text()).map_err(failed(&files.text))?;
        return Ok(files);
    }
}

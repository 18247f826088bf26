//! One sum for all files of a model.

use std::ops::ControlFlow;

use residue_engine::models::{ModelSource, verify};
use sha2::{Digest, Sha256};

/// The SHA-256 of the list of the files' names and sums, in lowercase hex; `None` for the embedded
/// model, for files that cannot be read, and if `go_on` says no.
pub fn sum(source: &ModelSource, go_on: &dyn Fn() -> bool) -> Option<String> {
    if *source == ModelSource::Embedded {
        return None;
    }
    let report = verify(source, None, &mut |_| match go_on() {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    })
    .ok()?;
    let mut all = Sha256::new();
    for file in &report.files {
        all.update(format!("{} {}\n", file.name, file.sha256.as_ref()?));
    }
    Some(residue_engine::hex(&all.finalize()))
}

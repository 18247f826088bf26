//! Summing files, and a model as a whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::folder::{self, CONFIG, WEIGHTS};
use super::progress::{OnProgress, ProgressStage, ProgressTally};
use super::{ModelSource, ModelsError, embedded};
use residue_core::hex;

/// Bytes read, summed and written at a time.
pub(super) const BLOCK: usize = 256 << 10;

/// Reads to the end. Gives the running sum and the bytes; `on_block` hears the bytes so far.
pub(super) fn sum_all(
    reader: &mut impl Read,
    failure: impl Fn(io::Error) -> ModelsError,
    mut on_block: impl FnMut(u64) -> Result<(), ModelsError>,
) -> Result<(Sha256, u64), ModelsError> {
    let mut sum = Sha256::new();
    let mut bytes = 0;
    let mut block = vec![0; BLOCK];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok((sum, bytes)),
            Ok(count) => {
                sum.update(&block[..count]);
                bytes += count as u64;
                on_block(bytes)?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failure(e)),
        }
    }
}

/// The sum that tells a model from any other: the SHA-256 of the list of its files, one line `name
/// sha256` each, `config.json` first, in lowercase hex.
///
/// Reads every byte once; not realtime-safe.
///
/// # Errors
///
/// [`ModelsError::NotAModelFolder`], [`ModelsError::Index`], [`ModelsError::Io`], and
/// [`ModelsError::Cancelled`] if `on_progress` breaks off.
pub fn model_checksum(
    source: &ModelSource,
    on_progress: &mut OnProgress<'_>,
) -> Result<String, ModelsError> {
    let mut tally = ProgressTally::new(on_progress);
    let mut all = Sha256::new();
    let mut add = |name: &str, mut reader: &mut dyn Read, tally: &mut ProgressTally<'_>| {
        let failure = |source| failed_to_read(source, name.into());
        let (sum, bytes) =
            sum_all(&mut reader, failure, |n| tally.report(ProgressStage::Checking, name, n))?;
        all.update(format!("{name} {}\n", hex(&sum.finalize())));
        tally.finish(ProgressStage::Checking, name, bytes)
    };
    match source {
        ModelSource::Embedded => {
            let model = embedded();
            tally.expect((model.config.len() + model.weights.len()) as u64);
            add(CONFIG, &mut model.config.as_bytes(), &mut tally)?;
            add(WEIGHTS, &mut { model.weights }, &mut tally)?;
        }
        ModelSource::Folder(folder) => {
            let names = folder::model_files(folder)?;
            tally.expect(folder::model_bytes(folder)?);
            for name in names {
                let path = folder.join(&name);
                let mut file = File::open(&path).map_err(|e| failed_to_read(e, path))?;
                add(&name, &mut file, &mut tally)?;
            }
        }
    }
    Ok(hex(&all.finalize()))
}

fn failed_to_read(cause: io::Error, path: PathBuf) -> ModelsError {
    ModelsError::Io { action: "read", path, cause }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn the_sum_is_that_of_names_and_sums() {
        let folder = tempfile::tempdir().unwrap();
        let source = ModelSource::Folder(folder.path().to_owned());
        let go_on = &mut |_: super::super::Progress<'_>| ControlFlow::Continue(());
        assert!(matches!(model_checksum(&source, go_on), Err(ModelsError::NotAModelFolder { .. })));
        fs::write(folder.path().join(CONFIG), "{}").unwrap();
        fs::write(folder.path().join(WEIGHTS), "abc").unwrap();
        // (echo config.json $(printf {} | sha256sum | cut -c -64);
        //  echo model.safetensors $(printf abc | sha256sum | cut -c -64)) | sha256sum
        assert_eq!(model_checksum(&source, go_on).unwrap(), HASH);
        let stop = &mut |_: super::super::Progress<'_>| ControlFlow::Break(());
        assert!(matches!(model_checksum(&source, stop), Err(ModelsError::Cancelled)));
        fs::write(folder.path().join(WEIGHTS), "abd").unwrap();
        assert_ne!(model_checksum(&source, go_on).unwrap(), HASH);
    }

    #[test]
    fn the_embedded_model_has_one_too() {
        let mut last = (0, 0);
        let sum = model_checksum(&ModelSource::Embedded, &mut |progress| {
            last = (progress.done, progress.total);
            ControlFlow::Continue(())
        });
        assert_eq!(sum.unwrap().len(), 64);
        assert!(last.0 == last.1 && last.1 > 1_000_000, "{last:?}");
    }

    const HASH: &str = "a48557b5eb1c64925dd707e5bcf760227f9a14bdfd2539ae2a13d374d9ae0329";
}

//! Duration of a host's scan.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clack_host::prelude::PluginEntry;

use crate::alone;
use crate::rig::library;
use crate::vst3_instance::Vst3Instance;
use crate::vst3_module::Vst3Module;

/// The longest a scan may take.
const LIMIT: Duration = Duration::from_millis(100);
/// Scans of each format; the quickest counts, because others may use the processor as well.
const SCANS: usize = 7;

/// Copies of the library, so that each is loaded for the first time.
fn quickest(scan: impl Fn(&Path)) -> Duration {
    let folder = tempfile::tempdir().expect("there is room for copies");
    let copies: Vec<PathBuf> = (0..SCANS)
        .map(|n| {
            let copy = folder.path().join(format!("copy{n}.so"));
            std::fs::copy(library(), &copy).expect("the library is copied");
            copy
        })
        .collect();
    let time = |copy: &PathBuf| {
        let began = Instant::now();
        scan(copy);
        began.elapsed()
    };
    copies.iter().map(time).min().expect("there are copies")
}

#[test]
fn a_clap_is_scanned_within_100_ms() {
    let _alone = alone();
    let time = quickest(|library| {
        // SAFETY: a copy of the library that was built with this test.
        let entry = unsafe { PluginEntry::load(library) }.expect("the library loads");
        let factory = entry.get_plugin_factory().expect("there is a factory");
        let descriptors: Vec<_> = factory.plugin_descriptors().collect();
        assert_eq!(descriptors.len(), 1);
        assert_eq!(descriptors[0].id(), Some(c"org.residue.residue"));
        assert_eq!(descriptors[0].name(), Some(c"Residue"));
    });
    println!("CLAP: {time:?}");
    assert!(time < LIMIT, "{time:?}");
}

#[test]
fn a_vst3_is_scanned_within_100_ms() {
    let _alone = alone();
    let time = quickest(|library| {
        let classes = Vst3Module::load(library).classes();
        assert_eq!(classes, [("Residue".to_owned(), "Audio Module Class".to_owned())]);
    });
    println!("VST3: {time:?}");
    assert!(time < LIMIT, "{time:?}");
}

/// Hosts also make an instance, and look at its parameters.
#[test]
fn an_instance_of_a_vst3_is_there_within_100_ms_and_takes_32_bits() {
    let _alone = alone();
    let time = quickest(|library| {
        let module = Vst3Module::load(library);
        let instance = Vst3Instance::new(&module);
        assert_eq!(instance.params().len(), 15);
        assert!(instance.accepts_sample_bits(32) && !instance.accepts_sample_bits(64));
    });
    println!("VST3 with an instance: {time:?}");
    assert!(time < LIMIT, "{time:?}");
}

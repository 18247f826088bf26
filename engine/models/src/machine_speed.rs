//! Speed of this computer: its limits, measured once and kept, and the live loads that were measured on it.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use residue_codec::{CodecConfig, Isa, MachineLimits, PassShape, Precision, ThreadPool, Workload};
use residue_core::{atomic_file, small_file};
use serde::{Deserialize, Serialize};

/// The version of this program: another one may be faster.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Most loads that are kept.
const MOST_LOADS: usize = 256;
/// Time of a live frame as a multiple of the least possible, for estimates. Measured: docs/performance.md.
const TIMES_LEAST: f64 = 1.6;

/// Live stream that loads are of: 48 kHz stereo, one frame at a time, decoded to lanes A and B.
const CHANNELS: usize = 2;
const LANES: usize = 2;

/// One measurement of limits at a time: several at once would share the machine.
static MEASURING: Mutex<()> = Mutex::new(());

/// Share of the time of a live stream (48 kHz stereo, frame by frame, lanes A and B) that computing takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveLoad {
    /// Wall seconds a second of audio: above 1 it does not run live.
    pub load: f64,
    /// Whether it was measured on this computer, and not estimated from the computer's limits.
    pub measured: bool,
}

/// Limits of this computer and loads of models on it, as kept in Residue's folder for this version of the program and
/// this instruction set. Not realtime-safe.
#[derive(Clone, Debug)]
pub struct MachineSpeed {
    /// `None` on an account without a folder of its own: nothing is kept.
    path: Option<PathBuf>,
    kept: Kept,
}

/// Content of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    version: String,
    instruction_set: String,
    #[serde(default)]
    limits: Vec<KeptLimits>,
    #[serde(default)]
    loads: Vec<KeptLoad>,
}

/// [`MachineLimits`] of a number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct KeptLimits {
    threads: usize,
    read_bytes_per_s: u64,
    float_mac_per_s: u64,
    int8_mac_per_s: u64,
}

/// A measured load. Any weights of a layout take the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct KeptLoad {
    layout: LayoutKey,
    precision: String,
    threads: usize,
    load: f64,
}

/// Numbers that tell layouts of different speed apart: numbers in the model, and the multiply-adds of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LayoutKey {
    parameters: u64,
    mac: u64,
}

impl LayoutKey {
    fn of(config: &CodecConfig) -> Self {
        let work = live_workload(config, Precision::F32);
        let mac = (work.linear + work.attention + work.quantizer) as u64;
        Self { parameters: config.parameters(), mac }
    }
}

/// Returns the workload of one live frame.
fn live_workload(config: &CodecConfig, precision: Precision) -> Workload {
    // A mono model takes each channel as a stream.
    let streams = CHANNELS.div_ceil(config.channels.max(1));
    let shape = PassShape { encoded: streams, decoded: LANES * streams, frames: 1 };
    Workload::of_pass(config, precision, shape)
}

/// Returns the name of the file in Residue's folder. One for each instruction set, so that measuring a slower one
/// forgets nothing of the fastest.
fn file_name() -> String {
    format!("machine-{}.json", Isa::best().name())
}

/// Returns the estimated load of a model's live stream on a computer with these limits.
pub(super) fn estimated_load(
    config: &CodecConfig,
    precision: Precision,
    limits: &MachineLimits,
) -> f64 {
    let floor = live_workload(config, precision).floor_seconds(precision, limits);
    TIMES_LEAST * floor * config.frame_rate()
}

/// As a share, with a mark where it is an estimate: `24 %`, `about 24 %`.
impl fmt::Display for LiveLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.measured { "" } else { "about " };
        write!(f, "{mark}{:.0} %", self.load * 100.0)
    }
}

impl MachineSpeed {
    /// Reads what is kept in `home`. A file of another version or instruction set, or a damaged one, counts as none.
    pub fn read(home: Option<&Path>) -> Self {
        let path = home.map(|home| home.join(file_name()));
        let fresh = || Kept {
            version: VERSION.to_owned(),
            instruction_set: Isa::best().name().to_owned(),
            limits: Vec::new(),
            loads: Vec::new(),
        };
        let text = path.as_deref().and_then(|path| small_file::read(path).ok());
        let kept = text.and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let kept = kept.filter(|kept| {
            kept.version == VERSION && kept.instruction_set == Isa::best().name() && kept.is_sane()
        });
        Self { path, kept: kept.unwrap_or_else(fresh) }
    }

    /// Returns the limits on this many threads (0 chooses, as in
    /// [`ThreadPool::new`]), if they were measured.
    pub fn limits(&self, threads: usize) -> Option<MachineLimits> {
        let threads = ThreadPool::resolve_threads(threads);
        self.kept.limits.iter().find(|kept| kept.threads == threads).map(|kept| MachineLimits {
            read: kept.read_bytes_per_s as f64,
            float: kept.float_mac_per_s as f64,
            int8: kept.int8_mac_per_s as f64,
        })
    }

    /// Returns the limits on this many threads, and measures and keeps them the first time: about a second of all of
    /// these threads, and half a gigabyte meanwhile.
    ///
    /// # Errors
    /// If there is no memory or no thread for it. That they cannot be kept is no error: the next time they are measured
    /// again.
    pub fn measure_limits(&mut self, threads: usize) -> io::Result<MachineLimits> {
        let threads = ThreadPool::resolve_threads(threads);
        let _one = MEASURING.lock();
        // Another instance may have measured meanwhile.
        self.read_again();
        if let Some(limits) = self.limits(threads) {
            return Ok(limits);
        }
        let limits = MachineLimits::measure(&ThreadPool::new(threads)?, Isa::best())?;
        self.keep_limits(threads, &limits);
        Ok(limits)
    }

    /// Keeps limits that were measured anew on this many threads.
    pub fn keep_limits(&mut self, threads: usize, limits: &MachineLimits) {
        let kept = KeptLimits::of(ThreadPool::resolve_threads(threads), limits);
        self.read_again();
        self.kept.limits.retain(|other| other.threads != kept.threads);
        self.kept.limits.push(kept);
        self.write();
    }

    /// Keeps the load that a model's live stream really had, which counts more than an estimate from now on.
    pub fn keep_load(
        &mut self,
        config: &CodecConfig,
        precision: Precision,
        threads: usize,
        load: f64,
    ) {
        if !load.is_finite() || load <= 0.0 {
            return;
        }
        self.read_again();
        let (layout, threads) = (LayoutKey::of(config), ThreadPool::resolve_threads(threads));
        let is_same = |kept: &KeptLoad| kept.is_of(layout, precision.name(), threads);
        self.kept.loads.retain(|kept| !is_same(kept));
        if self.kept.loads.len() >= MOST_LOADS {
            self.kept.loads.remove(0);
        }
        let precision = precision.name().to_owned();
        self.kept.loads.push(KeptLoad { layout, precision, threads, load });
        self.write();
    }

    /// Returns the load of a model's live stream as it was measured here, or else an estimate: 1.6 times the least time
    /// that the limits allow. `None` where neither load nor limits were measured.
    pub fn live_load(
        &self,
        config: &CodecConfig,
        precision: Precision,
        threads: usize,
    ) -> Option<LiveLoad> {
        let threads = ThreadPool::resolve_threads(threads);
        let layout = LayoutKey::of(config);
        let mut loads = self.kept.loads.iter();
        if let Some(kept) = loads.find(|kept| kept.is_of(layout, precision.name(), threads)) {
            return Some(LiveLoad { load: kept.load, measured: true });
        }
        let load = estimated_load(config, precision, &self.limits(threads)?);
        Some(LiveLoad { load, measured: false })
    }

    /// A computer of these limits on `threads` threads, which keeps nothing.
    #[cfg(test)]
    pub(super) fn with_limits(threads: usize, limits: MachineLimits) -> Self {
        let mut speed = Self::read(None);
        speed.kept.limits.push(KeptLimits::of(threads, &limits));
        speed
    }

    /// Takes over what others have kept meanwhile. Where nothing could be written, what is known stays.
    fn read_again(&mut self) {
        let written = self.path.as_deref().filter(|path| path.exists());
        if let Some(home) = written.and_then(Path::parent) {
            let Self { kept, .. } = Self::read(Some(home));
            self.kept = kept;
        }
    }

    fn write(&self) {
        let Some(path) = &self.path else { return };
        let write = || -> io::Result<()> {
            if let Some(home) = path.parent() {
                std::fs::create_dir_all(home)?;
            }
            let text = serde_json::to_vec_pretty(&self.kept)?;
            atomic_file::write(path, |mut file| file.write_all(&text))
        };
        // It is measured again next time.
        let _ = write();
    }
}

impl KeptLimits {
    fn of(threads: usize, limits: &MachineLimits) -> Self {
        Self {
            threads,
            read_bytes_per_s: limits.read as u64,
            float_mac_per_s: limits.float as u64,
            int8_mac_per_s: limits.int8 as u64,
        }
    }
}

impl Kept {
    /// Returns whether all numbers are ones that a measurement can give.
    fn is_sane(&self) -> bool {
        let limits = |kept: &KeptLimits| {
            kept.read_bytes_per_s > 0 && kept.float_mac_per_s > 0 && kept.int8_mac_per_s > 0
        };
        let load = |kept: &KeptLoad| kept.load.is_finite() && kept.load > 0.0;
        self.limits.iter().all(limits) && self.loads.iter().all(load)
    }
}

impl KeptLoad {
    fn is_of(&self, layout: LayoutKey, precision: &str, threads: usize) -> bool {
        self.layout == layout && self.precision == precision && self.threads == threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes limits of one thread as if they had been measured.
    fn with_limits(home: &Path, version: &str, instruction_set: &str) {
        let text = format!(
            r#"{{"version":"{version}","instruction_set":"{instruction_set}","limits":[{{"threads":1,
            "read_bytes_per_s":20000000000,"float_mac_per_s":45000000000,"int8_mac_per_s":70000000000}}]}}"#
        );
        std::fs::write(home.join(file_name()), text).unwrap();
    }

    #[test]
    fn limits_are_kept_for_this_version_and_instruction_set_only() {
        let folder = tempfile::tempdir().unwrap();
        let (home, isa) = (folder.path(), Isa::best().name());
        assert!(MachineSpeed::read(Some(home)).limits(1).is_none());
        with_limits(home, VERSION, isa);
        let speed = MachineSpeed::read(Some(home));
        let limits = speed.limits(1).unwrap();
        assert_eq!([limits.read, limits.float, limits.int8], [2e10, 4.5e10, 7e10]);
        assert!(speed.limits(3).is_none());
        for (version, instruction_set) in [("0.0.1", isa), (VERSION, "avx9")] {
            with_limits(home, version, instruction_set);
            assert!(MachineSpeed::read(Some(home)).limits(1).is_none());
        }
        for damaged in ["", "{", "[]", &format!(r#"{{"version":"{VERSION}"}}"#)] {
            std::fs::write(home.join(file_name()), damaged).unwrap();
            assert!(MachineSpeed::read(Some(home)).limits(1).is_none(), "{damaged}");
        }
    }

    #[test]
    fn a_measured_load_comes_before_an_estimate() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        with_limits(home, VERSION, Isa::best().name());
        let (nano, v1) = (CodecConfig::nano(), CodecConfig::v1());
        let mut speed = MachineSpeed::read(Some(home));
        let load = |speed: &MachineSpeed, config: &CodecConfig, precision| {
            speed.live_load(config, precision, 1).unwrap()
        };
        let estimate = load(&speed, &nano, Precision::F32);
        assert!(!estimate.measured && (0.2..1.0).contains(&estimate.load), "{estimate:?}");
        assert!(load(&speed, &v1, Precision::Int8).load > 1.0);
        assert!(load(&speed, &v1, Precision::F32).load > load(&speed, &v1, Precision::Int4).load);
        speed.keep_load(&nano, Precision::F32, 1, 0.25);
        speed.keep_load(&nano, Precision::F32, 1, 0.24);
        speed.keep_load(&nano, Precision::F32, 1, f64::NAN);
        for speed in [speed, MachineSpeed::read(Some(home))] {
            let measured = LiveLoad { load: 0.24, measured: true };
            assert_eq!(load(&speed, &nano, Precision::F32), measured);
            assert!(!load(&speed, &nano, Precision::Bf16).measured);
            assert_eq!(speed.live_load(&nano, Precision::F32, 7), None, "other threads");
        }
    }

    #[test]
    fn limits_are_measured_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut speed = MachineSpeed::read(Some(folder.path()));
        let limits = speed.measure_limits(1).unwrap();
        assert!(limits.read > 1e8 && limits.float > 1e8 && limits.int8 > 1e8, "{limits:?}");
        // Another one finds them; a second measurement would differ.
        let again = MachineSpeed::read(Some(folder.path())).measure_limits(1).unwrap();
        let whole =
            |limits: MachineLimits| [limits.read, limits.float, limits.int8].map(f64::trunc);
        assert_eq!(whole(again), whole(limits));
        let twice = MachineLimits { read: 2.0 * limits.read, ..limits };
        MachineSpeed::read(Some(folder.path())).keep_limits(1, &twice);
        let renewed = MachineSpeed::read(Some(folder.path()));
        assert_eq!(renewed.limits(1).unwrap().read, twice.read.trunc());
        assert_eq!(renewed.kept.limits.len(), 1);
        let mut nowhere = MachineSpeed::read(None);
        assert!(nowhere.limits(1).is_none());
        nowhere.keep_load(&CodecConfig::nano(), Precision::F32, 1, 0.5);
        assert!(nowhere.live_load(&CodecConfig::nano(), Precision::F32, 1).unwrap().measured);
    }
}

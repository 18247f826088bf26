//! The settings that the window keeps in a file.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use residue_engine::codec::Precision;
use residue_engine::kernels::MAX_THREADS;
use residue_engine::live::{ListeningSource, PortSettings};
use residue_engine::saved_versions::{is_newer, merge};
use residue_engine::{atomic_file, small_file};
use residue_ui::source_strip;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::page::Page;
use residue_engine::models::{EMBEDDED, ModelRequest};

use crate::studio::{DeviceRequest, VOLUME_DB};

/// Dark or light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// The system's.
    #[default]
    System,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

impl ThemeChoice {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// The name that is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Dark => "Dark",
            Self::Light => "Light",
        }
    }
}

impl From<ThemeChoice> for egui::ThemePreference {
    fn from(look: ThemeChoice) -> Self {
        match look {
            ThemeChoice::System => Self::System,
            ThemeChoice::Dark => Self::Dark,
            ThemeChoice::Light => Self::Light,
        }
    }
}

/// Which views are unfolded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewPreferences {
    /// Spectrograms of dry, A, B and the difference.
    pub spectrograms: [bool; 4],
    /// Token map.
    pub tokens: bool,
    /// Codebook use.
    pub codebooks: bool,
    /// Distance from dry.
    pub distance: bool,
    /// Load and late frames.
    pub load: bool,
    /// Latency.
    pub latency: bool,
}

impl Default for ViewPreferences {
    fn default() -> Self {
        Self {
            spectrograms: [true; 4],
            tokens: true,
            codebooks: true,
            distance: true,
            load: true,
            latency: true,
        }
    }
}

/// Why settings could not be read.
#[derive(Debug, Error)]
#[error("{}: {cause}; using default settings{}", path.display(), self.outcome())]
pub struct UnreadPreferences {
    /// The file.
    path: PathBuf,
    /// The reason.
    cause: io::Error,
    /// The name that a damaged file has now.
    kept: Option<PathBuf>,
}

impl UnreadPreferences {
    /// Returns true if the file is where it was, and must not be replaced.
    pub fn is_in_place(&self) -> bool {
        self.kept.is_none()
    }

    fn outcome(&self) -> String {
        match &self.kept {
            Some(kept) => format!("; the damaged file is kept as {}", kept.display()),
            None => ", which are not saved, so that the file stays as it is".to_owned(),
        }
    }
}

/// All settings that are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// The version that saved them; a file without one is of 0.1.
    pub version: String,
    /// The file of a newer version that they were read from.
    #[serde(skip)]
    pub newer: Option<NewerSettings>,
    /// Dark or light.
    pub look: ThemeChoice,
    /// Size of everything, 1 is the system's own.
    pub scale: f32,
    /// Size of the window, in points.
    pub window: [f32; 2],
    /// It filled the screen.
    pub maximized: bool,
    /// The page.
    pub page: Page,
    /// Unfolded views.
    pub views: ViewPreferences,
    /// Seconds that spectrograms show.
    pub seconds: f64,
    /// Devices.
    pub devices: DevicePreferences,
    /// The model.
    pub model: ModelPreferences,
    /// Source and depths.
    pub heard: ListeningPreferences,
    /// Output gain in decibels.
    pub volume_db: f32,
    /// The folder of recordings; `None`: the default.
    pub recordings: Option<PathBuf>,
}

/// Settings that a newer version saved: what this version does not know of them is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewerSettings {
    /// The file's content.
    original: Value,
    /// The same as this version would write it.
    read: Value,
}

/// A [`DeviceRequest`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct DevicePreferences {
    pub host: Option<String>,
    pub input: Option<String>,
    pub output: Option<String>,
    pub rate: Option<u32>,
    pub buffer: Option<u32>,
    pub channels: Option<usize>,
}

/// A [`ModelRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ModelPreferences {
    pub id: String,
    pub precision: String,
    pub threads: usize,
}

/// The part of [`PortSettings`] that is kept. Effects are not: a lossy channel would surprise at the next
/// start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListeningPreferences {
    /// Name of the source.
    pub source: String,
    /// Layers of A and B; `None`: all.
    pub depths: [Option<usize>; 2],
    /// Loudness of A and B follows dry.
    pub match_loudness: bool,
}

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Smallest and largest scale.
pub const SCALES: std::ops::RangeInclusive<f32> = 0.6..=2.5;
/// Smallest window, in points.
pub const SMALLEST: [f32; 2] = [960.0, 640.0];

impl Default for Preferences {
    fn default() -> Self {
        Self {
            version: VERSION.to_owned(),
            newer: None,
            look: ThemeChoice::default(),
            scale: 1.0,
            window: [1280.0, 800.0],
            maximized: false,
            page: Page::default(),
            views: ViewPreferences::default(),
            seconds: 8.0,
            devices: DevicePreferences::default(),
            model: ModelPreferences::default(),
            heard: ListeningPreferences::default(),
            volume_db: 0.0,
            recordings: None,
        }
    }
}

impl Default for ModelPreferences {
    fn default() -> Self {
        ModelRequest::automatic(EMBEDDED).into()
    }
}

impl Default for ListeningPreferences {
    fn default() -> Self {
        PortSettings::default().into()
    }
}

impl From<DeviceRequest> for DevicePreferences {
    fn from(request: DeviceRequest) -> Self {
        let DeviceRequest { host, input, output, rate, buffer, channels } = request;
        Self { host, input, output, rate, buffer, channels }
    }
}

impl From<DevicePreferences> for DeviceRequest {
    fn from(devices: DevicePreferences) -> Self {
        let DevicePreferences { host, input, output, rate, buffer, channels } = devices;
        Self { host, input, output, rate, buffer, channels }
    }
}

impl From<ModelRequest> for ModelPreferences {
    fn from(request: ModelRequest) -> Self {
        let ModelRequest { id, precision, threads } = request;
        Self { id, precision: precision.name().to_owned(), threads }
    }
}

impl From<ModelPreferences> for ModelRequest {
    fn from(model: ModelPreferences) -> Self {
        // One that only a newer version knows is f32 here.
        let precision = model.precision.parse().unwrap_or(Precision::F32.into());
        Self { id: model.id, precision, threads: model.threads.min(MAX_THREADS) }
    }
}

impl From<PortSettings> for ListeningPreferences {
    fn from(settings: PortSettings) -> Self {
        let frames = settings.frames;
        Self {
            source: source_strip::name(settings.source).to_owned(),
            depths: frames.depths.map(|depth| (depth != usize::MAX).then_some(depth)),
            match_loudness: frames.match_loudness,
        }
    }
}

impl From<ListeningPreferences> for PortSettings {
    fn from(heard: ListeningPreferences) -> Self {
        let named = ListeningSource::ALL
            .into_iter()
            .find(|source| source_strip::name(*source) == heard.source);
        let mut settings = Self { source: named.unwrap_or_default(), ..Self::default() };
        settings.frames.depths = heard.depths.map(|depth| depth.unwrap_or(usize::MAX).max(1));
        settings.frames.match_loudness = heard.match_loudness;
        settings
    }
}

impl Preferences {
    /// Reads a file, or returns the defaults where there is none. Of a file that a newer version saved, what
    /// this version does not understand is left at its default, and kept by [`write`](Self::write).
    ///
    /// # Errors
    /// If it cannot be read or is something else.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = match small_file::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => read?,
        };
        let original: Value = serde_json::from_slice(&text)?;
        let version = original.get("version").and_then(Value::as_str).unwrap_or_default();
        // Before there was a choice it was f32. Only settings that are new are automatic.
        let default_precision = |read: &mut Self| {
            if original.pointer("/model/precision").is_none() {
                Precision::F32.name().clone_into(&mut read.model.precision);
            }
        };
        if !is_newer(version, VERSION) {
            let mut read: Self = serde_json::from_slice(&text)?;
            default_precision(&mut read);
            read.clamp();
            VERSION.clone_into(&mut read.version);
            return Ok(read);
        }
        let mut understood = Self::default().document()?;
        adopt(&mut understood, "", &original);
        let mut read: Self = serde_json::from_value(understood)?;
        default_precision(&mut read);
        read.clamp();
        // Texts too become those that this version writes, such as that of an unknown source.
        read.heard = PortSettings::from(read.heard).into();
        read.model = ModelRequest::from(read.model).into();
        read.newer = Some(NewerSettings { read: read.document()?, original });
        Ok(read)
    }

    /// Has another model stand in for the saved one. It is not a person's change, so that a newer version's
    /// choice is kept.
    pub fn stand_in(&mut self, id: &str) {
        id.clone_into(&mut self.model.id);
        if let Some(newer) = &mut self.newer {
            newer.read["model"]["id"] = id.into();
        }
    }

    /// Returns the version that saved them, if it is a newer one.
    pub fn newer_version(&self) -> Option<&str> {
        self.newer.as_ref().map(|_| self.version.as_str())
    }

    /// Clamps values to usable ones: a file that was edited by hand still opens a window.
    fn clamp(&mut self) {
        let scale = if self.scale.is_finite() { self.scale } else { 1.0 };
        self.scale = scale.clamp(*SCALES.start(), *SCALES.end());
        for (side, least) in self.window.iter_mut().zip(SMALLEST) {
            *side = if side.is_finite() { side.clamp(least, 20_000.0) } else { least };
        }
        self.seconds = if self.seconds.is_finite() { self.seconds.clamp(2.0, 60.0) } else { 8.0 };
        let volume = if self.volume_db.is_finite() { self.volume_db } else { 0.0 };
        self.volume_db = volume.clamp(*VOLUME_DB.start(), *VOLUME_DB.end());
    }

    /// Returns them as JSON.
    fn document(&self) -> serde_json::Result<Value> {
        // By way of the text, in which numbers have the digits of their own precision.
        serde_json::from_slice(&serde_json::to_vec(self)?)
    }

    /// Reads a file, or returns the defaults with the reason. A file that is damaged or too large gets another
    /// name, so that the next [`write`](Self::write) does not replace it.
    pub fn read_or_default(path: &Path) -> (Self, Option<UnreadPreferences>) {
        let cause = match Self::read(path) {
            Ok(read) => return (read, None),
            Err(cause) => cause,
        };
        let kept = path.with_extension("damaged.json");
        let is_damaged = matches!(
            cause.kind(),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::FileTooLarge
        );
        // A file that could not be read now, on a network for instance, may be in order.
        let kept = (is_damaged && fs::rename(path, &kept).is_ok()).then_some(kept);
        (Self::default(), Some(UnreadPreferences { path: path.to_owned(), cause, kept }))
    }

    /// Keeps it in a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = match &self.newer {
            None => serde_json::to_vec_pretty(self)?,
            Some(NewerSettings { original, read }) => {
                serde_json::to_vec_pretty(&merge(original, read, &self.document()?))?
            }
        };
        // On disk before the rename: a crash must not leave an empty file under the old name.
        atomic_file::write(path, |mut file| file.write_all(&text).and_then(|()| file.sync_all()))
    }
}

/// Puts a value of a newer version in the place of `understood` that a JSON pointer names, or, where this version
/// does not understand it, as many of its parts as it does.
fn adopt(understood: &mut Value, pointer: &str, value: &Value) {
    let mut attempt = understood.clone();
    let Some(place) = attempt.pointer_mut(pointer) else { return };
    let before = std::mem::replace(place, value.clone());
    if serde_json::from_value::<Preferences>(attempt.clone()).is_ok() {
        *understood = attempt;
    } else if let (Value::Object(known), Value::Object(parts)) = (&before, value) {
        for (key, part) in parts.iter().filter(|(key, _)| known.contains_key(*key)) {
            adopt(understood, &format!("{pointer}/{key}"), part);
        }
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::models::PrecisionRequest;

    use super::*;

    #[test]
    fn everything_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/window.json");
        assert_eq!(Preferences::read(&path).unwrap(), Preferences::default());
        let mut settings =
            PortSettings { source: ListeningSource::DryMinusB, ..PortSettings::default() };
        settings.frames.depths = [usize::MAX, 7];
        let request =
            ModelRequest { id: "nano".into(), precision: Precision::Int8.into(), threads: 3 };
        let choice = DeviceRequest { rate: Some(44_100), ..DeviceRequest::default() };
        let kept = Preferences {
            look: ThemeChoice::Light,
            scale: 1.5,
            page: Page::Models,
            devices: choice.clone().into(),
            model: request.clone().into(),
            heard: settings.into(),
            ..Preferences::default()
        };
        kept.write(&path).unwrap();
        let read = Preferences::read(&path).unwrap();
        assert_eq!(read, kept);
        assert_eq!(PortSettings::from(read.heard), settings);
        assert_eq!(ModelRequest::from(read.model), request);
        assert_eq!(DeviceRequest::from(read.devices).rate, choice.rate);
    }

    /// A file with an unknown field at each level, an unknown theme and page, a scale beyond this version's, and
    /// devices in a form of their own.
    #[test]
    fn settings_of_a_newer_version_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        let newer = r#"{"version": "9.1.0", "look": "Sepia", "page": "Mixer", "scale": 4, "seconds": 12.0,
            "window": [1300.1, 900], "views": {"tokens": false, "map": true}, "devices": "usb",
            "model": {"id": "v9", "precision": "int2", "room": 1}, "volume_db": -3.3, "extra": {"x": [1]},
            "heard": {"source": "A+B", "depths": [4, 1, 2]}}"#;
        fs::write(&path, newer).unwrap();
        let original: Value = serde_json::from_str(newer).unwrap();
        let written = || serde_json::from_slice::<Value>(&fs::read(&path).unwrap()).unwrap();

        let mut read = Preferences::read(&path).unwrap();
        assert_eq!(read.newer_version(), Some("9.1.0"));
        assert_eq!((read.look, read.page), (ThemeChoice::System, Page::Listen), "the defaults");
        assert_eq!((read.scale, read.seconds, read.volume_db), (2.5, 12.0, -3.3));
        assert_eq!((read.views.tokens, read.views.load), (false, true));
        assert_eq!(
            (read.devices.clone(), read.model.id.as_str()),
            (DevicePreferences::default(), "v9")
        );
        assert_eq!(PortSettings::from(read.heard.clone()), PortSettings::default());
        read.stand_in("embedded");
        read.write(&path).unwrap();
        assert_eq!(written(), original, "nothing was changed");

        let mut again = Preferences::read(&path).unwrap();
        again.stand_in("embedded");
        assert_eq!(again, read);
        again.look = ThemeChoice::Dark;
        again.views.load = false;
        again.write(&path).unwrap();
        let mut expected = original;
        expected["look"] = "Dark".into();
        expected["views"]["load"] = false.into();
        assert_eq!(written(), expected, "what was changed counts");
        read = Preferences::read(&path).unwrap();
        assert_eq!((read.look, read.newer_version()), (ThemeChoice::Dark, Some("9.1.0")));
    }

    #[test]
    fn only_a_newer_version_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        for version in ["", "0.1.0", VERSION, "new", "9"] {
            fs::write(&path, format!(r#"{{"version":"{version}","seconds":12,"extra":1}}"#))
                .unwrap();
            let read = Preferences::read(&path).unwrap();
            assert_eq!((read.newer_version(), read.seconds), (None, 12.0), "{version}");
            read.write(&path).unwrap();
            let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(written["version"], VERSION);
        }
    }

    /// New settings are automatic; those that were saved before there was a choice stay in f32, and what somebody chose
    /// stays what it is.
    #[test]
    fn only_new_settings_are_automatic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        let precision =
            |path: &Path| ModelRequest::from(Preferences::read(path).unwrap().model).precision;
        assert_eq!(precision(&path), PrecisionRequest::Automatic);
        for (text, expected) in [
            ("{}", PrecisionRequest::from(Precision::F32)),
            (r#"{"model":{"id":"nano"}}"#, Precision::F32.into()),
            (r#"{"version":"0.2.0","model":{"id":"nano","threads":2}}"#, Precision::F32.into()),
            (r#"{"model":{"id":"nano","precision":"int8"}}"#, Precision::Int8.into()),
            (r#"{"model":{"id":"nano","precision":"auto"}}"#, PrecisionRequest::Automatic),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(precision(&path), expected, "{text}");
            let read = Preferences::read(&path).unwrap();
            read.write(&path).unwrap();
            assert_eq!(precision(&path), expected, "{text}, written again");
        }
    }

    #[test]
    fn a_file_of_another_day_is_read_and_nonsense_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        fs::write(&path, r#"{"scale": 1e9, "window": [1, 2], "new": 3, "seconds": 0}"#).unwrap();
        let read = Preferences::read(&path).unwrap();
        assert_eq!((read.scale, read.window, read.seconds), (2.5, SMALLEST, 2.0));
        let huge = fs::File::create(&path).unwrap();
        huge.set_len(1 << 40).unwrap();
        let refused = Preferences::read(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FileTooLarge, "and is not read into memory");
        for damaged in ["{", "", "[1]", "null", r#"{"scale":1e400}"#, r#"{"window":[1]}"#] {
            fs::write(&path, damaged).unwrap();
            assert!(Preferences::read(&path).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_damaged_file_is_kept_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        let whole = serde_json::to_vec_pretty(&Preferences::default()).unwrap();
        let half = &whole[..whole.len() / 2];
        fs::write(&path, half).unwrap();
        let (read, unread) = Preferences::read_or_default(&path);
        assert_eq!(read, Preferences::default());
        let unread = unread.unwrap();
        assert!(!unread.is_in_place());
        let said = unread.to_string();
        for part in ["window.json", "default settings", "kept as", "window.damaged.json"] {
            assert!(said.contains(part), "{said}");
        }
        read.write(&path).unwrap();
        assert_eq!(fs::read(folder.path().join("window.damaged.json")).unwrap(), half);
        assert!(Preferences::read_or_default(&path).1.is_none());
    }

    #[test]
    fn a_file_that_cannot_be_read_now_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        // A folder cannot be read as a file, on any system.
        fs::create_dir(&path).unwrap();
        let (read, unread) = Preferences::read_or_default(&path);
        assert_eq!(read, Preferences::default());
        let unread = unread.unwrap();
        assert!(unread.is_in_place() && path.is_dir());
        assert!(unread.to_string().contains("not saved"), "{unread}");
    }
}

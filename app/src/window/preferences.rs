//! What the window remembers from one day to the next.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use residue_engine::codec::Precision;
use residue_engine::live::{ListeningSource, PortSettings};
use residue_ui::source_strip;
use serde::{Deserialize, Serialize};

use super::page::Page;
use crate::studio::{DeviceChoice, ModelWish};

/// Dark or light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// As the system says.
    #[default]
    System,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

impl Look {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Dark => "Dark",
            Self::Light => "Light",
        }
    }
}

impl From<Look> for egui::ThemePreference {
    fn from(look: Look) -> Self {
        match look {
            Look::System => Self::System,
            Look::Dark => Self::Dark,
            Look::Light => Self::Light,
        }
    }
}

/// Which views are unfolded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Views {
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

impl Default for Views {
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

/// Everything that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Dark or light.
    pub look: Look,
    /// Size of everything, 1 is the system's own.
    pub scale: f32,
    /// Size of the window, in points.
    pub window: [f32; 2],
    /// It filled the screen.
    pub maximized: bool,
    /// The page.
    pub page: Page,
    /// Unfolded views.
    pub views: Views,
    /// Seconds that spectrograms show.
    pub seconds: f64,
    /// Devices.
    pub devices: Devices,
    /// The model.
    pub model: Model,
    /// What is heard.
    pub heard: Heard,
    /// Output gain in decibels.
    pub volume_db: f32,
    /// Where recordings go.
    pub recordings: Option<PathBuf>,
}

/// [`DeviceChoice`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Devices {
    pub host: Option<String>,
    pub input: Option<String>,
    pub output: Option<String>,
    pub rate: Option<u32>,
    pub buffer: Option<u32>,
    pub channels: Option<usize>,
}

/// [`ModelWish`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Model {
    pub id: String,
    pub precision: String,
    pub threads: usize,
}

/// What of [`PortSettings`] is kept; effects are not: who comes back tomorrow wants to hear no losses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// Name of the source.
    pub source: String,
    /// Layers of A and B; `None`: all.
    pub depths: [Option<usize>; 2],
    /// Loudness of A and B follows dry.
    pub match_loudness: bool,
}

/// Smallest and largest scale.
pub const SCALES: std::ops::RangeInclusive<f32> = 0.6..=2.5;
/// Smallest window, in points.
pub const SMALLEST: [f32; 2] = [960.0, 640.0];

impl Default for Preferences {
    fn default() -> Self {
        Self {
            look: Look::default(),
            scale: 1.0,
            window: [1280.0, 800.0],
            maximized: false,
            page: Page::default(),
            views: Views::default(),
            seconds: 8.0,
            devices: Devices::default(),
            model: Model::default(),
            heard: Heard::default(),
            volume_db: 0.0,
            recordings: None,
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        ModelWish::default().into()
    }
}

impl Default for Heard {
    fn default() -> Self {
        PortSettings::default().into()
    }
}

impl From<DeviceChoice> for Devices {
    fn from(choice: DeviceChoice) -> Self {
        let DeviceChoice { host, input, output, rate, buffer, channels } = choice;
        Self { host, input, output, rate, buffer, channels }
    }
}

impl From<Devices> for DeviceChoice {
    fn from(devices: Devices) -> Self {
        let Devices { host, input, output, rate, buffer, channels } = devices;
        Self { host, input, output, rate, buffer, channels }
    }
}

impl From<ModelWish> for Model {
    fn from(wish: ModelWish) -> Self {
        Self { id: wish.id, precision: wish.precision.name().to_owned(), threads: wish.threads }
    }
}

impl From<Model> for ModelWish {
    fn from(model: Model) -> Self {
        let precision = model.precision.parse().unwrap_or(Precision::F32);
        Self { id: model.id, precision, threads: model.threads.min(256) }
    }
}

impl From<PortSettings> for Heard {
    fn from(settings: PortSettings) -> Self {
        let frames = settings.frames;
        Self {
            source: source_strip::name(settings.source).to_owned(),
            depths: frames.depths.map(|depth| (depth != usize::MAX).then_some(depth)),
            match_loudness: frames.match_loudness,
        }
    }
}

impl From<Heard> for PortSettings {
    fn from(heard: Heard) -> Self {
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
    /// What is kept in a file, or the defaults where there is none.
    ///
    /// # Errors
    /// If it cannot be read or is something else.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => read?,
        };
        let mut read: Self = serde_json::from_slice(&text)?;
        // Whoever edits the file by hand still gets a window.
        let scale = if read.scale.is_finite() { read.scale } else { 1.0 };
        read.scale = scale.clamp(*SCALES.start(), *SCALES.end());
        for (side, least) in read.window.iter_mut().zip(SMALLEST) {
            *side = if side.is_finite() { side.clamp(least, 20_000.0) } else { least };
        }
        read.seconds = if read.seconds.is_finite() { read.seconds.clamp(2.0, 60.0) } else { 8.0 };
        let volume = if read.volume_db.is_finite() { read.volume_db } else { 0.0 };
        read.volume_db = volume.clamp(-60.0, 24.0);
        Ok(read)
    }

    /// Keeps it in a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_vec_pretty(self)?;
        // Whole or not at all: a computer that is switched off forgets nothing.
        let temporary = path.with_extension("json.tmp");
        fs::write(&temporary, text)?;
        fs::rename(&temporary, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/window.json");
        assert_eq!(Preferences::read(&path).unwrap(), Preferences::default());
        let mut settings =
            PortSettings { source: ListeningSource::DryMinusB, ..PortSettings::default() };
        settings.frames.depths = [usize::MAX, 7];
        let wish = ModelWish { id: "nano".into(), precision: Precision::Int8, threads: 3 };
        let choice = DeviceChoice { rate: Some(44_100), ..DeviceChoice::default() };
        let kept = Preferences {
            look: Look::Light,
            scale: 1.5,
            page: Page::Models,
            devices: choice.clone().into(),
            model: wish.clone().into(),
            heard: settings.into(),
            ..Preferences::default()
        };
        kept.write(&path).unwrap();
        let read = Preferences::read(&path).unwrap();
        assert_eq!(read, kept);
        assert_eq!(PortSettings::from(read.heard), settings);
        assert_eq!(ModelWish::from(read.model), wish);
        assert_eq!(DeviceChoice::from(read.devices).rate, choice.rate);
    }

    #[test]
    fn a_file_of_another_day_is_read_and_nonsense_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("window.json");
        fs::write(&path, r#"{"scale": 1e9, "window": [1, 2], "new": 3, "seconds": 0}"#).unwrap();
        let read = Preferences::read(&path).unwrap();
        assert_eq!((read.scale, read.window, read.seconds), (2.5, SMALLEST, 2.0));
        fs::write(&path, "{").unwrap();
        assert!(Preferences::read(&path).is_err());
    }
}

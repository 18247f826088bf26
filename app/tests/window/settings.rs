//! Settings of earlier versions.

use std::path::Path;

use residue_app::studio::DeviceRequest;
use residue_app::window::{Page, Preferences, ThemeChoice};
use residue_engine::codec::Precision;
use residue_engine::live::{ListeningSource, PortSettings};
use residue_engine::models::ModelRequest;

/// A file that the app of version 0.1 wrote when it was closed, with nearly nothing at its default.
#[test]
fn settings_of_version_0_1_open_as_they_were() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/window/settings-0.1.json");
    let read = Preferences::read(&path).unwrap();
    assert_eq!((read.look, read.scale, read.page), (ThemeChoice::Light, 1.25, Page::Models));
    assert_eq!((read.window, read.maximized), ([1440.0, 900.0], false));
    assert_eq!(read.views.spectrograms, [true, false, true, false]);
    let views = [read.views.tokens, read.views.codebooks, read.views.distance];
    assert_eq!(views, [true, false, true]);
    assert_eq!([read.views.load, read.views.latency], [true, false]);
    assert_eq!((read.seconds, read.volume_db), (16.0, -8.0));
    assert_eq!(read.recordings.as_deref(), Some(Path::new("/home/ada/Music/takes")));
    let devices = DeviceRequest {
        host: Some("ALSA".into()),
        input: Some("hw:CARD=USB,DEV=0".into()),
        output: Some("pipewire".into()),
        rate: Some(44_100),
        buffer: Some(128),
        channels: Some(1),
    };
    assert_eq!(DeviceRequest::from(read.devices.clone()), devices);
    let model =
        ModelRequest { id: "nano-mini".into(), precision: Precision::Int8.into(), threads: 3 };
    assert_eq!(ModelRequest::from(read.model.clone()), model);
    let mut settings =
        PortSettings { source: ListeningSource::DryMinusB, ..PortSettings::default() };
    settings.frames.depths = [12, 3];
    settings.frames.match_loudness = true;
    assert_eq!(PortSettings::from(read.heard.clone()), settings);

    // Written again, it is the same file with a version.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("window.json");
    read.write(&copy).unwrap();
    let written = std::fs::read_to_string(copy).unwrap();
    let stamp = concat!("{\n  \"version\": \"", env!("CARGO_PKG_VERSION"), "\",");
    let before = std::fs::read_to_string(path).unwrap();
    assert_eq!(written, before.replacen('{', stamp, 1));
}

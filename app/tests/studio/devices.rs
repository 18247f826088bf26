//! Devices: microphones, losses, other defaults.

use std::sync::Arc;

use residue_app::studio::{DeviceRequest, InputKind, Severity, Stimuli, StreamState};
use residue_engine::audio::Audio;
use residue_engine::live::ListeningSource;

use super::harness::{BLOCK, RATE, StudioHarness, differs, settings, voice};

const FADE: usize = RATE as usize / 200;

/// A microphone starts muted, and is heard bit for bit once that is lifted.
#[test]
fn a_microphone_is_muted_until_told_otherwise() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    assert_eq!(harness.studio.input(), InputKind::Microphone);
    assert!(harness.studio.muted() && harness.studio.muted_for_headphones());
    harness.studio.start();
    harness.ready();
    let round_trip = harness.studio.round_trip().unwrap();
    let latency = harness.latency();
    assert!((round_trip.total_ms() - latency as f64 / 24.0).abs() < 1e-6, "{round_trip:?}");
    assert_eq!(round_trip.frame_ms, 10.0);
    let input = [voice(RATE, 60_000, 1), voice(RATE, 60_000, 2)];
    harness.devices.feed(&[&input[0], &input[1]]);
    let heard = harness.play(20 * BLOCK);
    assert!(heard.iter().flatten().all(|x| *x == 0.0));
    let peaks = harness.studio.status().unwrap().peaks;
    assert!(peaks[0][0] > 0.1, "levels are shown all the same: {peaks:?}");
    harness.studio.set_muted(false);
    assert!(!harness.studio.muted_for_headphones());
    let heard = harness.play(20 * BLOCK);
    for channel in 0..2 {
        let from = 20 * BLOCK - latency;
        let expected = &input[channel][from..from + 20 * BLOCK];
        assert_eq!(differs(&heard[channel][2 * BLOCK..], &expected[2 * BLOCK..]), None);
    }
    harness.studio.stop();
    harness.until("it stops", |studio| *studio.stream_state() == StreamState::Stopped);
    assert!(!harness.devices.is_open());
    assert!(harness.studio.control().is_none() && harness.studio.round_trip().is_none());
}

/// A file needs no microphone: none is opened, and the one that was is closed. Back at the
/// microphone it is muted again.
#[test]
fn only_a_microphone_opens_an_input() {
    let mut harness = StudioHarness::new(RATE, |_| ());
    harness.studio.start();
    harness.ready();
    assert!(harness.devices.shape().unwrap().input.is_some());
    harness.studio.set_muted(false);
    let path = harness.file("voice.wav", RATE, &[voice(RATE, 9600, 1)]);
    harness.open(&path);
    let devices = harness.devices.clone();
    harness.until("no input", |_| devices.shape().is_some_and(|shape| shape.input.is_none()));
    harness.studio.use_microphone();
    assert!(harness.studio.muted_for_headphones());
    let devices = harness.devices.clone();
    harness.until("an input", |_| devices.shape().is_some_and(|shape| shape.input.is_some()));
    harness.until("shown", |studio| {
        studio.input() == InputKind::Microphone && studio.file().is_none()
    });
}

/// A plug that is pulled is told, and when it is back the file goes on where it was.
#[test]
fn lost_devices_come_back() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let input = voice(RATE, 96_000, 4);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    harness.studio.set_loop(Some((0.5, 3.5)));
    harness.studio.play();
    harness.play(50 * BLOCK);
    let before = harness.studio.transport().unwrap();
    harness.devices.set_present(false);
    assert_eq!(harness.devices.play(BLOCK), 0);
    harness.notice(Severity::Warning, "pulled the plug");
    harness.until("it is lost", |studio| {
        matches!(studio.stream_state(), StreamState::Lost { why, .. } if why.contains("simulated"))
    });
    assert!(harness.studio.control().is_none());
    assert_eq!(harness.studio.transport().unwrap(), before);
    harness.devices.set_present(true);
    // Of another make.
    harness.devices.set_rate(48_000);
    harness.notice(Severity::Info, "are back");
    harness.until("it runs", |studio| matches!(studio.stream_state(), StreamState::Running(_)));
    assert_eq!(harness.studio.output_rate(), Some(48_000));
    harness.play(4 * BLOCK);
    let after = harness.studio.transport().unwrap();
    assert!(after.playing && after.loop_region == before.loop_region);
    assert!((after.position_s - before.position_s).abs() < 0.05, "{before:?} {after:?}");
}

/// Without any device it says so, and tries again.
#[test]
fn no_device_is_no_panic() {
    let mut harness = StudioHarness::new(RATE, |_| ());
    harness.devices.set_present(false);
    harness.studio.start();
    harness.notice(Severity::Warning, "unplugged");
    harness.devices.set_present(true);
    harness.notice(Severity::Info, "are back");
    // A request that cannot be met is reported as well.
    let choice = DeviceRequest { output: Some("tuba".into()), ..DeviceRequest::default() };
    harness.studio.choose_devices(choice);
    harness.notice(Severity::Warning, "tuba");
    harness.studio.choose_devices(DeviceRequest::default());
    harness.until("it runs", |studio| matches!(studio.stream_state(), StreamState::Running(_)));
}

/// Where no device was chosen, another default of the system's is followed.
#[test]
fn the_systems_default_is_followed() {
    let mut harness = StudioHarness::new(RATE, |_| ());
    harness.studio.start();
    harness.ready();
    harness.devices.set_default_names("USB microphone", "USB headphones");
    harness.notice(Severity::Info, "default devices have changed");
    let devices = harness.devices.clone();
    harness.until("they are used", |_| {
        devices.shape().is_some_and(|shape| shape.output == "USB headphones")
    });
    harness.studio.refresh_devices();
    harness.until("they are listed", |studio| {
        let list = studio.device_list();
        !list.refreshing && list.hosts.iter().any(|host| host.devices[1].name == "USB headphones")
    });
}

/// Versions of a recording are switched in place, and afterwards the file goes on.
#[test]
fn an_audition_stands_in_for_everything_else() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let input = voice(RATE, 96_000, 4);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    harness.studio.play();
    harness.play(20 * BLOCK);
    let version = |seed| Audio::new(RATE, vec![voice(RATE, 30_000, seed)]);
    let stimuli = Stimuli { rate: RATE, planes: vec![version(1), version(2)], region: None };
    harness.studio.audition(Arc::new(stimuli.clone()));
    harness.studio.select(1);
    harness.until("it is sent", |studio| studio.is_settled());
    let heard = harness.play(20 * BLOCK);
    let from = FADE + 3 * BLOCK;
    let expected = &stimuli.planes[1].channels[0][from - FADE..][..20 * BLOCK - from];
    assert_eq!(differs(&heard[0][from..], expected), None);
    let state = harness.studio.audition_state().unwrap();
    assert_eq!((state.index, state.length_s), (1, 1.25));
    let position = state.position_s * f64::from(RATE);
    assert!((position - (20 * BLOCK - FADE) as f64).abs() < 1e-6, "{position}");

    harness.studio.end_audition();
    assert!(harness.studio.audition_state().is_none());
    let heard = harness.play(20 * BLOCK)[0].clone();
    let position =
        (harness.studio.transport().unwrap().position_s * f64::from(RATE)).round() as usize;
    let tail = &heard[4 * BLOCK..];
    assert_eq!(differs(tail, &input[position - tail.len()..position]), None);

    let elsewhere = Stimuli { rate: 44_100, ..stimuli };
    harness.studio.audition(Arc::new(elsewhere));
    harness.notice(Severity::Error, "44100 Hz");
}

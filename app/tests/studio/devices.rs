//! Devices: microphones, losses, other defaults.

use std::sync::Arc;

use residue_app::studio::{DeviceChoice, Input, Severity, Stimuli, StreamState};
use residue_engine::audio::Audio;
use residue_engine::live::ListeningSource;

use super::rig::{BLOCK, RATE, Rig, differs, settings, voice};

const FADE: usize = RATE as usize / 200;

/// A microphone starts muted, and is heard bit for bit once that is lifted.
#[test]
fn a_microphone_is_muted_until_told_otherwise() {
    let mut rig =
        Rig::new(RATE, |options| options.settings = settings(ListeningSource::Dry, [8, 2]));
    assert_eq!(rig.studio.input(), Input::Microphone);
    assert!(rig.studio.muted() && rig.studio.muted_for_headphones());
    rig.studio.start();
    rig.ready();
    let round_trip = rig.studio.round_trip().unwrap();
    let latency = rig.latency();
    assert!((round_trip.total_ms() - latency as f64 / 24.0).abs() < 1e-6, "{round_trip:?}");
    assert_eq!(round_trip.frame_ms, 10.0);
    let input = [voice(RATE, 60_000, 1), voice(RATE, 60_000, 2)];
    rig.devices.feed(&[&input[0], &input[1]]);
    let heard = rig.play(20 * BLOCK);
    assert!(heard.iter().flatten().all(|x| *x == 0.0));
    let peaks = rig.studio.status().unwrap().peaks;
    assert!(peaks[0][0] > 0.1, "levels are shown all the same: {peaks:?}");
    rig.studio.set_muted(false);
    assert!(!rig.studio.muted_for_headphones());
    let heard = rig.play(20 * BLOCK);
    for channel in 0..2 {
        let from = 20 * BLOCK - latency;
        let expected = &input[channel][from..from + 20 * BLOCK];
        assert_eq!(differs(&heard[channel][2 * BLOCK..], &expected[2 * BLOCK..]), None);
    }
    rig.studio.stop();
    rig.until("it stops", |studio| *studio.stream_state() == StreamState::Stopped);
    assert!(!rig.devices.is_open());
    assert!(rig.studio.control().is_none() && rig.studio.round_trip().is_none());
}

/// A file needs no microphone: none is opened, and the one that was is closed. Back at the
/// microphone it is muted again.
#[test]
fn only_a_microphone_opens_an_input() {
    let mut rig = Rig::new(RATE, |_| ());
    rig.studio.start();
    rig.ready();
    assert!(rig.devices.shape().unwrap().input.is_some());
    rig.studio.set_muted(false);
    let path = rig.file("voice.wav", RATE, &[voice(RATE, 9600, 1)]);
    rig.open(&path);
    let devices = rig.devices.clone();
    rig.until("no input", |_| devices.shape().is_some_and(|shape| shape.input.is_none()));
    rig.studio.use_microphone();
    assert!(rig.studio.muted_for_headphones());
    let devices = rig.devices.clone();
    rig.until("an input", |_| devices.shape().is_some_and(|shape| shape.input.is_some()));
    rig.until("shown", |studio| studio.input() == Input::Microphone && studio.file().is_none());
}

/// A plug that is pulled is told, and when it is back the file goes on where it was.
#[test]
fn lost_devices_come_back() {
    let mut rig =
        Rig::new(RATE, |options| options.settings = settings(ListeningSource::Dry, [8, 2]));
    let input = voice(RATE, 96_000, 4);
    let path = rig.file("voice.wav", RATE, std::slice::from_ref(&input));
    rig.open(&path);
    rig.studio.set_loop(Some((0.5, 3.5)));
    rig.studio.play();
    rig.play(50 * BLOCK);
    let before = rig.studio.transport().unwrap();
    rig.devices.set_present(false);
    assert_eq!(rig.devices.play(BLOCK), 0);
    rig.notice(Severity::Warning, "pulled the plug");
    rig.until("it is lost", |studio| {
        matches!(studio.stream_state(), StreamState::Lost { why, .. } if why.contains("simulated"))
    });
    assert!(rig.studio.control().is_none());
    assert_eq!(rig.studio.transport().unwrap(), before);
    rig.devices.set_present(true);
    // Of another make.
    rig.devices.set_rate(48_000);
    rig.notice(Severity::Info, "are back");
    rig.until("it runs", |studio| matches!(studio.stream_state(), StreamState::Running(_)));
    assert_eq!(rig.studio.output_rate(), Some(48_000));
    rig.play(4 * BLOCK);
    let after = rig.studio.transport().unwrap();
    assert!(after.playing && after.loop_region == before.loop_region);
    assert!((after.position_s - before.position_s).abs() < 0.05, "{before:?} {after:?}");
}

/// Without any device it says so, and tries again.
#[test]
fn no_device_is_no_panic() {
    let mut rig = Rig::new(RATE, |_| ());
    rig.devices.set_present(false);
    rig.studio.start();
    rig.notice(Severity::Warning, "unplugged");
    rig.devices.set_present(true);
    rig.notice(Severity::Info, "are back");
    // What cannot be met is told as well.
    let choice = DeviceChoice { output: Some("tuba".into()), ..DeviceChoice::default() };
    rig.studio.choose_devices(choice);
    rig.notice(Severity::Warning, "tuba");
    rig.studio.choose_devices(DeviceChoice::default());
    rig.until("it runs", |studio| matches!(studio.stream_state(), StreamState::Running(_)));
}

/// Where no device was chosen, another default of the system's is followed.
#[test]
fn the_systems_default_is_followed() {
    let mut rig = Rig::new(RATE, |_| ());
    rig.studio.start();
    rig.ready();
    rig.devices.set_default_names("USB microphone", "USB headphones");
    rig.notice(Severity::Info, "default devices have changed");
    let devices = rig.devices.clone();
    rig.until("they are used", |_| {
        devices.shape().is_some_and(|shape| shape.output == "USB headphones")
    });
    rig.studio.refresh_devices();
    rig.until("they are listed", |studio| {
        let list = studio.device_list();
        !list.refreshing && list.hosts.iter().any(|host| host.devices[1].name == "USB headphones")
    });
}

/// Versions of a recording are switched in place, and afterwards the file goes on.
#[test]
fn an_audition_stands_in_for_everything_else() {
    let mut rig =
        Rig::new(RATE, |options| options.settings = settings(ListeningSource::Dry, [8, 2]));
    let input = voice(RATE, 96_000, 4);
    let path = rig.file("voice.wav", RATE, std::slice::from_ref(&input));
    rig.open(&path);
    rig.studio.play();
    rig.play(20 * BLOCK);
    let version = |seed| Audio { rate: RATE, channels: vec![voice(RATE, 30_000, seed)] };
    let stimuli = Stimuli { rate: RATE, planes: vec![version(1), version(2)], region: None };
    rig.studio.audition(Arc::new(stimuli.clone()));
    rig.studio.select(1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let heard = rig.play(20 * BLOCK);
    let from = FADE + 3 * BLOCK;
    let expected = &stimuli.planes[1].channels[0][from - FADE..][..20 * BLOCK - from];
    assert_eq!(differs(&heard[0][from..], expected), None);
    let state = rig.studio.audition_state().unwrap();
    assert_eq!((state.index, state.length_s), (1, 1.25));
    let position = state.position_s * f64::from(RATE);
    assert!((position - (20 * BLOCK - FADE) as f64).abs() < 1e-6, "{position}");

    rig.studio.end_audition();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(rig.studio.audition_state().is_none());
    let heard = rig.play(20 * BLOCK)[0].clone();
    let position = (rig.studio.transport().unwrap().position_s * f64::from(RATE)).round() as usize;
    let tail = &heard[4 * BLOCK..];
    assert_eq!(differs(tail, &input[position - tail.len()..position]), None);

    let elsewhere = Stimuli { rate: 44_100, ..stimuli };
    rig.studio.audition(Arc::new(elsewhere));
    rig.notice(Severity::Error, "44100 Hz");
}

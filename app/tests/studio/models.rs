//! Models: switching while playing, the library, what precisions cost.

use std::fs;
use std::path::{Path, PathBuf};

use residue_app::studio::{ModelWish, Severity};
use residue_engine::codec::{Codec, CodecOptions, Precision};
use residue_engine::live::{Allowance, ListeningSource};
use residue_engine::models::ModelLibrary;
use residue_engine_testing::{HubFault, HubServer, PullFixture};

use super::rig::{BLOCK, FRAME, RATE, Rig, differs, roundtrip, settings, voice};

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden").join(case)
}

fn wish(id: &str) -> ModelWish {
    ModelWish { id: id.to_owned(), ..ModelWish::default() }
}

/// Another model takes over while a file plays: what is heard of it does not stop or move, whether
/// its latency fits or the port is opened anew.
#[test]
fn models_change_while_a_file_plays() {
    let mut rig = Rig::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2]);
        // Not measured, so that the latency is the frame of the model.
        options.allowance = Allowance::Samples(0);
    });
    let input = voice(RATE, 10 * RATE as usize, 1);
    let path = rig.file("voice.wav", RATE, std::slice::from_ref(&input));
    rig.open(&path);
    rig.studio.play();
    rig.play(40 * BLOCK);
    let facts = rig.studio.model().facts.clone().unwrap();
    assert_eq!((facts.layers, facts.rate, facts.channels), (32, RATE, 1));
    assert_eq!((facts.kbps_per_layer, facts.frame_ms), (1.0, 10.0));
    // The same one in another precision has the same latency; the golden one has longer frames.
    let folder = golden("v1").display().to_string();
    let other = ModelWish { precision: Precision::Int8, ..wish("embedded") };
    for (wish, same_port) in [(other, true), (wish(&folder), false), (wish("embedded"), false)] {
        let epoch = rig.studio.port_epoch();
        let before = rig.studio.transport().unwrap().position_s;
        rig.studio.choose_model(wish.clone());
        assert_eq!(rig.studio.model().loading.as_ref().unwrap().0, wish);
        rig.until("the model is there", |studio| {
            studio.model().facts.as_ref().is_some_and(|facts| facts.wish == wish)
                && studio.model().loading.is_none()
        });
        assert_eq!(rig.studio.port_epoch() == epoch, same_port, "{wish:?}");
        let heard = rig.play(120 * BLOCK)[0].clone();
        let position = rig.studio.transport().unwrap().position_s;
        assert!(position > before && rig.studio.transport().unwrap().playing);
        let tail = &heard[60 * BLOCK..];
        let end = (position * f64::from(RATE)).round() as usize;
        assert_eq!(differs(tail, &input[end - tail.len()..end]), None, "{wish:?}");
    }

    // One that cannot be loaded is told, and the old one goes on.
    rig.studio.choose_model(wish("/no/such/folder"));
    let said = rig.notice(Severity::Error, "/no/such/folder");
    assert!(said.starts_with("the model cannot be used"));
    assert!(rig.studio.model().failed.is_some() && rig.studio.model().loading.is_none());
    assert_eq!(rig.studio.model().facts.as_ref().unwrap().wish, wish("embedded"));
    assert!(rig.play(BLOCK)[0].iter().any(|x| *x != 0.0));
}

/// A first model that cannot be loaded is stood in for.
#[test]
fn without_a_first_model_the_embedded_one_stands_in() {
    let mut rig = Rig::new(RATE, |options| options.model = wish("/no/such/folder"));
    rig.studio.start();
    rig.notice(Severity::Error, "/no/such/folder");
    rig.ready();
    assert_eq!(rig.studio.model().facts.as_ref().unwrap().wish, wish("embedded"));
}

/// Only the last of several wishes counts.
#[test]
fn the_last_wish_counts() {
    let mut rig = Rig::new(RATE, |_| ());
    let [v1, nano] = ["v1", "nano"].map(|case| wish(&golden(case).display().to_string()));
    rig.studio.choose_model(v1);
    rig.studio.choose_model(nano.clone());
    rig.until("the model is there", |studio| {
        studio.model().facts.as_ref().is_some_and(|facts| facts.wish == nano)
    });
    rig.until("nothing loads", |studio| studio.model().loading.is_none());
    std::thread::sleep(std::time::Duration::from_millis(100));
    rig.until("it stays", |studio| studio.model().facts.as_ref().unwrap().wish == nano);
}

/// A model is downloaded with progress, stopped and taken up again, and can then be chosen; models
/// are listed, added and checked.
#[test]
fn the_library_grows_and_is_checked() {
    let folder = golden("nano");
    let file = |name: &str| fs::read(folder.join(name)).unwrap();
    let files = vec![
        ("config.json", file("config.json")),
        ("model.safetensors", file("model.safetensors")),
    ];
    let server = HubServer::start(files);
    // Long enough to be stopped in the middle.
    server.state().mishaps.push_back(HubFault::Stall(20_000));
    let place = PullFixture::new(&server);
    let library = ModelLibrary::new(place.folder.path().join("home"), place.settings.clone());
    let mut rig = Rig::new(RATE, |options| options.library = Some(library));
    rig.studio.refresh_library();
    rig.until("models are listed", |studio| !studio.library().is_empty());
    let nano = rig.studio.library().iter().find(|model| model.id == "nano").unwrap().clone();
    assert!(!nano.here && nano.can_pull);
    assert_eq!(nano.facts.unwrap().layers, 16);

    rig.studio.pull("nano");
    rig.until("bytes arrive", |studio| {
        studio.pull_progress().is_some_and(|pull| pull.done > 10_000 && pull.total > 20_000)
    });
    rig.studio.pull("v1");
    rig.notice(Severity::Warning, "one at a time");
    rig.studio.cancel_pull();
    rig.notice(Severity::Info, "stopped downloading nano");
    rig.until("it stopped", |studio| studio.pull_progress().is_none());
    rig.studio.pull("nano");
    rig.notice(Severity::Info, "nano is here now");
    rig.until("it is listed", |studio| {
        studio.library().iter().any(|model| model.id == "nano" && model.here && !model.can_pull)
    });
    rig.studio.choose_model(wish("nano"));
    rig.until("it runs", |studio| {
        studio.model().facts.as_ref().is_some_and(|facts| facts.wish.id == "nano")
    });
    rig.studio.pull("tuba");
    rig.notice(Severity::Error, "tuba");

    rig.studio.add_model(golden("v2"));
    rig.notice(Severity::Info, "added v2");
    rig.studio.add_model(rig.folder.path().to_owned());
    rig.notice(Severity::Error, "cannot be added");
    rig.studio.verify("v2");
    rig.notice(Severity::Info, "v2 is in order");
    rig.until("it is marked", |studio| {
        studio.library().iter().any(|model| model.id == "v2" && model.verified == Some(Ok(())))
    });
    let broken = rig.path("broken");
    fs::create_dir(&broken).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(folder.join(name), broken.join(name)).unwrap();
    }
    rig.studio.add_model(broken.clone());
    rig.notice(Severity::Info, "added broken");
    let weights = fs::read(broken.join("model.safetensors")).unwrap();
    fs::write(broken.join("model.safetensors"), &weights[..weights.len() - 4]).unwrap();
    rig.studio.verify("broken");
    rig.notice(Severity::Error, "broken is damaged");
}

/// What precisions cost is measured: f32 agrees with itself, and the others nearly.
#[test]
fn precisions_are_measured() {
    let mut rig = Rig::new(RATE, |_| ());
    let input = voice(RATE, 12_000, 1);
    let path = rig.file("voice.wav", RATE, std::slice::from_ref(&input));
    rig.studio.open_file(path);
    rig.until("the file opens", |studio| studio.file().is_some());
    rig.studio.measure_precisions("embedded");
    assert_eq!(rig.studio.measuring(), Some("embedded"));
    rig.until("it is measured", |studio| studio.measuring().is_none());
    let costs = rig.studio.precision_costs("embedded").unwrap().to_vec();
    assert_eq!(costs.iter().map(|cost| cost.precision).collect::<Vec<_>>(), Precision::ALL);
    assert_eq!((costs[0].agreement, costs[0].mel_growth_percent), (1.0, 0.0));
    for cost in &costs {
        assert!(cost.rtf > 0.0 && cost.threads >= 1);
        assert_eq!(cost.agreement_by_layer.len(), 32);
    }
    // As counted by hand.
    let model = residue_engine::models::embedded();
    let options = CodecOptions { precision: Precision::Int8, ..CodecOptions::default() };
    let int8 = Codec::load_from_memory(model.config, model.weights, &options).unwrap();
    let padded = [input.clone(), vec![0.0; 12_000usize.next_multiple_of(FRAME) - 12_000]].concat();
    let codes = int8.encoder(1).encode(&[&padded], 32).unwrap().remove(0);
    let (exact, _) = roundtrip(RATE, &[input], &[1]);
    let same = codes.data().iter().zip(exact[0].data()).filter(|(a, b)| a == b).count();
    let agreement = same as f64 / codes.data().len() as f64;
    assert!((costs[2].agreement - agreement).abs() < 1e-9);
    assert!(agreement < 1.0);
    rig.studio.measure_precisions("tuba");
    rig.notice(Severity::Error, "tuba");
    rig.until("it is over", |studio| studio.measuring().is_none());
}

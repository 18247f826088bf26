//! Models: switching while playing, the library, what precisions cost.

use std::fs;
use std::path::{Path, PathBuf};

use residue_app::studio::Severity;
use residue_engine::codec::{Codec, CodecOptions, Precision};
use residue_engine::live::{Allowance, ListeningSource};
use residue_engine::models::{ModelLibrary, ModelRequest};
use residue_engine_testing::{HubFault, HubServer, PullFixture};

use super::harness::{BLOCK, FRAME, RATE, StudioHarness, differs, roundtrip, settings, voice};

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden").join(case)
}

fn request(id: &str) -> ModelRequest {
    ModelRequest::new(id)
}

/// Another model takes over while a file plays: what is heard of it does not stop or move, whether
/// its latency fits or the port is opened anew.
#[test]
fn models_change_while_a_file_plays() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2]);
        // Not measured, so that the latency is the frame of the model.
        options.allowance = Allowance::Samples(0);
    });
    let input = voice(RATE, 10 * RATE as usize, 1);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    harness.studio.play();
    harness.play(40 * BLOCK);
    let facts = harness.studio.model().facts.clone().unwrap();
    assert_eq!((facts.layers, facts.rate, facts.channels), (32, RATE, 1));
    assert_eq!((facts.kbps_per_layer, facts.frame_ms), (1.0, 10.0));
    // The same one in another precision has the same latency; the golden one has longer frames.
    let folder = golden("v1").display().to_string();
    let other = ModelRequest { precision: Precision::Int8.into(), ..request("embedded") };
    for (model, same_port) in
        [(other, true), (request(&folder), false), (request("embedded"), false)]
    {
        let epoch = harness.studio.port_epoch();
        let before = harness.studio.transport().unwrap().position_s;
        harness.studio.choose_model(model.clone());
        assert_eq!(harness.studio.model().loading.as_ref().unwrap().0, model);
        harness.until("the model is there", |studio| {
            studio.model().facts.as_ref().is_some_and(|facts| facts.request == model)
                && studio.model().loading.is_none()
        });
        assert_eq!(harness.studio.port_epoch() == epoch, same_port, "{model:?}");
        let heard = harness.play(120 * BLOCK)[0].clone();
        let position = harness.studio.transport().unwrap().position_s;
        assert!(position > before && harness.studio.transport().unwrap().playing);
        let tail = &heard[60 * BLOCK..];
        let end = (position * f64::from(RATE)).round() as usize;
        assert_eq!(differs(tail, &input[end - tail.len()..end]), None, "{model:?}");
    }

    // One that cannot be loaded is told, and the old one goes on.
    harness.studio.choose_model(request("/no/such/folder"));
    let said = harness.notice(Severity::Error, "/no/such/folder");
    assert!(said.starts_with("the model cannot be used"));
    assert!(harness.studio.model().failed.is_some() && harness.studio.model().loading.is_none());
    assert_eq!(harness.studio.model().facts.as_ref().unwrap().request, request("embedded"));
    assert!(harness.play(BLOCK)[0].iter().any(|x| *x != 0.0));
}

/// A first model that cannot be loaded is stood in for.
#[test]
fn without_a_first_model_the_embedded_one_stands_in() {
    let mut harness =
        StudioHarness::new(RATE, |options| options.model = request("/no/such/folder"));
    harness.studio.start();
    harness.notice(Severity::Error, "/no/such/folder");
    harness.ready();
    let model = harness.studio.model();
    assert_eq!(model.facts.as_ref().unwrap().request, request("embedded"));
    // Its drive may come back: the settings keep it until another is chosen.
    assert_eq!(model.wanted, Some(request("/no/such/folder")));
    harness.studio.choose_model(request("embedded"));
    harness.until("nothing loads", |studio| studio.model().loading.is_none());
    assert_eq!(harness.studio.model().wanted, Some(request("embedded")));
    // A failure later changes nothing.
    harness.studio.choose_model(request("/no/such/folder"));
    harness.until("nothing loads", |studio| studio.model().loading.is_none());
    assert_eq!(harness.studio.model().wanted, Some(request("embedded")));
}

/// Only the last of several requests counts.
#[test]
fn the_last_request_counts() {
    let mut harness = StudioHarness::new(RATE, |_| ());
    let [v1, nano] = ["v1", "nano"].map(|case| request(&golden(case).display().to_string()));
    harness.studio.choose_model(v1);
    harness.studio.choose_model(nano.clone());
    harness.until("the model is there", |studio| {
        studio.model().facts.as_ref().is_some_and(|facts| facts.request == nano)
    });
    harness.until("nothing loads", |studio| studio.model().loading.is_none());
    std::thread::sleep(std::time::Duration::from_millis(100));
    harness.until("it stays", |studio| studio.model().facts.as_ref().unwrap().request == nano);
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
    let mut harness = StudioHarness::new(RATE, |options| options.store = library.into());
    harness.studio.refresh_library();
    harness.until("models are listed", |studio| !studio.library().is_empty());
    let nano = harness.studio.library().iter().find(|model| model.id == "nano").unwrap().clone();
    assert!(!nano.here && nano.can_pull);
    assert_eq!(nano.summary.unwrap().layers, 16);

    harness.studio.pull("nano");
    harness.until("bytes arrive", |studio| {
        studio
            .pull_status()
            .is_some_and(|pull| pull.progress.done > 10_000 && pull.progress.total > 20_000)
    });
    harness.studio.pull("v1");
    harness.notice(Severity::Warning, "one at a time");
    harness.studio.cancel_pull();
    harness.notice(Severity::Info, "stopped downloading nano");
    harness.until("it stopped", |studio| studio.pull_status().is_none());
    harness.studio.pull("nano");
    harness.notice(Severity::Info, "nano is here now");
    harness.until("it is listed", |studio| {
        studio.library().iter().any(|model| model.id == "nano" && model.here && !model.can_pull)
    });
    harness.studio.choose_model(request("nano"));
    harness.until("it runs", |studio| {
        studio.model().facts.as_ref().is_some_and(|facts| facts.request.id == "nano")
    });
    harness.studio.pull("tuba");
    harness.notice(Severity::Error, "tuba");

    harness.studio.add_model(golden("v2"));
    harness.notice(Severity::Info, "added v2");
    harness.studio.add_model(harness.folder.path().to_owned());
    harness.notice(Severity::Error, "cannot be added");
    harness.studio.verify("v2");
    harness.notice(Severity::Info, "v2 is in order");
    harness.until("it is marked", |studio| {
        studio.library().iter().any(|model| model.id == "v2" && model.verified == Some(Ok(())))
    });
    let broken = harness.path("broken");
    fs::create_dir(&broken).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(folder.join(name), broken.join(name)).unwrap();
    }
    harness.studio.add_model(broken.clone());
    harness.notice(Severity::Info, "added broken");
    let weights = fs::read(broken.join("model.safetensors")).unwrap();
    fs::write(broken.join("model.safetensors"), &weights[..weights.len() - 4]).unwrap();
    harness.studio.verify("broken");
    harness.notice(Severity::Error, "broken is damaged");
}

/// The cost of precisions is measured: f32 agrees with itself, and the others nearly.
#[test]
fn precisions_are_measured() {
    let mut harness = StudioHarness::new(RATE, |_| ());
    let input = voice(RATE, 12_000, 1);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.studio.open_file(path);
    harness.until("the file opens", |studio| studio.file().is_some());
    harness.studio.measure_precisions("embedded");
    assert_eq!(harness.studio.measuring(), Some("embedded"));
    harness.until("it is measured", |studio| studio.measuring().is_none());
    let costs = harness.studio.precision_costs("embedded").unwrap().to_vec();
    assert_eq!(costs.iter().map(|cost| cost.precision).collect::<Vec<_>>(), Precision::ALL);
    assert_eq!((costs[0].agreement, costs[0].mel_growth_percent), (1.0, 0.0));
    for cost in &costs {
        assert!(cost.load > 0.0 && cost.threads >= 1);
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
    harness.studio.measure_precisions("tuba");
    harness.notice(Severity::Error, "tuba");
    harness.until("it is over", |studio| studio.measuring().is_none());
}

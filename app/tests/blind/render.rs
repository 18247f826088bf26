//! Stimuli are the codec's output of the file, aligned to the sample, matched in level, with checksums.

use std::sync::Arc;

use residue_app::blind::{
    BlindError, CodecContender, Contender, RenderRequest, RenderedPassages, TestMaterial, render,
};
use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::blind::samples_sha256;
use residue_engine::codec::{Codec, CodecOptions, Precision};
use residue_engine::measure::loudness;
use residue_engine::models::{self, EMBEDDED, Job, JobContext, ModelSource, ModelStore, embedded};
use residue_engine::offline;

use crate::listener::{RATE, depth, distance_db, pause, rendered, speech};

fn all(request: &RenderRequest) -> RenderedPassages {
    render(request, &ModelStore::from_env(), &JobContext::new(Arc::new(|| ()))).unwrap()
}

fn render_request(
    material: TestMaterial,
    contenders: Vec<Contender>,
    rate: u32,
    match_levels: bool,
) -> RenderRequest {
    RenderRequest { material, contenders, rate, match_levels }
}

/// The file's own rate, so that nothing is converted.
#[test]
fn a_depth_is_what_the_codec_makes_of_the_file_sample_for_sample() {
    // Whatever the codec heard before: here all of the file up to the passage.
    let material = speech(Some((0.5, 1.7)));
    let (rate, first, length) = (material.audio.rate, 0.5, 1.2);
    let made =
        all(&render_request(material.clone(), vec![Contender::Original, depth(4)], rate, false));
    let (first, length) = ((first * f64::from(rate)) as usize, (length * f64::from(rate)) as usize);

    let model = embedded();
    let codec =
        Codec::load_from_memory(model.config, model.weights, &CodecOptions::default()).unwrap();
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let part = Audio::new(
        rate,
        material.audio.channels.iter().map(|c| c[..first + length].to_vec()).collect(),
    );
    let codes = offline::encode(&codec, &part, 4, MonoTreatment::Dual, 7, go_on).unwrap();
    let whole = offline::decode(&codec, &codes, &[4], 7, go_on).unwrap().remove(0);

    let gain = 10.0_f64.powf(made.heard.compared[0].gain_db / 20.0) as f32;
    assert_eq!(made.heard.compared[0].gain_db, made.heard.compared[1].gain_db);
    let fade = rate as usize / 200;
    for (plane, source) in made.stimuli.planes.iter().zip([&part, &whole]) {
        assert_eq!(plane.len(), length);
        for (played, channel) in plane.channels.iter().zip(&source.channels) {
            for n in fade..length - fade {
                assert_eq!(played[n], channel[first + n] * gain, "sample {n}");
            }
        }
    }
}

#[test]
fn all_are_aligned_at_the_rate_of_the_device() {
    for rate in [44_100, 48_000] {
        let material = speech(Some((1.0, 2.2)));
        let contenders = vec![Contender::Original, depth(32), Contender::Anchor];
        let made = all(&render_request(material, contenders, rate, true));
        let [original, others @ ..] = made.stimuli.planes.as_slice() else { panic!("three") };
        let similar = |other: &Audio, lag: isize| {
            let (a, b) = (&original.channels[0], &other.channels[0]);
            let range = 100..a.len() as isize - 100;
            range.map(|n| f64::from(a[n as usize]) * f64::from(b[(n + lag) as usize])).sum::<f64>()
        };
        for other in others {
            let best = (-40..=40)
                .max_by(|a, b| similar(other, *a).total_cmp(&similar(other, *b)))
                .unwrap();
            assert_eq!(best, 0, "{rate} Hz");
            assert_eq!(other.len(), original.len());
        }
    }
}

#[test]
fn loudness_is_matched_and_nothing_clips() {
    let made = rendered(&[Contender::Original, depth(1), depth(3), depth(32), Contender::Anchor]);
    let levels: Vec<_> = made.stimuli.planes.iter().map(|audio| loudness(audio).unwrap()).collect();
    let target = levels[0].integrated_lufs.unwrap();
    for level in &levels {
        assert!((level.integrated_lufs.unwrap() - target).abs() < 0.05, "{levels:?}");
        assert!(level.sample_peak_dbfs <= -0.99, "{levels:?}");
    }
    let compared = &made.heard.compared;
    assert!(compared[1].gain_db - compared[0].gain_db > 10.0, "depth 1 is quiet: {compared:?}");
    for (one, level) in compared.iter().zip(&levels) {
        let stated = one.loudness_lufs.unwrap() + one.gain_db;
        assert!((stated - level.integrated_lufs.unwrap()).abs() < 0.05, "{one:?}, {level:?}");
    }
}

#[test]
fn everything_heard_is_pinned_down() {
    let made = rendered(&[Contender::Original, depth(2), depth(5)]);
    let heard = &made.heard;
    // Played at the gain that is stated, nothing else.
    for (one, plane) in heard.compared.iter().zip(&made.stimuli.planes) {
        let gain = 10.0_f64.powf(one.gain_db / 20.0) as f32;
        if gain == 1.0 {
            assert_eq!(one.sha256, samples_sha256(plane));
        }
        assert_eq!(one.sha256.len(), 64);
    }
    assert_eq!(heard.models.len(), 1, "loaded once for both depths");
    let go_on = &mut |_: models::Progress<'_>| std::ops::ControlFlow::Continue(());
    assert_eq!(
        heard.models[0].sha256,
        models::model_checksum(&ModelSource::Embedded, go_on).unwrap()
    );
    let again = rendered(&[Contender::Original, depth(5), depth(2)]);
    assert_eq!(again.heard.compared[1].sha256, heard.compared[2].sha256);
    assert_ne!(heard.compared[1].sha256, heard.compared[2].sha256);
    assert_eq!(heard.passage.first_sample, heard.passage.rate as usize);
    assert_eq!((heard.passage.file_sha256.as_str(), heard.played_rate), ("c0de", RATE));
}

#[test]
fn models_and_precisions_can_be_compared() {
    let coded = |model: &str, precision| {
        Contender::Codec(CodecContender { model: model.to_owned(), precision, depth: 4 })
    };
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/v1");
    let made = rendered(&[
        coded(EMBEDDED, Precision::F32),
        coded(EMBEDDED, Precision::Int8),
        coded(golden, Precision::F32),
    ]);
    let used: Vec<_> =
        made.heard.models.iter().map(|m| (m.name.as_str(), m.precision.as_str())).collect();
    assert_eq!(used, [(EMBEDDED, "f32"), (EMBEDDED, "int8"), (golden, "f32")]);
    assert_eq!(made.heard.models[0].sha256, made.heard.models[1].sha256, "the same files");
    let [a, b, c] = made.stimuli.planes.as_slice() else { panic!("three") };
    assert!(distance_db(a, b) < distance_db(a, c), "int8 is nearer than another model");
}

#[test]
fn what_cannot_be_compared_says_why() {
    let fails = |material: TestMaterial, contender: Contender| {
        let request = render_request(material, vec![Contender::Original, contender], RATE, true);
        let context = JobContext::new(Arc::new(|| ()));
        render(&request, &ModelStore::from_env(), &context).unwrap_err().to_string()
    };
    let passage = || speech(Some((1.0, 2.0)));
    assert!(fails(passage(), depth(33)).contains("32 layers, so depth 33"));
    assert!(fails(passage(), depth(0)).contains("depth 0"));
    let coded = CodecContender { model: "no-such".into(), precision: Precision::F32, depth: 1 };
    assert!(fails(passage(), Contender::Codec(coded)).starts_with("model no-such: there is no"));
    assert!(fails(speech(Some((1.0, 1.1))), depth(1)).contains("longer loop"));
}

#[test]
fn rendering_stops_when_nobody_waits() {
    let request = render_request(speech(None), vec![Contender::Original, depth(32)], RATE, true);
    let (ended, end) = std::sync::mpsc::channel();
    let work = move |context: &JobContext| {
        let rendered = render(&request, &ModelStore::from_env(), context);
        let _ = ended.send(matches!(rendered, Err(BlindError::Cancelled)));
        rendered
    };
    let job = Job::start("residue-blind", Arc::new(|| ()), work);
    while !job.progress().step.starts_with("Encoding") {
        assert!(job.poll().is_none());
        pause();
    }
    drop(job);
    assert!(end.recv().unwrap(), "stopped on the way");
}

//! Stimuli are the codec's output of the file, aligned to the sample, matched in level, with checksums.

use std::sync::Arc;

use residue_app::blind::{
    BlindError, CodecContender, Contender, RenderRequest, RenderedPassages, TestMaterial, render,
};
use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::blind::samples_sha256;
use residue_engine::codec::Precision;
use residue_engine::conventional::{
    CompandingLaw, ConventionalCodec, OpusApplication, OpusSettings,
};
use residue_engine::measure::loudness;
use residue_engine::models::{
    self, EMBEDDED, Job, JobContext, ModelRequest, ModelSource, ModelStore,
};
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

/// Samples of a played plane equal those of `whole` from `first` on, times a gain, between the fades.
fn assert_is_part_of(plane: &Audio, whole: &Audio, first: usize, gain: f32) {
    let fade = whole.rate as usize / 200;
    for (played, channel) in plane.channels.iter().zip(&whole.channels) {
        for n in fade..plane.len() - fade {
            assert_eq!(played[n], channel[first + n] * gain, "sample {n}");
        }
    }
}

/// The file's own rate, so that nothing is converted.
#[test]
fn a_contender_is_what_its_codec_makes_of_the_whole_file_bit_for_bit() {
    // The last third of the file, so that a codec has seconds of it before; three rates and frames.
    let material = speech(Some((5.0, 6.2)));
    let rate = material.audio.rate;
    let first = 5 * rate as usize;
    let opus = |kbps, application| ConventionalCodec::Opus(OpusSettings::new(kbps, application));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
    let coded = |model: &str, precision, depth| {
        Contender::Codec(CodecContender { model: model.to_owned(), precision, depth })
    };
    let conventional = [
        opus(12.0, OpusApplication::Voice),
        opus(64.0, OpusApplication::Audio),
        ConventionalCodec::G711(CompandingLaw::A),
    ];
    let contenders = [
        vec![Contender::Original, depth(4), coded(EMBEDDED, Precision::Int8, 16)],
        vec![coded(golden, Precision::F32, 2)],
        conventional.iter().copied().map(Contender::Conventional).collect(),
    ]
    .concat();
    let made = all(&render_request(material.clone(), contenders.clone(), rate, false));
    let gain = 10.0_f64.powf(made.heard.compared[0].gain_db / 20.0) as f32;

    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    for ((plane, contender), compared) in
        made.stimuli.planes.iter().zip(&contenders).zip(&made.heard.compared)
    {
        assert_eq!(plane.len(), 6 * rate as usize / 5);
        assert_eq!(compared.name, contender.to_string());
        let whole = match contender {
            Contender::Original => (*material.audio).clone(),
            Contender::Codec(CodecContender { model, precision, depth }) => {
                let request =
                    ModelRequest { id: model.clone(), precision: (*precision).into(), threads: 1 };
                let codec = ModelStore::from_env().load(&request, &models::unwatched).unwrap();
                let audio = &material.audio;
                // Another chunk than that of the test, and all of the file.
                let codes =
                    offline::encode(&codec, audio, *depth, MonoTreatment::Dual, 7, go_on).unwrap();
                offline::decode(&codec, &codes, &[*depth], 7, go_on).unwrap().remove(0)
            }
            Contender::Conventional(codec) => {
                offline::pass_conventional(codec, &material.audio, go_on).unwrap().audio
            }
            Contender::Anchor => unreachable!("not compared here"),
        };
        assert_is_part_of(plane, &whole, first, gain);
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
    let opus = ConventionalCodec::Opus(OpusSettings::new(5.0, OpusApplication::Audio));
    assert!(
        fails(passage(), Contender::Conventional(opus)).starts_with("Opus: Opus takes 6 to 256")
    );
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

//! Scanning, starting, stopping, many at once.

use std::time::{Duration, Instant};

use crate::rig::{ClapRig, entry, library, noise};

/// Nothing is loaded for a look at the plugin. The bound is a hundred times what it takes.
#[test]
fn a_scan_is_quick() {
    let began = Instant::now();
    let factory = entry().get_plugin_factory().expect("there is a factory");
    assert_eq!(factory.plugin_descriptors().count(), 1);
    for _ in 0..10 {
        let mut rig = ClapRig::new();
        assert_eq!(rig.params().len(), 15);
    }
    let time = began.elapsed();
    assert!(time < Duration::from_secs(1), "{time:?} for ten instances of {:?}", library());
}

#[test]
fn audio_starts_and_stops_at_any_rate_and_block() {
    let mut rig = ClapRig::new();
    for (rate, block) in [
        (8000, 1),
        (768_000, 16_384),
        (44_100, 37),
        (1_234_568, 1024),
        (48_000, 1024),
        (11_025, 4096),
    ] {
        rig.start(rate, block);
        let latency = rig.latency();
        let input = vec![noise(1, block.max(3000), 0.2); 2];
        let out = rig.play(&input, 0, std::iter::repeat(block), &[]);
        assert!(out.iter().flatten().all(|x| x.is_finite()));
        rig.restart();
        assert_eq!(rig.latency(), latency, "a restart finds the same latency");
        assert!(!rig.take_restart(), "and asks for no other");
        rig.stop();
    }
    assert!(!rig.try_start(100, 64), "a rate that nobody has");
    assert!(rig.try_start(48_000, 64), "after which everything is as before");
}

#[test]
fn a_reset_forgets_what_was_played() {
    let mut rig = ClapRig::offline(48_000, 512);
    let input = vec![noise(1, 6000, 0.2), noise(2, 6000, 0.2)];
    let fresh = rig.play(&input, 3000, std::iter::repeat(512), &[]);
    rig.play(&[noise(7, 5555, 0.9), noise(8, 5555, 0.9)], 0, std::iter::repeat(111), &[]);
    rig.reset();
    assert!(rig.play(&input, 3000, std::iter::repeat(512), &[]) == fresh);
    rig.pause();
    assert!(rig.play(&input, 3000, std::iter::repeat(512), &[]) == fresh);
    rig.restart();
    assert!(rig.play(&input, 3000, std::iter::repeat(512), &[]) == fresh);
}

#[test]
fn instances_do_not_hear_each_other() {
    let input = vec![noise(1, 5000, 0.2), noise(2, 5000, 0.2)];
    let settings = [("Depth A", "1 layer"), ("Output gain", "-3 dB")];
    let mut alone = ClapRig::new();
    alone.set_offline(true);
    alone.set(&settings);
    alone.start(48_000, 256);
    let expected = alone.play(&input, 2000, std::iter::repeat(256), &[]);
    drop(alone);

    let threads: Vec<_> = (0..4)
        .map(|n| {
            let input = input.clone();
            std::thread::spawn(move || {
                let mut rig = ClapRig::new();
                rig.set_offline(true);
                if n % 2 == 0 {
                    rig.set(&settings);
                }
                rig.start(48_000, 256);
                rig.play(&input, 2000, std::iter::repeat(256), &[])
            })
        })
        .collect();
    for (n, thread) in threads.into_iter().enumerate() {
        let out = thread.join().expect("nothing panics");
        assert_eq!(out == expected, n % 2 == 0);
    }
}

/// Hosts drop instances in every state.
#[test]
fn an_instance_may_go_at_any_time() {
    drop(ClapRig::new());
    for blocks in [0, 1, 20] {
        let mut rig = ClapRig::new();
        rig.start(48_000, 480);
        let input = vec![noise(1, 480 * blocks + 1, 0.2); 2];
        rig.play(&input, 0, std::iter::repeat(480), &[]);
        rig.stop();
        drop(rig);
    }
    let mut rig = ClapRig::new();
    rig.start(48_000, 480);
    drop(rig);
}

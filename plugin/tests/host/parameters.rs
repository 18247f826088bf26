//! Parameters as hosts list, show, read and change them.

use clack_extensions::params::ParamInfoFlags;

use crate::rig::{ClapRig, Random, noise};

#[test]
fn parameters_are_listed_with_names_groups_and_flags() {
    let mut rig = ClapRig::new();
    let params = rig.params();
    let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
    let expected = [
        "Depth A",
        "Depth B",
        "Listen",
        "Swap A and B",
        "Mix",
        "Match loudness",
        "Frame loss",
        "Burst length",
        "Lost frames",
        "Freeze",
        "Input gain",
        "Output gain",
        "Bypass",
        "Late frames",
        "Stereo in mono models",
    ];
    assert_eq!(names, expected);
    for param in &params {
        let automatable = param.flags.contains(ParamInfoFlags::IS_AUTOMATABLE);
        let fixed = ["Late frames", "Stereo in mono models"].contains(&param.name.as_str());
        assert_eq!(automatable, !fixed, "{}", param.name);
        assert!(!param.group.is_empty());
        assert_eq!(rig.value(param.id), param.default, "{}", param.name);
    }
    assert!(rig.param("Bypass").flags.contains(ParamInfoFlags::IS_BYPASS));
}

#[test]
fn controllers_have_every_parameter_on_two_pages() {
    let mut rig = ClapRig::new();
    let pages = rig.pages();
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Compare", "Line"]);
    let mut ids: Vec<_> = pages.iter().flat_map(|(_, ids)| ids.iter().flatten()).collect();
    ids.sort();
    let params = rig.params();
    let mut all: Vec<_> = params.iter().map(|param| &param.id).collect();
    all.sort();
    assert_eq!(ids, all);
}

#[test]
fn every_value_survives_its_text() {
    let mut rig = ClapRig::new();
    for param in rig.params() {
        for step in 0..=64 {
            let value = param.min + (param.max - param.min) * f64::from(step) / 64.0;
            let text = rig.text(param.id, value);
            let back = rig.read(param.id, &text).unwrap_or_else(|| panic!("{text:?} is not read"));
            assert_eq!(rig.text(param.id, back), text, "{}", param.name);
        }
    }
    let depth = rig.param("Depth A").id;
    let read = ["4 kbps", "4 layers", "4"].map(|text| rig.read(depth, text));
    let steps = read.map(|value| value.map(f64::round));
    assert_eq!(steps, [Some(3.0); 3], "the embedded model has 1 kbps a layer");
    assert_eq!(rig.text(depth, 3.0), "4 kbps");
    assert_eq!(rig.read(depth, "loud"), None);
}

/// All parameters jump about at random, at random samples, in blocks of random sizes, in realtime
/// mode: numbers come out, nothing allocates, nothing panics.
#[test]
fn random_automation_in_random_blocks() {
    let mut random = Random(11);
    let mut rig = ClapRig::new();
    rig.paced = true;
    rig.start(48_000, 4096);
    let params = rig.params();
    let length = 60_000;
    let changes: Vec<_> = (0..400)
        .map(|n| {
            let param = &params[random.below(params.len())];
            let value = param.min + (param.max - param.min) * random.next();
            (n * length / 400, param.id, value)
        })
        .collect();
    let blocks = std::iter::from_fn(|| Some(1 + random.below(4096)));
    let input = vec![noise(1, length, 0.5), noise(2, length, 0.5)];
    let out = rig.play(&input, 0, blocks, &changes);
    assert!(out.iter().flatten().all(|x| x.is_finite()));
    assert!(out[0].iter().any(|x| *x != 0.0));
    for param in &params {
        let value = rig.value(param.id);
        assert!((param.min..=param.max).contains(&value), "{}: {value}", param.name);
    }
}

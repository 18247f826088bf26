//! The rule of the automatic precision.
//!
//! - **The embedded model**, whose cost in each precision is known: the fastest that keeps its mel distance within what
//!   its card allows. Of two that are equally fast, the more exact one. Depends on the instruction set alone, so a
//!   computer chooses the same each time.
//! - **Any other model**, whose cost is not known: f32 where it runs live with room to spare, otherwise the next
//!   precision that does, and the fastest where none does. Depends on the computer's limits: see [`MachineSpeed`].

use residue_codec::{CodecConfig, Isa, MachineLimits, Precision};

use super::machine_speed::{LiveLoad, MachineSpeed, estimated_load};

/// Most that the mel distance from the original may grow over f32's, in percent: assets/model/MODEL_CARD.md.
const MOST_MEL_GROWTH: f64 = 1.0;
/// Part by which a faster precision must be faster than a more exact one.
const WORTHWHILE: f64 = 0.1;
/// Largest live load with room to spare: a host and other programs need the rest.
pub(super) const COMFORTABLE_LOAD: f64 = 0.5;
/// Limits that any computer reaches: where a model runs live in f32 even on these, nothing is measured.
const MODEST: MachineLimits = MachineLimits { read: 2e9, float: 2e9, int8: 2e9 };

/// Growth of the embedded model's mel distance over f32's in percent, in each of [`Precision::ALL`], of the class of demo
/// clips where it is largest: docs/models.md.
const EMBEDDED_MEL_GROWTH: [f64; 4] = [0.0, 0.01, 0.9, 8.3];

/// Returns the embedded model's time relative to f32's in each of [`Precision::ALL`], as measured: docs/performance.md.
fn embedded_times(isa: Isa) -> [f64; 4] {
    if isa.has_int8_dot() {
        // AVX-512, in chunks. bf16 was not measured there and counts as f32.
        [1.0, 1.0, 0.7, 0.7]
    } else if isa.name() == "portable" {
        [1.0, 1.05, 0.75, 0.75]
    } else {
        // AVX2, live. NEON without dot products was not measured; it multiplies in the same way.
        [1.0, 0.46, 0.48, 0.5]
    }
}

/// A precision to run in, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenPrecision {
    /// The precision.
    pub precision: Precision,
    /// The reason in words for the user; `None` for a precision that was asked for.
    pub reason: Option<String>,
}

/// Returns the precision that [`PrecisionRequest::Automatic`](super::PrecisionRequest::Automatic) comes to for the
/// embedded model on this computer's instruction set.
pub fn embedded_precision() -> ChosenPrecision {
    of_embedded(Isa::best())
}

/// Returns the embedded model's time relative to f32's on this computer's instruction set.
pub(super) fn embedded_time(precision: Precision) -> f64 {
    let times = Precision::ALL.into_iter().zip(embedded_times(Isa::best()));
    times.into_iter().find(|(other, _)| *other == precision).map_or(1.0, |(_, time)| time)
}

/// Returns the precision of the embedded model.
pub(super) fn of_embedded(isa: Isa) -> ChosenPrecision {
    let costs = Precision::ALL.into_iter().zip(EMBEDDED_MEL_GROWTH).zip(embedded_times(isa));
    let allowed = costs.filter(|((_, growth), _)| *growth <= MOST_MEL_GROWTH);
    let fastest = allowed.clone().map(|(_, time)| time).fold(f64::MAX, f64::min);
    // Most exact first.
    let chosen = allowed.clone().find(|(_, time)| time * (1.0 - WORTHWHILE) <= fastest);
    let precision = chosen.map_or(Precision::F32, |((precision, _), _)| precision);
    let reason = format!(
        "the fastest with {} that keeps the mel distance within {MOST_MEL_GROWTH:.0} % of f32's",
        isa.name()
    );
    ChosenPrecision { precision, reason: Some(reason) }
}

/// Returns whether a model runs live in f32 on any computer.
pub(super) fn is_small(config: &CodecConfig) -> bool {
    estimated_load(config, Precision::F32, &MODEST) <= COMFORTABLE_LOAD
}

/// Returns the precision of a model whose cost is not known, on this many threads. As far as nothing was measured here,
/// that is f32.
pub(super) fn of_unknown(
    config: &CodecConfig,
    speed: &MachineSpeed,
    threads: usize,
) -> ChosenPrecision {
    let chosen = |precision, reason| ChosenPrecision { precision, reason: Some(reason) };
    if is_small(config) {
        return chosen(Precision::F32, "it is small enough for f32 on any computer".to_owned());
    }
    let load = |precision| Some((precision, speed.live_load(config, precision, threads)?));
    let loads: Vec<(Precision, LiveLoad)> = Precision::ALL.into_iter().filter_map(load).collect();
    let is_comfortable = |(_, load): &&(Precision, LiveLoad)| load.load <= COMFORTABLE_LOAD;
    let fastest = loads.iter().min_by(|(_, a), (_, b)| a.load.total_cmp(&b.load));
    match loads.iter().find(is_comfortable) {
        Some((Precision::F32, load)) => {
            chosen(Precision::F32, format!("f32 runs live here with room to spare: load {load}"))
        }
        Some((precision, load)) => {
            let reason =
                format!("the most exact with room to spare here: load {load}, f32 {}", loads[0].1);
            chosen(*precision, reason)
        }
        None => match fastest {
            Some((precision, load)) => {
                chosen(*precision, format!("the fastest here; none has room to spare: load {load}"))
            }
            None => chosen(Precision::F32, "the speed of this computer is not known".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_runs_in_what_its_card_allows_and_is_fastest() {
        for isa in Isa::available() {
            let chosen = of_embedded(isa);
            let is_int8 = isa.has_int8_dot() || isa.name() == "portable";
            let expected = if is_int8 { Precision::Int8 } else { Precision::Bf16 };
            assert_eq!(chosen.precision, expected, "{isa:?}");
            let reason = chosen.reason.unwrap();
            assert!(reason.contains(isa.name()) && reason.contains("1 %"), "{reason}");
        }
    }

    /// A computer that reads slowly, one that reads fast, and one of which nothing is known.
    #[test]
    fn other_models_run_in_the_most_exact_precision_with_room_to_spare() {
        let speed = |read: f64, mac: f64| {
            MachineSpeed::with_limits(1, MachineLimits { read, float: mac, int8: 2.0 * mac })
        };
        let (nano, v1) = (CodecConfig::nano(), CodecConfig::v1());
        let chosen = |config: &CodecConfig, speed: &MachineSpeed| of_unknown(config, speed, 1);
        let fast = chosen(&nano, &speed(80e9, 200e9));
        assert_eq!(fast.precision, Precision::F32);
        assert!(fast.reason.unwrap().contains("room to spare"));
        assert_eq!(chosen(&nano, &speed(5e9, 200e9)).precision, Precision::Bf16);
        let slow = chosen(&v1, &speed(20e9, 45e9));
        assert!(slow.precision.is_integer());
        assert!(slow.reason.unwrap().contains("the fastest here"));
        let unknown = chosen(&nano, &MachineSpeed::read(None));
        assert_eq!(unknown.precision, Precision::F32);
        assert!(unknown.reason.unwrap().contains("not known"));
        assert!(!is_small(&nano) && !is_small(&v1));
    }
}

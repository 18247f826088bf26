//! Where ticks go and what they say.

/// A tick: how far along the axis (0 = left or bottom, 1 = right or top), and its label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub part: f64,
    pub label: String,
}

/// Ticks of a logarithmic axis from `low` to `high` hertz: at 1, 2 and 5 of each decade, or at
/// decades only where those would be nearer to each other than `gap` (a part of the axis).
pub(super) fn frequency_ticks(low: f64, high: f64, gap: f64) -> Vec<Tick> {
    let part = |hertz: f64| (hertz / low).ln() / (high / low).ln();
    let digits: &[f64] = if part(2.0 * low) < gap { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let mut ticks: Vec<Tick> = Vec::new();
    for decade in low.log10().floor() as i32..=high.log10().ceil() as i32 {
        for hertz in digits.iter().map(|digit| digit * 10f64.powi(decade)) {
            let part = part(hertz);
            let free = ticks.last().is_none_or(|last| part - last.part >= gap);
            // A hair of tolerance, so that rounding does not lose a tick at either end.
            if (-0.001..=1.001).contains(&part) && free {
                ticks.push(Tick { part: part.clamp(0.0, 1.0), label: frequency_label(hertz) });
            }
        }
    }
    ticks
}

fn frequency_label(hertz: f64) -> String {
    if hertz >= 999.0 {
        format!("{} kHz", (hertz / 100.0).round() / 10.0)
    } else {
        format!("{} Hz", (hertz * 10.0).round() / 10.0)
    }
}

/// About `count` ticks, at least two, at round times of an axis of `seconds`.
pub(super) fn time_ticks(seconds: f64, count: usize) -> Vec<Tick> {
    let step = round_step(seconds / count.max(1) as f64);
    (0..=(seconds / step * 1.000_001) as usize)
        .map(|index| {
            let time = index as f64 * step;
            Tick { part: (time / seconds).min(1.0), label: time_label(time, step, seconds) }
        })
        .collect()
}

/// The round number of seconds nearest above `least`.
fn round_step(least: f64) -> f64 {
    // From a minute on, people count in minutes and hours.
    for step in [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0]
    {
        if least > 0.5 && least <= step {
            return step;
        }
    }
    let (decade, least) = if least > 3600.0 {
        (3600.0 * 10f64.powf((least / 3600.0).log10().floor()), least)
    } else {
        (10f64.powf(least.log10().floor()), least)
    };
    [1.0, 2.0, 5.0, 10.0]
        .map(|digit| digit * decade)
        .into_iter()
        .find(|&s| s >= least * 0.999_999)
        .unwrap_or(decade * 10.0)
}

fn time_label(time: f64, step: f64, longest: f64) -> String {
    if longest >= 3600.0 {
        let minutes = (time / 60.0).round() as u64;
        return format!("{}:{:02} h", minutes / 60, minutes % 60);
    }
    if longest >= 120.0 {
        let seconds = time.round() as u64;
        return format!("{}:{:02}", seconds / 60, seconds % 60);
    }
    if step < 0.001 {
        return format!("{} ms", (time * 1e6).round() / 1e3);
    }
    let decimals = (-step.log10()).ceil().max(0.0) as usize;
    format!("{time:.decimals$} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn frequencies_are_round() {
        let ticks = frequency_ticks(40.0, 20_000.0, 0.07);
        assert_eq!(
            labels(&ticks),
            ["50 Hz", "100 Hz", "200 Hz", "500 Hz", "1 kHz", "2 kHz", "5 kHz", "10 kHz", "20 kHz"]
        );
        assert_eq!(ticks[8].part, 1.0);
        assert_eq!(
            labels(&frequency_ticks(1.0, 1e6, 0.07)),
            ["1 Hz", "10 Hz", "100 Hz", "1 kHz", "10 kHz", "100 kHz", "1000 kHz"]
        );
        assert_eq!(labels(&frequency_ticks(40.0, 4000.0, 0.07)).last(), Some(&"2 kHz"));
    }

    #[test]
    fn times_are_round_at_every_length() {
        assert_eq!(
            labels(&time_ticks(4.0, 8)),
            ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s", "3.0 s", "3.5 s", "4.0 s"]
        );
        assert_eq!(labels(&time_ticks(30.0, 6)).last(), Some(&"30 s"));
        assert_eq!(
            labels(&time_ticks(600.0, 5)),
            ["0:00", "2:00", "4:00", "6:00", "8:00", "10:00"]
        );
        let mut seconds = 0.000_02;
        while seconds < 4e5 {
            let ticks = time_ticks(seconds, 8);
            assert!((2..=9).contains(&ticks.len()), "{seconds}: {ticks:?}");
            let mut unique = labels(&ticks);
            unique.dedup();
            assert_eq!(unique.len(), ticks.len(), "{seconds}: {ticks:?}");
            seconds *= 1.07;
        }
    }
}

//! The notation `CODEC:RATE[@PRECISION]`: a codec at a bitrate.

use std::fmt;
use std::str::FromStr;

use residue_codec::{CodecConfig, Precision};
use residue_conventional::{
    CompandingLaw, ConventionalCodec, ConventionalError, OpusApplication, OpusSettings,
};

/// The names of conventional codecs in the notation, which no model can have there.
pub const CONVENTIONAL_NAMES: [&str; 4] = ["opus", "opus-voice", "alaw", "mulaw"];

/// A codec at a bitrate: `nano:8`, `v2:1kbps`, `embedded:16@int8`, `opus:12`, `opus-voice:12`, `alaw`, `mulaw`.
///
/// For a model the rate is a number of layers, or with the unit `kbps` the bitrate of a stream. For a conventional
/// codec it is in kbps, with or without the unit; `alaw` and `mulaw` have one bitrate only. The precision is a model's;
/// without one it is f32. `Display` gives the notation again.
#[derive(Clone, Debug, PartialEq)]
pub enum CodecAtRate {
    /// A Cat model.
    Model {
        /// A known model, an added one, or a folder.
        model: String,
        /// Its rate.
        rate: ModelRate,
        /// Its arithmetic.
        precision: Precision,
    },
    /// A conventional codec.
    Conventional(ConventionalCodec),
}

/// The rate of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ModelRate {
    /// Quantizer layers, from 1.
    Layers(usize),
    /// Bitrate of a stream in kbps.
    Kbps(f64),
}

/// The reason why a text is no codec at a bitrate, or a model has no such rate. Every message names a remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CodecAtRateError {
    /// There is no rate.
    #[error(
        "{text:?} names no bitrate: write CODEC:RATE, such as nano:8 (layers), v2:1kbps or opus:12 (kbps)"
    )]
    NoRate {
        /// The text.
        text: String,
    },
    /// The rate is no number.
    #[error(
        "{rate:?} in {text:?} is no rate: write a number of layers (nano:8) or kbps (v2:1kbps, opus:12)"
    )]
    Rate {
        /// The whole text.
        text: String,
        /// The text in the rate's place.
        rate: String,
    },
    /// There is no such precision.
    #[error("{precision:?} in {text:?} is no precision: write f32, bf16, int8 or int4 after the @")]
    Precision {
        /// The whole text.
        text: String,
        /// The text in the precision's place.
        precision: String,
    },
    /// A conventional codec has no precisions.
    #[error("{name} has no precisions: leave @ and what follows out")]
    NotAModel {
        /// The codec's name.
        name: String,
    },
    /// A codec of one bitrate was given another.
    #[error("{name} has one bitrate, {kbps} kbps a channel: leave the rate out")]
    FixedRate {
        /// The codec's name.
        name: String,
        /// Its bitrate in kbps.
        kbps: f64,
    },
    /// The codec refuses the setting.
    #[error(transparent)]
    Conventional(#[from] ConventionalError),
    /// The model has fewer layers, or none were asked for.
    #[error("{model} has {layers} layers: {asked} is not possible, choose 1 to {layers}")]
    Layers {
        /// The model's name.
        model: String,
        /// Layers asked for.
        asked: usize,
        /// Layers that there are.
        layers: usize,
    },
    /// The model has no such bitrate.
    #[error(
        "{model} has no bitrate of {asked} kbps: it has steps of {step} kbps up to {most}; the nearest is {nearest}"
    )]
    Bitrate {
        /// The model's name.
        model: String,
        /// The bitrate asked for in kbps.
        asked: f64,
        /// Kbps of a layer.
        step: f64,
        /// Kbps of all layers.
        most: f64,
        /// The nearest bitrate that there is, in kbps.
        nearest: f64,
    },
}

impl ModelRate {
    /// Returns the number of layers that the rate means for a model of this name and configuration.
    ///
    /// # Errors
    /// [`CodecAtRateError::Layers`], [`CodecAtRateError::Bitrate`].
    pub fn layers(self, model: &str, config: &CodecConfig) -> Result<usize, CodecAtRateError> {
        let layers = config.quantizer.layers;
        match self {
            Self::Layers(asked) if (1..=layers).contains(&asked) => Ok(asked),
            Self::Layers(asked) => {
                Err(CodecAtRateError::Layers { model: model.to_owned(), asked, layers })
            }
            Self::Kbps(asked) => {
                let step = config.bitrate(1) / 1000.0;
                let nearest = (asked / step).round().clamp(1.0, layers as f64);
                // A thousandth: people write 0.13 for 0.125 only by mistake, but 0.375 may come as 0.37499.
                if (nearest * step - asked).abs() <= asked / 1000.0 {
                    return Ok(nearest as usize);
                }
                Err(CodecAtRateError::Bitrate {
                    model: model.to_owned(),
                    asked,
                    step,
                    most: layers as f64 * step,
                    nearest: nearest * step,
                })
            }
        }
    }
}

impl FromStr for CodecAtRate {
    type Err = CodecAtRateError;

    fn from_str(text: &str) -> Result<Self, CodecAtRateError> {
        // A precision stands behind the last colon; an @ before it belongs to a folder.
        let (front, precision) = match text.rsplit_once('@') {
            Some((front, precision)) if !precision.contains([':', '/', '\\']) => {
                (front, Some(precision))
            }
            _ => (text, None),
        };
        let (name, rate) = match front.rsplit_once(':') {
            // The colon of a drive, or of a folder's name.
            Some((_, rate)) if rate.contains(['/', '\\']) => (front, None),
            Some((name, rate)) => (name, Some(rate)),
            None => (front, None),
        };
        let lower = name.to_ascii_lowercase();
        if CONVENTIONAL_NAMES.contains(&lower.as_str()) {
            if precision.is_some() {
                return Err(CodecAtRateError::NotAModel { name: lower });
            }
            return conventional(text, lower, rate).map(Self::Conventional);
        }
        let no_rate = || CodecAtRateError::NoRate { text: text.to_owned() };
        let rate = rate.filter(|_| !name.is_empty()).ok_or_else(no_rate)?;
        let no_precision = |precision: &str| CodecAtRateError::Precision {
            text: text.to_owned(),
            precision: precision.to_owned(),
        };
        let precision = match precision {
            None => Precision::F32,
            Some(asked) => *Precision::ALL
                .iter()
                .find(|known| known.name().eq_ignore_ascii_case(asked))
                .ok_or_else(|| no_precision(asked))?,
        };
        let rate = match kbps(rate) {
            Some((kbps, true)) => ModelRate::Kbps(kbps),
            _ => ModelRate::Layers(rate.parse().map_err(|_| no_number(text, rate))?),
        };
        Ok(Self::Model { model: name.to_owned(), rate, precision })
    }
}

/// Returns a positive number and whether the unit kbps follows it.
fn kbps(rate: &str) -> Option<(f64, bool)> {
    let lower = rate.to_ascii_lowercase();
    let number = lower.strip_suffix("kbps");
    let value: f64 = number.unwrap_or(&lower).trim_end().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some((value, number.is_some()))
}

fn no_number(text: &str, rate: &str) -> CodecAtRateError {
    CodecAtRateError::Rate { text: text.to_owned(), rate: rate.to_owned() }
}

/// Returns the conventional codec of this name.
fn conventional(
    text: &str,
    name: String,
    rate: Option<&str>,
) -> Result<ConventionalCodec, CodecAtRateError> {
    let kbps = rate
        .map(|rate| kbps(rate).map(|(kbps, _)| kbps).ok_or_else(|| no_number(text, rate)))
        .transpose()?;
    let law = match name.as_str() {
        "alaw" => Some(CompandingLaw::A),
        "mulaw" => Some(CompandingLaw::Mu),
        _ => None,
    };
    if let Some(law) = law {
        let codec = ConventionalCodec::G711(law);
        let fixed = codec.bitrate(1) / 1000.0;
        return match kbps {
            Some(kbps) if kbps != fixed => Err(CodecAtRateError::FixedRate { name, kbps: fixed }),
            _ => Ok(codec),
        };
    }
    let application = match name.as_str() {
        "opus-voice" => OpusApplication::Voice,
        _ => OpusApplication::Audio,
    };
    let kbps = kbps.ok_or_else(|| CodecAtRateError::NoRate { text: text.to_owned() })?;
    let settings = OpusSettings::new(kbps, application);
    settings.check()?;
    Ok(ConventionalCodec::Opus(settings))
}

/// Returns the name of a conventional codec in the notation.
fn conventional_name(codec: &ConventionalCodec) -> &'static str {
    match codec {
        ConventionalCodec::Opus(settings) => match settings.application {
            OpusApplication::Audio => "opus",
            OpusApplication::Voice => "opus-voice",
        },
        ConventionalCodec::G711(CompandingLaw::A) => "alaw",
        ConventionalCodec::G711(CompandingLaw::Mu) => "mulaw",
    }
}

impl CodecAtRate {
    /// Returns the codec without its rate, in the notation: codecs of one name lie on one curve of a plot.
    pub fn codec_name(&self) -> String {
        match self {
            Self::Model { model, precision: Precision::F32, .. } => model.clone(),
            Self::Model { model, precision, .. } => format!("{model}@{precision}"),
            Self::Conventional(codec) => conventional_name(codec).to_owned(),
        }
    }
}

impl fmt::Display for CodecAtRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model { model, rate, precision } => {
                match rate {
                    ModelRate::Layers(layers) => write!(f, "{model}:{layers}")?,
                    ModelRate::Kbps(kbps) => write!(f, "{model}:{kbps}kbps")?,
                }
                match precision {
                    Precision::F32 => Ok(()),
                    precision => write!(f, "@{precision}"),
                }
            }
            Self::Conventional(codec @ ConventionalCodec::Opus(settings)) => {
                write!(f, "{}:{}", conventional_name(codec), settings.kbps)
            }
            Self::Conventional(codec) => f.write_str(conventional_name(codec)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CodecAtRate {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn told(text: &str) -> String {
        text.parse::<CodecAtRate>().expect_err(text).to_string()
    }

    fn model(model: &str, rate: ModelRate, precision: Precision) -> CodecAtRate {
        CodecAtRate::Model { model: model.to_owned(), rate, precision }
    }

    #[test]
    fn the_notation_is_read() {
        let layers = ModelRate::Layers;
        assert_eq!(read("nano:8"), model("nano", layers(8), Precision::F32));
        assert_eq!(read("embedded:16@int8"), model("embedded", layers(16), Precision::Int8));
        assert_eq!(read("v2:0.5kbps@BF16"), model("v2", ModelRate::Kbps(0.5), Precision::Bf16));
        for (text, folder) in [
            ("/models/a:b@c/mine:3", "/models/a:b@c/mine"),
            (r"C:\models\mine:3", r"C:\models\mine"),
            ("./with@home:3", "./with@home"),
        ] {
            assert_eq!(read(text), model(folder, layers(3), Precision::F32), "{text}");
        }
        let opus = |kbps, application| {
            CodecAtRate::Conventional(ConventionalCodec::Opus(OpusSettings::new(kbps, application)))
        };
        assert_eq!(read("opus:12"), opus(12.0, OpusApplication::Audio));
        assert_eq!(read("Opus-Voice:8.5kbps"), opus(8.5, OpusApplication::Voice));
        let law = |law| CodecAtRate::Conventional(ConventionalCodec::G711(law));
        assert_eq!(read("alaw"), law(CompandingLaw::A));
        assert_eq!(read("mulaw:64"), law(CompandingLaw::Mu));
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in
            ["nano:8", "v2:0.5kbps@bf16", "embedded:16@int8", "opus:12", "opus-voice:8.5", "alaw"]
        {
            assert_eq!(read(text).to_string(), text);
        }
        assert_eq!(read("embedded:16@int8").codec_name(), "embedded@int8");
        assert_eq!(read("opus:12").codec_name(), "opus");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for text in ["nano", "", ":8", "opus", "embedded@int8", r"C:\models\mine"] {
            assert!(told(text).contains("names no bitrate"), "{text}: {}", told(text));
        }
        for text in ["nano:", "nano:x", "nano:-1", "opus:x", "opus:0", "nano:1.5", "opus:nan"] {
            assert!(told(text).contains("is no rate"), "{text}: {}", told(text));
        }
        assert!(told("nano:8@int9").contains("\"int9\" in \"nano:8@int9\" is no precision"));
        assert!(told("opus:12@int8").contains("opus has no precisions"));
        assert!(told("alaw:32").contains("one bitrate, 64 kbps"));
        for text in ["opus:5", "opus:300"] {
            assert!(told(text).contains("6 to 256 kbps"), "{text}: {}", told(text));
        }
    }
}

//! The choice of a pair of devices and of the shape of the stream between them.

use cpal::traits::DeviceTrait;
use cpal::{SampleFormat, SupportedStreamConfigRange};

use super::backend::{self, AudioBackend};
use super::convert::FORMATS;
use super::direction::Direction;
use super::error::DeviceError;
use super::fallback::first_with_devices;
use super::{list, ranges};

/// About as long a block as most systems grant without dropouts: 5.3 ms at 48 kHz.
const DEFAULT_BLOCK_SECONDS: f64 = 256.0 / 48_000.0;
/// Without a device's word, blocks are between these.
const BLOCKS: (u32, u32) = (16, 8192);
/// Rates tried, in order, where the output's own default does not suit the input.
const COMMON_RATES: [u32; 6] = [48_000, 44_100, 96_000, 88_200, 192_000, 24_000];

/// Which devices, and how. Everything left out is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRequest {
    /// Name of the audio backend.
    pub host: Option<String>,
    /// Name or identifier of the input, or a part of it.
    pub input: Option<String>,
    /// Name or identifier of the output, or a part of it.
    pub output: Option<String>,
    /// Hz.
    pub rate: Option<u32>,
    /// Frames a block.
    pub buffer: Option<u32>,
    /// Channels to work on, 1 or 2.
    pub channels: Option<usize>,
}

/// The shape of a stream: devices, rate, block size, channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamShape {
    /// Name of the audio backend.
    pub host: &'static str,
    /// Name of the input; `None` if only the output runs.
    pub input: Option<String>,
    /// Name of the output.
    pub output: String,
    /// Hz, of both.
    pub rate: u32,
    /// Frames a block that are asked of both; a device may give others.
    pub buffer: u32,
    /// Planes that the function gets: 1 or 2. A single one is the input's first channel, and is
    /// played on both sides.
    pub channels: usize,
}

/// Chosen devices, not yet running.
pub struct StreamPlan {
    pub(super) shape: StreamShape,
    pub(super) input: Option<ChosenDevice>,
    pub(super) output: ChosenDevice,
}

/// A device and how it will run.
pub struct ChosenDevice {
    pub device: cpal::Device,
    /// Channels of the device's own frames.
    pub width: u16,
    pub format: SampleFormat,
}

impl StreamPlan {
    /// Chooses devices, rate, block size and formats.
    ///
    /// # Errors
    /// If the request cannot be met, with what can.
    pub fn new(request: &DeviceRequest) -> Result<Self, DeviceError> {
        Self::choose(request, true)
    }

    /// As [`StreamPlan::new`], for what needs no input: none is opened, and the function gets silence. The
    /// requested input does not matter.
    ///
    /// # Errors
    /// If the request cannot be met, with what can.
    pub fn output_only(request: &DeviceRequest) -> Result<Self, DeviceError> {
        Self::choose(request, false)
    }

    fn choose(request: &DeviceRequest, with_input: bool) -> Result<Self, DeviceError> {
        let ask = |id| Self::of_backend(AudioBackend::open(id)?, request, with_input);
        match &request.host {
            Some(host) => ask(backend::find(Some(host))?),
            None => first_with_devices(request, backend::by_preference(), ask),
        }
    }

    fn of_backend(
        host: AudioBackend,
        request: &DeviceRequest,
        with_input: bool,
    ) -> Result<Self, DeviceError> {
        let input = with_input
            .then(|| ask(&host, Direction::Input, request.input.as_deref()))
            .transpose()?;
        let (output, out_offer) = ask(&host, Direction::Output, request.output.as_deref())?;
        let (input, in_offer) = input.unzip();
        let in_name = in_offer.as_ref().map(|offer| offer.device.clone());
        let out_name = out_offer.device.clone();
        let choice = choose(request, in_offer, out_offer)?;
        let chosen =
            |device, side: Side| ChosenDevice { device, width: side.width, format: side.format };
        Ok(Self {
            shape: StreamShape {
                host: host.name(),
                input: in_name,
                output: out_name,
                rate: choice.rate,
                buffer: choice.buffer,
                channels: choice.channels,
            },
            input: input.zip(choice.input).map(|(device, side)| chosen(device, side)),
            output: chosen(output, choice.output),
        })
    }

    /// The shape of a stream: devices, rate, block size, channels.
    pub fn shape(&self) -> &StreamShape {
        &self.shape
    }
}

/// Finds a device and asks what it offers.
fn ask(
    host: &AudioBackend,
    direction: Direction,
    asked: Option<&str>,
) -> Result<(cpal::Device, Offer), DeviceError> {
    let device = host.device(direction, asked)?.clone();
    let (configs, default) = match direction {
        Direction::Input => {
            (device.supported_input_configs().map(Vec::from_iter), device.default_input_config())
        }
        Direction::Output => {
            (device.supported_output_configs().map(Vec::from_iter), device.default_output_config())
        }
    };
    let name = backend::name(&device);
    let configs = configs.map_err(|problem| {
        // A default that cannot be opened, where nothing else can either: there is no device.
        if asked.is_none() && list::none_usable(host, direction) {
            DeviceError::NoDevice { host: host.name().into(), direction }
        } else {
            let problem = problem.to_string();
            DeviceError::Unusable { direction, device: name.clone(), problem }
        }
    })?;
    let default_rate = default.ok().map(|config| config.sample_rate());
    Ok((device, Offer { direction, device: name, configs, default_rate }))
}

/// The choice for both devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    rate: u32,
    buffer: u32,
    channels: usize,
    input: Option<Side>,
    output: Side,
}

/// The choice for one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Side {
    width: u16,
    format: SampleFormat,
}

fn choose(
    request: &DeviceRequest,
    input: Option<Offer>,
    output: Offer,
) -> Result<Choice, DeviceError> {
    let (input, output) = (input.map(Offer::convertible).transpose()?, output.convertible()?);
    let channels = channels(request.channels, &sides(&input, &output))?;
    // A single plane is played on both sides.
    let (in_width, out_width) =
        (input.as_ref().map(|input| input.width(channels)), output.width(2));
    let input = input.zip(in_width).map(|(input, width)| input.of_width(width));
    let output = output.of_width(out_width);
    let rate = rate(request.rate, input.as_ref(), &output)?;
    let (input, output) = (input.map(|input| input.at_rate(rate)), output.at_rate(rate));
    let side = |offer: &Offer, width| Ok(Side { width, format: offer.format()? });
    Ok(Choice {
        rate,
        buffer: buffer(request.buffer, rate, input.as_ref(), &output)?,
        channels,
        input: input.as_ref().zip(in_width).map(|(offer, width)| side(offer, width)).transpose()?,
        output: side(&output, out_width)?,
    })
}

/// All there are, the input first.
fn sides<'a>(input: &'a Option<Offer>, output: &'a Offer) -> Vec<&'a Offer> {
    input.iter().chain([output]).collect()
}

/// The configurations that a device offers, narrowed step by step.
struct Offer {
    direction: Direction,
    /// The device's name.
    device: String,
    configs: Vec<SupportedStreamConfigRange>,
    /// Hz, as the device would choose.
    default_rate: Option<u32>,
}

impl Offer {
    fn convertible(mut self) -> Result<Self, DeviceError> {
        self.configs.retain(|config| FORMATS.contains(&config.sample_format()));
        if self.configs.is_empty() { Err(self.no_format()) } else { Ok(self) }
    }

    fn of_width(mut self, width: u16) -> Self {
        self.configs.retain(|config| config.channels() == width);
        self
    }

    fn at_rate(mut self, rate: u32) -> Self {
        self.configs.retain(|config| config.contains_rate(rate));
        self
    }

    fn most_channels(&self) -> usize {
        self.configs.iter().map(|config| usize::from(config.channels())).max().unwrap_or(0)
    }

    /// The fewest channels that are at least `wanted`, or else the most there are.
    fn width(&self, wanted: usize) -> u16 {
        let widths = || self.configs.iter().map(|config| config.channels());
        let enough = widths().filter(|&width| usize::from(width) >= wanted).min();
        enough.or_else(|| widths().max()).unwrap_or(1)
    }

    fn runs_at(&self, rate: u32) -> bool {
        self.configs.iter().any(|config| config.contains_rate(rate))
    }

    fn rates(&self) -> String {
        ranges::show_rates(&list::rates(&self.configs))
    }

    fn blocks(&self) -> (u32, u32) {
        list::buffer(&self.configs).unwrap_or(BLOCKS)
    }

    fn format(&self) -> Result<SampleFormat, DeviceError> {
        let offers = |format: SampleFormat| {
            self.configs.iter().any(|config| config.sample_format() == format)
        };
        FORMATS.into_iter().find(|&format| offers(format)).ok_or_else(|| self.no_format())
    }

    fn no_format(&self) -> DeviceError {
        DeviceError::NoFormat { direction: self.direction, device: self.device.clone() }
    }
}

/// Channels to work on: as asked, or stereo where all devices are.
fn channels(asked: Option<usize>, sides: &[&Offer]) -> Result<usize, DeviceError> {
    let Some(asked) = asked else {
        let most = sides.iter().map(|side| side.most_channels()).min().unwrap_or(0);
        return Ok(most.clamp(1, 2));
    };
    match sides.iter().find(|side| side.most_channels() < asked) {
        None => Ok(asked),
        Some(side) => Err(DeviceError::Channels {
            direction: side.direction,
            device: side.device.clone(),
            asked,
            most: side.most_channels(),
        }),
    }
}

/// A rate of all devices: as asked, or a device's own, or a usual one.
fn rate(asked: Option<u32>, input: Option<&Offer>, output: &Offer) -> Result<u32, DeviceError> {
    let sides = || input.into_iter().chain([output]);
    if let Some(asked) = asked {
        return match sides().find(|side| !side.runs_at(asked)) {
            None => Ok(asked),
            Some(side) => Err(DeviceError::Rate {
                direction: side.direction,
                device: side.device.clone(),
                asked,
                available: side.rates(),
            }),
        };
    }
    let own = [Some(output), input].into_iter().flatten().filter_map(|side| side.default_rate);
    // Where ranges meet at no usual rate, they may at one's limits.
    let limits = sides().flat_map(|side| list::rates(&side.configs));
    let found = own
        .chain(COMMON_RATES)
        .chain(limits.flat_map(|(least, most)| [least, most]))
        .find(|&rate| sides().all(|side| side.runs_at(rate)));
    match (found, input) {
        (Some(rate), _) => Ok(rate),
        (None, None) => Err(output.no_format()),
        (None, Some(input)) => {
            Err(DeviceError::NoCommonRate { input: input.rates(), output: output.rates() })
        }
    }
}

/// A block size of all devices: as asked, or near the usual.
fn buffer(
    asked: Option<u32>,
    rate: u32,
    input: Option<&Offer>,
    output: &Offer,
) -> Result<u32, DeviceError> {
    let sides = || input.into_iter().chain([output]).map(|side| (side, side.blocks()));
    if let Some(asked) = asked {
        let outside = |&(_, (least, most)): &(&Offer, (u32, u32))| !(least..=most).contains(&asked);
        return match sides().find(outside) {
            None => Ok(asked),
            Some((side, (least, most))) => Err(DeviceError::Buffer {
                direction: side.direction,
                device: side.device.clone(),
                asked,
                least,
                most,
            }),
        };
    }
    let outs = output.blocks();
    let ins = input.map_or(outs, Offer::blocks);
    let (least, most) = (ins.0.max(outs.0), ins.1.min(outs.1));
    if least > most {
        return Err(DeviceError::NoCommonBuffer { input: ins, output: outs });
    }
    let usual = (DEFAULT_BLOCK_SECONDS * f64::from(rate)).round() as u32;
    Ok(usual.next_power_of_two().clamp(least, most))
}

#[cfg(test)]
mod tests {
    use cpal::SampleFormat::{DsdU8, F32, I16, I32};
    use cpal::SupportedBufferSize;

    use super::*;

    /// A device with these channels, rates in kHz, blocks and formats, in all combinations.
    fn offer(
        direction: Direction,
        channels: &[u16],
        rates: &[(u32, u32)],
        (min, max): (u32, u32),
        formats: &[SampleFormat],
    ) -> Offer {
        let mut configs = Vec::new();
        for &format in formats {
            for &(least, most) in rates {
                let blocks = SupportedBufferSize::Range { min, max };
                let with = |&channels| {
                    SupportedStreamConfigRange::new(channels, least, most, blocks, format)
                };
                configs.extend(channels.iter().map(with));
            }
        }
        let default_rate = rates.last().map(|rate| rate.1);
        Offer { direction, device: format!("the {direction}"), configs, default_rate }
    }

    fn input(channels: &[u16], rates: &[(u32, u32)], formats: &[SampleFormat]) -> Offer {
        offer(Direction::Input, channels, rates, (32, 4096), formats)
    }

    fn output(channels: &[u16], rates: &[(u32, u32)], formats: &[SampleFormat]) -> Offer {
        offer(Direction::Output, channels, rates, (64, 2048), formats)
    }

    const BOTH: &[(u32, u32)] = &[(44_100, 44_100), (48_000, 48_000)];

    fn side(width: u16, format: SampleFormat) -> Side {
        Side { width, format }
    }

    #[test]
    fn two_sound_cards_meet_at_the_outputs_rate_in_stereo() {
        let choice = choose(
            &DeviceRequest::default(),
            Some(input(&[2], BOTH, &[I16, I32])),
            output(&[1, 2, 8], BOTH, &[I16, F32]),
        );
        let (input, output) = (Some(side(2, I32)), side(2, F32));
        let expected = Choice { rate: 48_000, buffer: 256, channels: 2, input, output };
        assert_eq!(choice.unwrap(), expected);
    }

    #[test]
    fn a_mono_microphone_is_heard_on_both_sides() {
        let choice = choose(
            &DeviceRequest::default(),
            Some(input(&[1], &[(44_100, 44_100)], &[I16])),
            output(&[2, 8], BOTH, &[F32]),
        );
        let (input, output) = (Some(side(1, I16)), side(2, F32));
        let expected = Choice { rate: 44_100, buffer: 256, channels: 1, input, output };
        assert_eq!(choice.unwrap(), expected);
    }

    #[test]
    fn a_card_with_many_channels_only_is_used_as_it_is() {
        let choice = choose(
            &DeviceRequest { buffer: Some(64), rate: Some(96_000), ..DeviceRequest::default() },
            Some(input(&[18], &[(44_100, 192_000)], &[I32])),
            output(&[20], &[(44_100, 192_000)], &[I32]),
        );
        let (input, output) = (Some(side(18, I32)), side(20, I32));
        let expected = Choice { rate: 96_000, buffer: 64, channels: 2, input, output };
        assert_eq!(choice.unwrap(), expected);
    }

    #[test]
    fn an_output_alone_decides_for_itself() {
        let choose = |request: &DeviceRequest, output| choose(request, None, output);
        let choice = choose(&DeviceRequest::default(), output(&[2, 8], BOTH, &[I16, F32])).unwrap();
        let expected =
            Choice { rate: 48_000, buffer: 256, channels: 2, input: None, output: side(2, F32) };
        assert_eq!(choice, expected);
        // The requested input does not matter.
        let request = DeviceRequest { input: Some("gone".into()), ..DeviceRequest::default() };
        assert_eq!(choose(&request, output(&[1], BOTH, &[I16])).unwrap().channels, 1);
        let request = DeviceRequest { rate: Some(96_000), ..DeviceRequest::default() };
        let said = choose(&request, output(&[2], BOTH, &[F32])).unwrap_err().to_string();
        assert!(said.contains("the output device the output"), "{said}");
    }

    #[test]
    fn ranges_that_meet_at_no_usual_rate_meet_at_a_limit() {
        let choice = choose(
            &DeviceRequest::default(),
            Some(input(&[2], &[(20_000, 22_050)], &[F32])),
            output(&[2], &[(21_000, 23_000)], &[F32]),
        );
        assert_eq!(choice.unwrap().rate, 22_050);
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let fails = |request: DeviceRequest, input: Offer, output: Offer, parts: &[&str]| {
            let said = choose(&request, Some(input), output).unwrap_err().to_string();
            assert!(parts.iter().all(|part| said.contains(part)), "{parts:?} in `{said}`");
        };
        let microphone = || input(&[1], BOTH, &[F32]);
        let headphones = || output(&[2], BOTH, &[F32]);
        fails(
            DeviceRequest { rate: Some(96_000), ..DeviceRequest::default() },
            microphone(),
            headphones(),
            &["the input device the input", "96000 Hz", "44100, 48000 Hz"],
        );
        fails(
            DeviceRequest { channels: Some(2), ..DeviceRequest::default() },
            microphone(),
            headphones(),
            &["no 2 channels, at most 1"],
        );
        fails(
            DeviceRequest { buffer: Some(32), ..DeviceRequest::default() },
            microphone(),
            headphones(),
            &["the output device the output", "blocks of 32 frames"],
        );
        fails(
            DeviceRequest::default(),
            input(&[2], &[(44_100, 44_100)], &[F32]),
            output(&[2], &[(48_000, 48_000)], &[F32]),
            &["44100 Hz", "48000 Hz", "none in common"],
        );
        fails(
            DeviceRequest::default(),
            input(&[2], BOTH, &[DsdU8]),
            headphones(),
            &["no usable format"],
        );
        fails(
            DeviceRequest::default(),
            offer(Direction::Input, &[2], BOTH, (4096, 8192), &[F32]),
            headphones(),
            &["4096..8192 frames", "64..2048 frames"],
        );
    }
}

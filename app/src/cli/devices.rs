//! `residue devices`: what sound can come from and go to.

use anyhow::Result;

use super::args::DevicesArgs;
use super::table;
use crate::device::{self, BackendInfo, DeviceCapabilities};
use crate::terminal::say;

pub fn run(args: &DevicesArgs) -> Result<()> {
    let hosts = device::list();
    if args.json {
        return say(serde_json::to_string_pretty(&hosts)?);
    }
    let none = hosts.iter().all(|host| host.devices.is_empty());
    for host in &hosts {
        say(heading(host))?;
        if !host.devices.is_empty() {
            say(render(host))?;
        }
    }
    if none {
        say("This computer has no audio device that can be used now; `residue listen` needs one.")?;
    }
    Ok(())
}

fn heading(host: &BackendInfo) -> String {
    let state = match (&host.problem, host.devices.len()) {
        (Some(problem), _) => problem.clone(),
        (None, 0) => "no devices".into(),
        (None, 1) => "1 device".into(),
        (None, count) => format!("{count} devices"),
    };
    let default = if host.default { " (default)" } else { "" };
    format!("{}{default}: {state}", host.name)
}

/// One line a device and direction; `*` marks the defaults.
fn render(host: &BackendInfo) -> String {
    let rows: Vec<Vec<String>> = host
        .devices
        .iter()
        .flat_map(|device| {
            let row = |direction: &str, side: &DeviceCapabilities| {
                vec![
                    if side.default { "*" } else { "" }.to_owned(),
                    direction.to_owned(),
                    device.name.clone(),
                    device.id.clone(),
                    device::show_rates(&side.rates),
                    channels(&side.channels),
                    side.buffer.map_or("-".into(), |(least, most)| device::show_range(least, most)),
                ]
            };
            let input = device.input.as_ref().map(|side| row("in", side));
            input.into_iter().chain(device.output.as_ref().map(|side| row("out", side)))
        })
        .collect();
    let header = ["", "way", "name", "identifier", "rates (Hz)", "channels", "buffer (frames)"];
    table::render(&header, &[0, 1, 2, 3, 4, 5, 6], &rows)
}

/// Numbers of channels, runs of them shortened: `1..8`.
fn channels(counts: &[u16]) -> String {
    match counts {
        [] => "-".into(),
        [only] => only.to_string(),
        [first, .., last] if usize::from(last - first) == counts.len() - 1 => {
            format!("{first}..{last}")
        }
        counts => counts.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
    }
}

//! A thousand subscribers of one topic, in four codecs: how fast everything reaches all of them, in how much memory, and what it costs
//! the others when a hundred of them stop.
//!
//! ```sh
//! cargo run --release --example fanout                          # 10,000 messages: half a minute
//! cargo run --release --example fanout -- --messages 100000     # some minutes
//! ```
//!
//! It ends with an error if the others reach less than 80 % of what they reach alone. `--rounds COUNT` does it more than once. The
//! publisher is patient, so that nothing is lost: for `--patience SECONDS`, 2 if not said. A machine that is slow or has other things to
//! do may need more; then a subscriber loses messages, and the program stops and says so.

#![expect(clippy::unwrap_used, reason = "a measurement that fails should stop where it fails")]

#[path = "../tests/common/fanout.rs"]
mod crowd;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use bulla_client::Client;
use bulla_core::key::{Key, KeyRing};
use bulla_server::services::Info;
use bulla_server::services::topics::Topics;
use bulla_server::{Address, Server};

use self::crowd::{Crowd, KEY, Load, Outcome, TOPIC, run};

/// What the subscribers speak: a quarter each.
const CODECS: [&str; 4] = ["json", "xml", "yaml", "bincode"];

/// What the others must reach beside those that stop, as a part of what they reach alone.
const LEAST: f64 = 0.8;

/// What tells this program that it is to be the server.
const SERVE: &str = "serve";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == [SERVE] {
        return serve();
    }
    let messages = number(&arguments, "--messages")?.unwrap_or(10_000);
    let rounds = number(&arguments, "--rounds")?.unwrap_or(1);
    let patience = Duration::from_secs(number(&arguments, "--patience")?.unwrap_or(2));
    println!("{messages} messages of {} bytes as JSON, 1 publisher", serde_json::to_string(&Load::new(0))?.len());
    println!("900 subscribers on 9 connections, 100 with one each; a quarter each in {}", CODECS.join(", "));
    println!("\"µs\": processor time of the server for a delivery; \"MiB\": the most memory that it had\n");
    println!(
        "{:<34}{:>9}{:>12}{:>14}{:>10}{:>8}{:>7}",
        "", "seconds", "messages/s", "deliveries/s", "of alone", "µs", "MiB"
    );
    let crowd = Crowd {
        codecs: &CODECS,
        sharing: 900,
        streams: 100,
        alone: 100,
        stopped: [0, 0],
        messages,
        queue: 1024,
        credit: 256 << 10,
        looked_at: 100,
    };
    for _ in 0..rounds {
        measure("1,000 subscribers", crowd, patience, None)?;
        let alone = measure("900 subscribers", Crowd { sharing: 840, alone: 60, ..crowd }, patience, None)?;
        let rate =
            measure("the same, and 100 more that stop", Crowd { stopped: [60, 40], ..crowd }, patience, Some(alone))?;
        if rate < LEAST * alone {
            return Err(format!("those that stop cost the others more than {:.0} %", 100.0 * (1.0 - LEAST)).into());
        }
    }
    Ok(())
}

fn number(arguments: &[String], name: &str) -> Result<Option<u64>, Box<dyn Error>> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else { return Ok(None) };
    let value = arguments.get(at + 1).ok_or_else(|| format!("{name} wants a number"))?;
    Ok(Some(value.parse().map_err(|error| format!("{name} {value}: {error}"))?))
}

/// One run against a fresh server. Gives messages a second.
fn measure(name: &str, crowd: Crowd, patience: Duration, alone: Option<f64>) -> Result<f64, Box<dyn Error>> {
    let server = Child::start()?;
    let mut published = None;
    let outcome: Outcome =
        run(&server.address, crowd, |_| published = Some(publish(&server.address, crowd.messages, patience)));
    assert_eq!(outcome.delivered, crowd.messages * crowd.live() as u64, "all is delivered");
    assert_eq!(published.unwrap().unwrap().messages, crowd.messages);
    let seconds = outcome.elapsed.as_secs_f64();
    let rate = crowd.messages as f64 / seconds;
    let of_alone = alone.map(|alone| format!("{:.0} %", 100.0 * rate / alone)).unwrap_or_default();
    let deliveries = outcome.delivered as f64;
    let (cost, memory) = (1e6 * server.processor_seconds()? / deliveries, server.peak_mib()?);
    let deliveries = deliveries / seconds;
    println!("{name:<34}{seconds:>9.1}{rate:>12.0}{deliveries:>14.0}{of_alone:>10}{cost:>8.2}{memory:>7}");
    Ok(rate)
}

fn publish(
    address: &Address,
    messages: u64,
    patience: Duration,
) -> Result<bulla_client::topics::Published, bulla_client::CallError> {
    let client = Client::builder().server(address.to_string()).key(Key::from_bytes(KEY)).offer(["json"]).connect()?;
    let publisher = client.topics().publisher(TOPIC, patience)?;
    for number in 0..messages {
        publisher.send(&Load::new(number))?;
    }
    publisher.finish()
}

/// A server in a process of its own, so that its memory is its own.
struct Child {
    process: std::process::Child,
    address: Address,
}

impl Child {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line)?;
        let address = Address::parse(line.trim())?.remove(0);
        Ok(Self { process, address })
    }

    /// The most memory that it had.
    fn peak_mib(&self) -> Result<u64, Box<dyn Error>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? >> 10)
    }

    /// The processor time that it took, in user and in system mode. Linux counts it in hundredths.
    fn processor_seconds(&self) -> Result<f64, Box<dyn Error>> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, fields) = stat.rsplit_once(") ").ok_or("no fields")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(ticks as f64 / 100.0)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let topics = Topics::default();
    let counted = topics.clone();
    let builder = Server::builder().listen("127.0.0.1:0")?.keys(KeyRing::single(Key::from_bytes(KEY)));
    let info = Info::default().with("topics", move || counted.summary());
    let server = builder.service(topics).service(info).spawn()?;
    println!("{}", server.addresses()[0]);
    std::io::stdin().lock().read_line(&mut String::new())?;
    server.shutdown();
    Ok(())
}

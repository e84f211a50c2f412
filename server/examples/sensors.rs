//! One feed, three codecs: a thermometer publishes in XML, a dashboard listens in JSON and an archive in bincode, and all have the very
//! same values.
//!
//! ```sh
//! cargo run --example sensors
//! ```

use std::error::Error;
use std::time::Duration;

use bulla_client::Client;
use bulla_client::topics::{Delivery, Typed};
use bulla_core::codec::CodecRegistry;
use bulla_core::key::{Key, KeyRing};
use bulla_core::text::escape;
use bulla_core::value::Value;
use bulla_server::services::topics::Topics;
use bulla_server::{Server, ServerHandle};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    room: String,
    battery: Option<u8>,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Fine,
    Open { window: String },
}

pub(crate) fn main() -> Result<()> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    let key = Key::from_bytes(key);
    let server = Server::builder().listen("127.0.0.1:0")?.keys(KeyRing::single(key.clone()));
    let server = server.service(Topics::default()).spawn()?;
    let client = |codec: &str| Client::builder().server(address(&server)).key(key.clone()).offer([codec]).connect();

    let [thermometer, dashboard, archive] = [client("xml")?, client("json")?, client("bincode")?];
    let on_screen = dashboard.topics().subscribe(["sensors.*.temperature"])?.typed();
    let in_archive = archive.topics().subscribe(["sensors.>"])?.typed();
    println!("an XML publisher, a JSON subscriber and a bincode subscriber on {}\n", address(&server));

    exchange(&thermometer, on_screen, in_archive)?;
    what_json_cannot_carry(&archive, &dashboard)?;
    server.shutdown();
    Ok(())
}

fn address(server: &ServerHandle) -> String {
    server.addresses()[0].to_string()
}

/// Publishes readings; both subscribers have to get each of them.
fn exchange(thermometer: &Client, mut on_screen: Typed<Reading>, mut in_archive: Typed<Reading>) -> Result<()> {
    let readings = readings();
    let publisher = thermometer.topics().publisher("sensors.kitchen.temperature", Duration::from_secs(10))?;
    for reading in &readings {
        publisher.send(reading)?;
    }
    let published = publisher.finish()?;
    println!("{} messages published, {} deliveries", published.messages, published.delivered);
    for reading in &readings {
        for (name, subscription) in [("dashboard", &mut on_screen), ("archive", &mut in_archive)] {
            match subscription.next().ok_or("the subscription ended")?? {
                Delivery::Message(message) if message.value == *reading => {
                    println!("{name:<9} #{} {} {:?}", message.sequence, message.topic, message.value);
                }
                other => return Err(format!("{name} got {other:?} in place of {reading:?}").into()),
            }
        }
    }
    println!("\nas documents, in bytes:");
    for codec in CodecRegistry::discovered()?.accepted_by_default().map(|entry| entry.codec()) {
        let bytes = codec.encode_to_vec(&Value::from_serialize(&readings[0])?)?;
        println!("{:<9} {:>4}  {}", codec.name(), bytes.len(), escape(&bytes.escape_ascii(), 90));
    }
    Ok(())
}

fn readings() -> Vec<Reading> {
    let reading = |celsius, battery, state| Reading { celsius, room: "kitchen & cellar".to_owned(), battery, state };
    vec![
        reading(21.5, Some(87), State::Fine),
        reading(-0.0, None, State::Open { window: "north <2>".to_owned() }),
        reading(1e-7, Some(0), State::Fine),
    ]
}

/// A picture is bytes, and JSON has none: its subscriber hears of a gap, and never gets something else.
fn what_json_cannot_carry(publisher: &Client, dashboard: &Client) -> Result<()> {
    let mut pictures = dashboard.topics().subscribe(["cameras.>"])?;
    let published = publisher.topics().publish("cameras.door", &Value::from(vec![0xff_u8, 0xd8, 0xff]))?;
    match pictures.next().ok_or("the subscription ended")?? {
        Delivery::Gap(gap) if published.missed == 1 => {
            println!("\ndashboard #{} is missing: {}", gap.sequence, gap.reason)
        }
        other => return Err(format!("a gap was due, not {other:?}").into()),
    }
    Ok(())
}

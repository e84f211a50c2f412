//! One file for each peer, and what they have in common.

mod bulla;
mod core_client;
pub(crate) mod grpc;
mod nats;
mod python;
mod raw;
mod rustls;
mod tarpc;
#[cfg(feature = "zmq")]
mod zeromq;

use self::rustls::Style;
use crate::Error;
use crate::format::Format;
use crate::job::Job;
use crate::load::Load;
use crate::meter::Tally;

/// A way for two programs to talk. Its server and its client run in processes of their own.
pub(crate) trait Peer: Sync {
    /// Its name in options and tables.
    fn name(&self) -> &'static str;

    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// What it would need here to be measured.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Whether it is measured with this load.
    fn carries(&self, load: Load) -> bool;

    /// The server: says that it is ready, and ends when the runner hangs up.
    fn serve(&self, load: Load) -> Result<(), Error>;

    /// The client: does the work, and says how much of it was done.
    fn drive(&self, job: &Job) -> Result<Tally, Error>;
}

/// All peers, in the order of the tables.
pub(crate) fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(bulla::Bulla { name: "bulla-json", codec: "json" }),
        Box::new(bulla::Bulla { name: "bulla-bincode", codec: "bincode" }),
        Box::new(core_client::BullaCore),
        Box::new(rustls::Rustls { name: "rustls-json", format: Format::Json, style: Style::AsWritten }),
        Box::new(rustls::Rustls { name: "rustls-json-batched", format: Format::Json, style: Style::Batched }),
        Box::new(rustls::Rustls { name: "rustls-bytes-batched", format: Format::Bytes, style: Style::Batched }),
        Box::new(tarpc::Tarpc),
        Box::new(grpc::Tonic { name: "tonic-unary", streaming: false }),
        Box::new(grpc::Tonic { name: "tonic-stream", streaming: true }),
        #[cfg(feature = "zmq")]
        Box::new(zeromq::ZeroMq),
        #[cfg(not(feature = "zmq"))]
        Box::new(NotBuilt { name: "zeromq-json", about: "ZeroMQ with CURVE", feature: "zmq" }),
        Box::new(nats::Nats),
        Box::new(python::Python),
        Box::new(raw::Raw { name: "raw-json", format: Format::Json }),
        Box::new(raw::Raw { name: "raw-bytes", format: Format::Bytes }),
    ]
}

/// The peer with this name.
pub(crate) fn find(name: &str) -> Result<Box<dyn Peer>, Error> {
    let known = || all().iter().map(|peer| peer.name()).collect::<Vec<_>>().join(", ");
    let found = all().into_iter().find(|peer| peer.name() == name);
    found.ok_or_else(|| format!("no peer {name}: there are {}", known()).into())
}

/// A peer that this program was built without.
#[cfg(not(feature = "zmq"))]
struct NotBuilt {
    name: &'static str,
    about: &'static str,
    feature: &'static str,
}

#[cfg(not(feature = "zmq"))]
impl Peer for NotBuilt {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn missing(&self) -> Option<String> {
        Some(format!("this program was built without --features {}", self.feature))
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    fn serve(&self, _: Load) -> Result<(), Error> {
        Err(self.missing().unwrap_or_default().into())
    }

    fn drive(&self, _: &Job) -> Result<Tally, Error> {
        Err(self.missing().unwrap_or_default().into())
    }
}

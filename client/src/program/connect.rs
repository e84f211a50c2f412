//! The client that a command needs: key, codecs and bounds from the options.

use std::time::Duration;

use bulla_core::codec::{CodecName, CodecRegistry};
use bulla_core::key::KeyRing;

use super::cli::Options;
use super::exit::{Exit, Failure};
use crate::files::compact_offer;
use crate::{Client, ConnectError, client_bounds};

/// The longest time for the handshake, however long calls may take.
const MAX_HANDSHAKE: Duration = Duration::from_secs(5);

/// Connects as the options say.
pub(crate) fn connect(options: &Options) -> Result<Client, Failure> {
    connect_offering(options, (!options.codec.is_empty()).then(|| options.codec.clone()))
}

/// Connects to transfer files: unless the options name codecs, those in which bytes take the least room come first.
pub(crate) fn connect_for_files(options: &Options) -> Result<Client, Failure> {
    if !options.codec.is_empty() {
        return connect(options);
    }
    let codecs = CodecRegistry::discovered().map_err(ConnectError::from)?;
    connect_offering(options, Some(compact_offer(&codecs).iter().map(ToString::to_string).collect()))
}

/// Connects with one codec alone.
pub(crate) fn connect_with(options: &Options, codec: CodecName) -> Result<Client, Failure> {
    connect_offering(options, Some(vec![codec.to_string()]))
}

/// Ends the connection in order when a command is done, unless it is the connection that failed.
pub(crate) fn close_after<T>(client: &Client, result: Result<T, Failure>) -> Result<T, Failure> {
    if !result.as_ref().is_err_and(|failure| failure.exit == Exit::Lost) {
        client.close();
    }
    result
}

fn connect_offering(options: &Options, offer: Option<Vec<String>>) -> Result<Client, Failure> {
    Ok(try_connect(options, KeyRing::load(&options.key)?, offer)?)
}

/// As [`connect`], with the error that the library gives.
pub(crate) fn try_connect(
    options: &Options,
    ring: KeyRing,
    offer: Option<Vec<String>>,
) -> Result<Client, ConnectError> {
    let mut bounds = client_bounds();
    bounds.handshake = options.timeout.clamp(Duration::from_millis(1), MAX_HANDSHAKE);
    let builder = Client::builder()
        .servers(&options.server)
        .key(ring.current().key().clone())
        .bounds(bounds)
        .deadline(options.timeout)
        .agent(concat!("bulla/", env!("CARGO_PKG_VERSION")));
    match offer {
        Some(names) => builder.offer(names).connect(),
        None => builder.connect(),
    }
}

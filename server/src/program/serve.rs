//! The stock server: keys, records, topics, files, echo and info on the addresses of the options.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bulla_core::connection::{Bounds, Limits};
use bulla_core::key::{Key, KeyError, KeyRing, write_key_file};
use bulla_core::text::escape;

use crate::program::screen::Screen;
use crate::program::{Failure, Options};
use crate::services::files::{Files, FilesLimits};
use crate::services::records::{JsonLines, Observer, Records};
use crate::services::topics::{TopicLimits, Topics};
use crate::services::{Echo, Info};
use crate::{Access, AccessRule, Capacity, Drained, Server, ServerHandle};

/// Where the server listens if nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7411";

/// The key file if nothing else is said.
pub const DEFAULT_KEY: &str = "bulla.key";

/// The database if nothing else is said.
pub const DEFAULT_DB: &str = "bulla.db";

/// The stock server while it runs.
pub struct Running {
    handle: ServerHandle,
    records: Records,
    key_made: bool,
}

/// Starts the stock server. Without a key file in the options, [`DEFAULT_KEY`] is made if it is missing.
///
/// # Errors
/// A [`Failure`] that says what to do. Nothing is left running then.
pub fn serve(options: &Options) -> Result<Running, Failure> {
    let (keys, key_made) = load_keys(options)?;
    let keys_named = keys.iter().filter_map(|key| key.name().map(str::to_owned)).collect();
    let records = Records::open(db_path(options), observers(options)?)?;
    let topics = Topics::new(topic_limits(options));
    let counted = (records.clone(), topics.clone());
    let mut info =
        Info::default().with("records", move || counted.0.summary()).with("topics", move || counted.1.summary());
    let files = options.files.as_ref().map(|folder| Files::open(folder, files_limits(options))).transpose()?;
    if let Some(files) = files.clone() {
        info = info.with("files", move || files.summary());
    }
    let mut builder = Server::builder()
        .keys(keys)
        .limits(limits(options))
        .bounds(bounds(options))
        .capacity(capacity(options))
        .service(Echo)
        .service(info)
        .service(records.clone())
        .service(topics);
    if let Some(files) = files {
        builder = builder.service(files);
    }
    for address in options.listen.as_deref().unwrap_or(&[DEFAULT_LISTEN.to_owned()]) {
        builder = builder.listen(address)?;
    }
    let access = access(options, &keys_named);
    if !access.is_empty() {
        builder = builder.intercept(access);
    }
    if let Some(names) = &options.accept {
        builder = builder.accept(names);
    }
    if let Some(threads) = options.threads {
        builder = builder.threads(threads);
    }
    if let Some(workers) = options.workers {
        builder = builder.workers(workers);
    }
    Ok(Running { handle: builder.spawn()?, records, key_made })
}

impl Running {
    /// The running server.
    #[must_use]
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// Its records.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Whether a key file was made.
    #[must_use]
    pub fn key_made(&self) -> bool {
        self.key_made
    }

    /// Waits until the server ends, which another thread brings about through [`ServerHandle::control`], and until the observers
    /// have seen every record.
    pub fn join(self) -> Drained {
        let drained = self.handle.join();
        self.records.flush();
        drained
    }

    /// Stops at once.
    pub fn shutdown(self) {
        self.handle.shutdown();
        self.records.flush();
    }
}

/// The path of the key file.
pub(crate) fn key_path(options: &Options) -> PathBuf {
    options.key.clone().unwrap_or_else(|| DEFAULT_KEY.into())
}

/// The path of the database.
pub(crate) fn db_path(options: &Options) -> PathBuf {
    options.db.clone().unwrap_or_else(|| DEFAULT_DB.into())
}

/// The keys, and whether they were made. A file that was asked for by name is never made: a slip would look like a new key.
fn load_keys(options: &Options) -> Result<(KeyRing, bool), Failure> {
    let path = key_path(options);
    match KeyRing::load(&path) {
        Err(KeyError::NotFound { .. }) if options.key.is_none() => {
            make_key(&path)?;
            Ok((KeyRing::load(&path)?, true))
        }
        loaded => Ok((loaded?, false)),
    }
}

fn make_key(path: &Path) -> Result<(), Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::System { action: "draw random numbers", reason: error.to_string() })?;
    Ok(write_key_file(path, &Key::from_bytes(bytes), false)?)
}

/// The rules of the options. One for a key that there is not is allowed, since the key may come, but is more likely a slip.
fn access(options: &Options, names: &BTreeSet<String>) -> Access {
    let allow = options.allow.iter().flatten().cloned().fold(Access::default(), Access::allow);
    let access = options.deny.iter().flatten().cloned().fold(allow, Access::deny);
    for name in access.rules().filter_map(AccessRule::peer).filter(|name| !names.contains(*name)) {
        tracing::warn!("a rule of --allow or --deny is for the key {}, which is not in the key file", escape(name, 64));
    }
    access
}

fn observers(options: &Options) -> Result<Vec<Box<dyn Observer>>, Failure> {
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    if options.print.unwrap_or_default() {
        observers.push(Box::new(Screen));
    }
    if let Some(path) = &options.append {
        let lines =
            JsonLines::open(path).map_err(|error| Failure::Append { path: path.clone(), reason: error.to_string() })?;
        observers.push(Box::new(lines));
    }
    Ok(observers)
}

fn files_limits(options: &Options) -> FilesLimits {
    let mut limits = FilesLimits::default();
    limits.file = options.max_file.unwrap_or(limits.file);
    limits.total = options.max_stored.or(limits.total);
    limits.reserve = options.keep_free.unwrap_or(limits.reserve);
    limits.transfers = options.max_transfers.unwrap_or(limits.transfers);
    limits.transfers_per_peer = options.max_peer_transfers.unwrap_or(limits.transfers_per_peer);
    limits.part_age = options.keep_parts.unwrap_or(limits.part_age);
    limits
}

fn limits(options: &Options) -> Limits {
    let mut limits = Limits::default();
    limits.message = options.max_message.unwrap_or(limits.message);
    limits.streams = options.max_streams.unwrap_or(limits.streams);
    limits
}

fn bounds(options: &Options) -> Bounds {
    let mut bounds = Bounds::default();
    bounds.handshake = options.handshake_timeout.unwrap_or(bounds.handshake);
    bounds.idle = options.idle_timeout.unwrap_or(bounds.idle);
    // A peer that is given up sooner is asked sooner, too.
    bounds.keepalive = bounds.keepalive.min(bounds.idle / 5 * 2);
    bounds
}

fn topic_limits(options: &Options) -> TopicLimits {
    let mut limits = TopicLimits::default();
    limits.patterns = options.max_patterns.unwrap_or(limits.patterns);
    limits.bytes = options.max_waiting.unwrap_or(limits.bytes);
    limits
}

fn capacity(options: &Options) -> Capacity {
    let mut capacity = Capacity::default();
    capacity.connections = options.max_connections.unwrap_or(capacity.connections);
    capacity.handshakes = options.max_handshakes.unwrap_or(capacity.handshakes);
    capacity.stream_threads = options.max_stream_threads.unwrap_or(capacity.stream_threads);
    let (connection, name) = (options.max_connection_threads, options.max_name_threads);
    capacity.stream_threads_per_connection = connection.unwrap_or(capacity.stream_threads_per_connection);
    capacity.stream_threads_per_name = name.unwrap_or(capacity.stream_threads_per_name);
    capacity.stream_silence = options.stream_timeout.unwrap_or(capacity.stream_silence);
    capacity.queued_bytes = options.max_queued.unwrap_or(capacity.queued_bytes);
    capacity.write_stall = options.write_timeout.unwrap_or(capacity.write_stall);
    capacity.decode.depth = options.max_depth.unwrap_or(capacity.decode.depth);
    capacity.decode.elements = options.max_elements.unwrap_or(capacity.decode.elements);
    capacity
}

//! The settings of the stock server, as options, variables and a file give them.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use serde::{Deserialize, Deserializer};

use crate::AccessRule;

/// The settings of the stock server. What is `None` is left to the next source, at last to the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Options {
    /// Listen on host:port or unix:/path; may be repeated [default: 127.0.0.1:7411]
    #[arg(long, hide_env_values = true, env = "BULLA_LISTEN", value_delimiter = ',', value_name = "ADDRESS")]
    pub listen: Option<Vec<String>>,
    /// The key file: one Fernet key a line, `name = key` for one key a client [default: bulla.key, made if it is missing]
    #[arg(long, hide_env_values = true, env = "BULLA_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The database of the records [default: bulla.db]
    #[arg(long, hide_env_values = true, env = "BULLA_DB", value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// The codecs to accept [default: all that are linked and do not ask to be named]
    #[arg(long, hide_env_values = true, env = "BULLA_ACCEPT", value_delimiter = ',', value_name = "NAME,…")]
    pub accept: Option<Vec<String>>,
    /// Let these keys call these routes, and nobody anything else; PEER is a key's name, - for keys without a name, * for all; in the
    /// PATTERN, * is one segment and > the rest [default: every key may call every route]
    #[arg(
        long,
        hide_env_values = true,
        env = "BULLA_ALLOW",
        value_delimiter = ',',
        value_name = "PEER=PATTERN,…",
        help_heading = "Access"
    )]
    #[serde(deserialize_with = "rules")]
    pub allow: Option<Vec<AccessRule>>,
    /// Refuse these routes to these keys, whatever --allow says
    #[arg(
        long,
        hide_env_values = true,
        env = "BULLA_DENY",
        value_delimiter = ',',
        value_name = "PEER=PATTERN,…",
        help_heading = "Access"
    )]
    #[serde(deserialize_with = "rules")]
    pub deny: Option<Vec<AccessRule>>,
    /// Show each record on the screen
    #[arg(long, hide_env_values = true, env = "BULLA_PRINT", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub print: Option<bool>,
    /// Append each record to this file, one line of JSON each
    #[arg(long, hide_env_values = true, env = "BULLA_APPEND", value_name = "FILE")]
    pub append: Option<PathBuf>,
    /// Log lines of JSON
    #[arg(long, hide_env_values = true, env = "BULLA_JSON", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub json: Option<bool>,
    /// Keep files in this folder and serve them; it must be ours, and closed to the writing of others [default: no files]
    #[arg(long, hide_env_values = true, env = "BULLA_FILES", value_name = "FOLDER", help_heading = "Files")]
    pub files: Option<PathBuf>,
    /// The longest file [default: 16GiB]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_FILE", value_parser = parse_size, value_name = "SIZE", help_heading = "Files")]
    #[serde(deserialize_with = "size")]
    pub max_file: Option<u64>,
    /// All files together, unfinished uploads included [default: what the disk holds]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_STORED", value_parser = parse_size, value_name = "SIZE", help_heading = "Files")]
    #[serde(deserialize_with = "size")]
    pub max_stored: Option<u64>,
    /// Room on the disk that stays free [default: 256MiB]
    #[arg(long, hide_env_values = true, env = "BULLA_KEEP_FREE", value_parser = parse_size, value_name = "SIZE", help_heading = "Files")]
    #[serde(deserialize_with = "size")]
    pub keep_free: Option<u64>,
    /// Transfers of files at once [default: 64]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_TRANSFERS", value_name = "COUNT", help_heading = "Files")]
    pub max_transfers: Option<usize>,
    /// Of these, the transfers of one peer [default: 16]
    #[arg(
        long,
        hide_env_values = true,
        env = "BULLA_MAX_PEER_TRANSFERS",
        value_name = "COUNT",
        help_heading = "Files"
    )]
    pub max_peer_transfers: Option<usize>,
    /// How long an upload that broke off can be gone on with [default: 1day]
    #[arg(long, hide_env_values = true, env = "BULLA_KEEP_PARTS", value_parser = parse_time, value_name = "TIME", help_heading = "Files")]
    #[serde(deserialize_with = "time")]
    pub keep_parts: Option<Duration>,
    /// Event loops [default: one for each core]
    #[arg(long, hide_env_values = true, env = "BULLA_THREADS", value_name = "COUNT", help_heading = "Limits")]
    pub threads: Option<NonZero<usize>>,
    /// Threads that run handlers [default: one for each core, at least 4]
    #[arg(long, hide_env_values = true, env = "BULLA_WORKERS", value_name = "COUNT", help_heading = "Limits")]
    pub workers: Option<NonZero<usize>>,
    /// Connections at once [default: 10000]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_CONNECTIONS", value_name = "COUNT", help_heading = "Limits")]
    pub max_connections: Option<u32>,
    /// Connections in handshake at once [default: 256]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_HANDSHAKES", value_name = "COUNT", help_heading = "Limits")]
    pub max_handshakes: Option<u32>,
    /// The longest message [default: 4MiB]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_MESSAGE", value_parser = parse_short_size, value_name = "SIZE", help_heading = "Limits")]
    #[serde(deserialize_with = "short_size")]
    pub max_message: Option<u32>,
    /// Calls open in one connection [default: 1024]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_STREAMS", value_name = "COUNT", help_heading = "Limits")]
    pub max_streams: Option<u32>,
    /// Streams whose handlers run at once, each on a thread [default: 256]
    #[arg(
        long,
        hide_env_values = true,
        env = "BULLA_MAX_STREAM_THREADS",
        value_name = "COUNT",
        help_heading = "Limits"
    )]
    pub max_stream_threads: Option<u32>,
    /// Of these, the streams of one connection [default: 64]
    #[arg(
        long,
        hide_env_values = true,
        env = "BULLA_MAX_CONNECTION_THREADS",
        value_name = "COUNT",
        help_heading = "Limits"
    )]
    pub max_connection_threads: Option<u32>,
    /// Of these, the streams of one key with a name, over all its connections [default: 128]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_NAME_THREADS", value_name = "COUNT", help_heading = "Limits")]
    pub max_name_threads: Option<u32>,
    /// Bytes queued in all connections together [default: 1GiB]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_QUEUED", value_parser = parse_size, value_name = "SIZE", help_heading = "Limits")]
    #[serde(deserialize_with = "size")]
    pub max_queued: Option<u64>,
    /// Patterns in all subscriptions to topics [default: 65536]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_PATTERNS", value_name = "COUNT", help_heading = "Limits")]
    pub max_patterns: Option<usize>,
    /// Bytes of topics' messages that wait for subscribers who are slow; beyond that the oldest are dropped [default: 256MiB]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_WAITING", value_parser = parse_size, value_name = "SIZE", help_heading = "Limits")]
    #[serde(deserialize_with = "size")]
    pub max_waiting: Option<u64>,
    /// How deep a request may nest [default: 64]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_DEPTH", value_name = "LEVELS", help_heading = "Limits")]
    pub max_depth: Option<u32>,
    /// How many elements a request may have [default: 1000000]
    #[arg(long, hide_env_values = true, env = "BULLA_MAX_ELEMENTS", value_name = "COUNT", help_heading = "Limits")]
    pub max_elements: Option<u32>,
    /// The whole handshake [default: 5s]
    #[arg(long, hide_env_values = true, env = "BULLA_HANDSHAKE_TIMEOUT", value_parser = parse_time, value_name = "TIME", help_heading = "Limits")]
    #[serde(deserialize_with = "time")]
    pub handshake_timeout: Option<Duration>,
    /// Silence after which a peer is given up [default: 75s]
    #[arg(long, hide_env_values = true, env = "BULLA_IDLE_TIMEOUT", value_parser = parse_time, value_name = "TIME", help_heading = "Limits")]
    #[serde(deserialize_with = "time")]
    pub idle_timeout: Option<Duration>,
    /// How long a peer may leave its replies unread [default: 10s]
    #[arg(long, hide_env_values = true, env = "BULLA_WRITE_TIMEOUT", value_parser = parse_time, value_name = "TIME", help_heading = "Limits")]
    #[serde(deserialize_with = "time")]
    pub write_timeout: Option<Duration>,
    /// How long a stream's handler waits for a peer that sends nothing, or takes nothing [default: 5m]
    #[arg(long, hide_env_values = true, env = "BULLA_STREAM_TIMEOUT", value_parser = parse_time, value_name = "TIME", help_heading = "Limits")]
    #[serde(deserialize_with = "time")]
    pub stream_timeout: Option<Duration>,
    /// How long calls that run may take once the server drains [default: 30s]
    #[arg(long, hide_env_values = true, env = "BULLA_DRAIN_TIMEOUT", value_parser = parse_time, value_name = "TIME", help_heading = "Limits")]
    #[serde(deserialize_with = "time")]
    pub drain_timeout: Option<Duration>,
}

impl Options {
    /// These settings, and where they leave something open, those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            key: self.key.or(other.key),
            db: self.db.or(other.db),
            accept: self.accept.or(other.accept),
            allow: self.allow.or(other.allow),
            deny: self.deny.or(other.deny),
            print: self.print.or(other.print),
            append: self.append.or(other.append),
            json: self.json.or(other.json),
            files: self.files.or(other.files),
            max_file: self.max_file.or(other.max_file),
            max_stored: self.max_stored.or(other.max_stored),
            keep_free: self.keep_free.or(other.keep_free),
            max_transfers: self.max_transfers.or(other.max_transfers),
            max_peer_transfers: self.max_peer_transfers.or(other.max_peer_transfers),
            keep_parts: self.keep_parts.or(other.keep_parts),
            threads: self.threads.or(other.threads),
            workers: self.workers.or(other.workers),
            max_connections: self.max_connections.or(other.max_connections),
            max_handshakes: self.max_handshakes.or(other.max_handshakes),
            max_message: self.max_message.or(other.max_message),
            max_streams: self.max_streams.or(other.max_streams),
            max_stream_threads: self.max_stream_threads.or(other.max_stream_threads),
            max_connection_threads: self.max_connection_threads.or(other.max_connection_threads),
            max_name_threads: self.max_name_threads.or(other.max_name_threads),
            max_queued: self.max_queued.or(other.max_queued),
            max_patterns: self.max_patterns.or(other.max_patterns),
            max_waiting: self.max_waiting.or(other.max_waiting),
            max_depth: self.max_depth.or(other.max_depth),
            max_elements: self.max_elements.or(other.max_elements),
            handshake_timeout: self.handshake_timeout.or(other.handshake_timeout),
            idle_timeout: self.idle_timeout.or(other.idle_timeout),
            write_timeout: self.write_timeout.or(other.write_timeout),
            stream_timeout: self.stream_timeout.or(other.stream_timeout),
            drain_timeout: self.drain_timeout.or(other.drain_timeout),
        }
    }
}

/// Rules as on the command line, in a list.
fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<AccessRule>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let rules: Result<_, _> = texts.iter().map(|text| text.parse()).collect();
    rules.map(Some).map_err(serde::de::Error::custom)
}

/// A time such as `5s` or `1m 30s`.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_time(&text).map(Some).map_err(serde::de::Error::custom)
}

fn parse_time(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a number and its unit, such as 500ms, 90s or 2m")
}

/// A size such as `16GiB`, or a number of bytes.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number of bytes, or a text such as 500MB or 16GiB")]
    enum Size {
        Bytes(u64),
        Text(String),
    }
    match Size::deserialize(deserializer)? {
        Size::Bytes(bytes) => Ok(Some(bytes)),
        Size::Text(text) => parse_size(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

fn parse_size(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map(|size: ByteSize| size.as_u64())
        .map_err(|_| "expected a number of bytes, or one such as 500MB or 16GiB")
}

/// A size below 4 GiB.
fn short_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    size(deserializer)?.map(shorten).transpose().map_err(serde::de::Error::custom)
}

fn parse_short_size(text: &str) -> Result<u32, &'static str> {
    shorten(parse_size(text)?)
}

fn shorten(size: u64) -> Result<u32, &'static str> {
    size.try_into().map_err(|_| "expected less than 4GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_options_say() {
        let options: Options = toml::from_str(
            "listen = ['a:1', 'b:2']\nprint = true\nmax-connections = 7\nhandshake-timeout = '1m 30s'\nthreads = 2",
        )
        .unwrap();
        let expected = Options {
            listen: Some(vec!["a:1".to_owned(), "b:2".to_owned()]),
            print: Some(true),
            max_connections: Some(7),
            handshake_timeout: Some(Duration::from_secs(90)),
            threads: NonZero::new(2),
            ..Options::default()
        };
        assert_eq!(options, expected);
        assert!(toml::from_str::<Options>("max-conections = 7").is_err(), "a slip is not passed over");
    }

    #[test]
    fn sizes_have_units_or_none() {
        assert_eq!(parse_size("16GiB"), Ok(16 << 30));
        assert_eq!(parse_size("500 MB"), Ok(500_000_000));
        assert_eq!(parse_size("17"), Ok(17));
        assert_eq!(parse_short_size("4GiB"), Err("expected less than 4GiB"));
        for wrong in ["", "much", "-1", "16 GiB of it", "1e400"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
        let options: Options = toml::from_str("max-file = '1MiB'\nmax-stored = 7\nmax-message = '1MiB'").unwrap();
        assert_eq!(
            (options.max_file, options.max_stored, options.max_message),
            (Some(1 << 20), Some(7), Some(1 << 20))
        );
        assert!(toml::from_str::<Options>("max-message = '4GiB'").is_err());
        assert!(toml::from_str::<Options>("max-file = -1").is_err());
    }

    #[test]
    fn the_first_source_that_says_something_wins() {
        let first = Options { max_message: Some(1), ..Options::default() };
        let second = Options { max_message: Some(2), max_streams: Some(3), ..Options::default() };
        let both = first.or(second);
        assert_eq!((both.max_message, both.max_streams, both.max_depth), (Some(1), Some(3), None));
    }
}

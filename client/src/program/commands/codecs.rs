//! `bulla codecs`: what is linked here, what a server accepts, and what the two would choose.

use bulla_core::codec::{CodecName, CodecRegistry, RegisteredCodec};
use bulla_core::handshake::HandshakeError;
use bulla_core::key::KeyRing;
use bulla_core::text::escape;
use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;

use crate::program::cli::Options;
use crate::program::connect::try_connect;
use crate::program::exit::Failure;
use crate::program::shell::Shell;
use crate::{CallError, ConnectError, default_offer};

/// Whether `--server` stands on the command line: then, and only then, the server is asked.
pub(crate) fn is_server_given(matches: &ArgMatches) -> bool {
    let given = |matches: &ArgMatches| matches.value_source("server") == Some(ValueSource::CommandLine);
    given(matches) || matches.subcommand().is_some_and(|(_, matches)| given(matches))
}

/// What a server has to say about codecs.
struct Agreement {
    server: String,
    /// `None` if it does not say.
    accepted: Option<Vec<String>>,
    chosen: Option<CodecName>,
    /// Why nothing was chosen.
    failure: Option<Failure>,
}

#[derive(Serialize)]
struct Listing<'a> {
    codecs: Vec<&'a RegisteredCodec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerSide<'a>>,
}

#[derive(Serialize)]
struct ServerSide<'a> {
    address: &'a str,
    accepts: &'a Option<Vec<String>>,
    chosen: Option<String>,
}

pub(crate) fn run(server_given: bool, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let registry = CodecRegistry::discovered().map_err(ConnectError::from)?;
    let agreement = if server_given { Some(ask(options, &registry)?) } else { None };
    if shell.json {
        show_json(&registry, agreement.as_ref(), shell)?;
    } else if shell.is_for_people() {
        show_table(&registry, agreement.as_ref(), shell)?;
    } else {
        show_lines(&registry, shell)?;
    }
    let Some(agreement) = agreement else { return Ok(()) };
    if !shell.json {
        show_agreement(&agreement, shell)?;
    }
    agreement.failure.map_or(Ok(()), Err)
}

/// Connects, and learns what both sides agree on; that they agree on nothing is an answer, too.
fn ask(options: &Options, registry: &CodecRegistry) -> Result<Agreement, Failure> {
    let offer = match &options.codec[..] {
        [] => default_offer(registry).iter().map(ToString::to_string).collect(),
        named => named.to_vec(),
    };
    let client = match try_connect(options, KeyRing::load(&options.key)?, Some(offer)) {
        Ok(client) => client,
        Err(ConnectError::Handshake { error: HandshakeError::NoCommonCodec { accepted, offered }, server, key }) => {
            let names = accepted.iter().map(ToString::to_string).collect();
            let error = HandshakeError::NoCommonCodec { accepted, offered };
            let failure = Some(ConnectError::Handshake { server: server.clone(), key, error }.into());
            return Ok(Agreement { server, accepted: Some(names), chosen: None, failure });
        }
        Err(error) => return Err(error.into()),
    };
    let (server, chosen) = (client.server().to_string(), Some(client.session().codec));
    let accepted = match client.info() {
        Ok(info) => Some(info.codecs.iter().map(|name| escape(name, 40)).collect()),
        // A server without the stock service keeps its list to itself.
        Err(CallError::Status { .. } | CallError::Decode { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    client.close();
    Ok(Agreement { server, accepted, chosen, failure: None })
}

fn show_json(
    registry: &CodecRegistry,
    agreement: Option<&Agreement>,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let server = agreement.map(|agreement| ServerSide {
        address: &agreement.server,
        accepts: &agreement.accepted,
        chosen: agreement.chosen.map(|name| name.to_string()),
    });
    shell.json_line(&Listing { codecs: registry.iter().collect(), server })
}

fn show_table(
    registry: &CodecRegistry,
    agreement: Option<&Agreement>,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let mut heads = RegisteredCodec::HEADS.to_vec();
    let accepted = agreement.and_then(|agreement| agreement.accepted.as_ref());
    if accepted.is_some() {
        heads.push("server");
    }
    let mut table = shell.table(&heads);
    for entry in registry {
        let mut row = entry.columns().to_vec();
        if let Some(accepted) = accepted {
            row.push(if accepted.contains(&row[0]) { "accepts" } else { "refuses" }.to_owned());
        }
        table.add_row(row);
    }
    Ok(shell.line(table)?)
}

/// Columns apart by tabs, for `cut` and `awk`.
fn show_lines(registry: &CodecRegistry, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    for entry in registry {
        shell.line(entry.columns().join("\t"))?;
    }
    Ok(())
}

fn show_agreement(agreement: &Agreement, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let server = &agreement.server;
    match &agreement.accepted {
        Some(names) => shell.line(format_args!("{server} accepts {}", names.join(", ")))?,
        None => shell.line(format_args!("{server} does not say what it accepts"))?,
    }
    match agreement.chosen {
        Some(name) => Ok(shell.line(format_args!("chosen: {name}"))?),
        None => Ok(shell.line("chosen: none")?),
    }
}

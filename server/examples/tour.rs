//! A tour of Bulla in one process: a server, a client for each codec, and two things that go wrong.
//!
//! ```sh
//! cargo run --release --example tour
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bulla_client::program::{Streams, run};
use bulla_client::{Client, records};
use bulla_core::codec::{CodecName, CodecRegistry};
use bulla_core::key::{Key, KeyRing, write_key_file};
use bulla_core::value::Value;
use bulla_server::services::records::{AppendRequest, Records};
use bulla_server::services::{Echo, Info};
use bulla_server::{Server, ServerHandle};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    println!("A key of 32 random bytes in {}, which only its owner can read.", place.key_file.display());
    println!("Its id, the only thing that travels in clear: {}\n", place.key.id());

    let server = place.server(None)?;
    println!("A server on {}: it holds that key and keeps records in bulla.db.\n", server.addresses()[0]);
    one_client_for_each_codec(&place, &server)?;
    what_is_stored(&place, &server)?;
    a_wrong_key(&place, &server)?;
    a_missing_codec(&place)?;
    server.shutdown();
    folder.close()?;
    println!("The server is gone, and so is the folder. `bulla-server` and `bulla --help` are the way on.");
    Ok(())
}

/// The folder that the tour lives in.
struct Place {
    key: Key,
    key_file: PathBuf,
    database: PathBuf,
}

impl Place {
    fn new(folder: &Path) -> Result<Self> {
        let key = fresh_key()?;
        let key_file = folder.join("bulla.key");
        write_key_file(&key_file, &key, false)?;
        Ok(Self { key, key_file, database: folder.join("bulla.db") })
    }

    /// A server on a free port; with a list, it accepts only those codecs.
    fn server(&self, accept: Option<&str>) -> Result<ServerHandle> {
        let records = Records::open(&self.database, Vec::new())?;
        let builder = Server::builder().listen("127.0.0.1:0")?.keys(KeyRing::load(&self.key_file)?);
        let builder = builder.service(Echo).service(Info::default()).service(records);
        Ok(match accept {
            Some(name) => builder.accept([name]).spawn()?,
            None => builder.spawn()?,
        })
    }

    /// The program `bulla` with these arguments: its exit code and what it wrote to standard output and standard error.
    fn bulla(&self, server: &ServerHandle, arguments: &[&str]) -> (u8, String, String) {
        self.bulla_with(&self.key_file, server, arguments)
    }

    fn bulla_with(&self, key_file: &Path, server: &ServerHandle, arguments: &[&str]) -> (u8, String, String) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (address, key) = (server.addresses()[0].to_string(), key_file.display().to_string());
        let globals = ["bulla", "--server", &address, "--key", &key];
        let line = globals.iter().chain(arguments).copied();
        let code = run(line, &mut Streams::captured(std::io::empty(), &mut stdout, &mut stderr));
        let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
        (code, text(&stdout), text(&stderr))
    }
}

fn fresh_key() -> Result<Key> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Key::from_bytes(bytes))
}

/// What `bulla send people first_name=Ada …` makes of its arguments.
const FIELDS: [&str; 4] = ["first_name=Ada", "last_name=Lovelace", "born:=1815", "tags:=[\"mathematics\", \"poetry\"]"];

fn one_client_for_each_codec(place: &Place, server: &ServerHandle) -> Result<()> {
    println!("$ bulla send people {} --codec NAME\n", FIELDS.join(" "));
    println!(
        "{:<10}{:<32}{:>10}{:>10}{:>12}   stored as",
        "codec", "the handshake chose", "document", "sealed", "round trip"
    );
    let registry = CodecRegistry::discovered()?;
    for entry in registry.accepted_by_default() {
        println!("{}", row(place, server, &registry, entry.codec().name())?);
    }
    println!(
        "\n\"sealed\" is what the call took on the wire: length, time, IV, padding, seal, and the frames inside.\n"
    );
    Ok(())
}

fn row(place: &Place, server: &ServerHandle, registry: &CodecRegistry, codec: CodecName) -> Result<String> {
    let send: Vec<&str> =
        ["send", "people"].into_iter().chain(FIELDS).chain(["--codec", codec.as_str(), "--json"]).collect();
    let (code, stdout, stderr) = place.bulla(server, &send);
    if code != 0 {
        return Err(format!("{codec}: bulla send ended with {code}: {stderr}").into());
    }
    let measured = measure(place, server, registry, codec)?;
    Ok(format!("{codec:<10}{measured}   {stdout}"))
}

/// The same once more through the library, where it can be measured.
fn measure(place: &Place, server: &ServerHandle, registry: &CodecRegistry, codec: CodecName) -> Result<String> {
    let address = server.addresses()[0].to_string();
    let client = Client::builder().server(address).key(place.key.clone()).offer([codec.as_str()]).connect()?;
    let document = document(&client)?;
    let request = AppendRequest { collection: "measured".to_owned(), document: document.clone() };
    let encoded = registry.require(&codec)?.encode_to_vec(&request)?;
    client.ping()?;
    let before = server.metrics().bytes_in;
    let begin = Instant::now();
    let echoed: Value = client.call("echo", &document)?;
    let round_trip = begin.elapsed();
    if echoed != document {
        return Err(format!("{codec}: {document} came back as {echoed}").into());
    }
    let between = server.metrics().bytes_in;
    client.records().append("measured", document)?;
    let sealed = server.metrics().bytes_in - between;
    debug_assert!(between > before);
    let session = client.session();
    client.close();
    let mut line = String::new();
    write!(
        line,
        "{:<32}{:>8} B{:>8} B{:>12.1?}",
        format!("{} ({})", session.codec, session.agent),
        encoded.len(),
        sealed,
        round_trip
    )?;
    Ok(line)
}

/// The document as the server holds it: the last one sent.
fn document(client: &Client) -> Result<Value> {
    let last: Option<records::Record> = client.records().iter("people").last().transpose()?;
    Ok(last.ok_or("nothing was stored")?.document)
}

fn what_is_stored(place: &Place, server: &ServerHandle) -> Result<()> {
    println!("$ bulla list people --json");
    let (code, stdout, stderr) = place.bulla(server, &["list", "people", "--json"]);
    println!("{stdout}{stderr}\n");
    let client = Client::builder().server(server.addresses()[0].to_string()).key(place.key.clone()).connect()?;
    let documents: Vec<Value> =
        client.records().iter("people").map(|record| Ok(record?.document)).collect::<Result<_>>()?;
    client.close();
    if code != 0 || documents.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err("the stored documents differ".into());
    }
    println!("All {} documents are equal, whatever codec brought them.\n", documents.len());
    Ok(())
}

fn a_wrong_key(place: &Place, server: &ServerHandle) -> Result<()> {
    let other = place.key_file.with_file_name("other.key");
    write_key_file(&other, &fresh_key()?, false)?;
    println!("$ bulla --key other.key ping");
    show_refusal(place.bulla_with(&other, server, &["ping"]))
}

fn a_missing_codec(place: &Place) -> Result<()> {
    let server = place.server(Some("json"))?;
    println!("$ bulla --codec xml,yaml ping          (at a server that accepts json alone)");
    show_refusal(place.bulla(&server, &["--codec", "xml,yaml", "ping"]))?;
    server.shutdown();
    Ok(())
}

fn show_refusal((code, _, stderr): (u8, String, String)) -> Result<()> {
    println!("{stderr}\n(exit code {code})\n");
    if code == 0 { Err("that should have failed".into()) } else { Ok(()) }
}

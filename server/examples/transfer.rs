//! A large file through a server and back: how fast, and in how much memory.
//!
//! ```sh
//! cargo run --release -p bulla-server --example transfer            # 1 GiB
//! cargo run --release -p bulla-server --example transfer -- 100     # MiB
//! ```
//!
//! The server is a process of its own, over a loopback socket; its peak memory is what the system says (`VmHWM`, on Linux). It ends
//! with an error if that is 64 MiB or more. The disk of the temporary folder must have room for three such files.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Instant;

use bulla_client::Client;
use bulla_client::files::TransferOptions;
use bulla_core::key::KeyRing;

/// What makes this program the server.
const SERVER: &str = "TRANSFER_SERVER";

/// The most memory that the server may need, in MiB.
const MOST: u64 = 64;

fn main() -> ExitCode {
    if std::env::var_os(SERVER).is_some() {
        return bulla_server::program::run(["bulla-server", "--listen", "127.0.0.1:0", "--files", "files", "--quiet"]);
    }
    let mebibytes = std::env::args().nth(1).map_or(Ok(1024), |text| text.parse());
    let Ok(mebibytes) = mebibytes else {
        eprintln!("usage: transfer [MiB]");
        return ExitCode::from(2);
    };
    match transfer(mebibytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transfer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn transfer(mebibytes: u64) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("files"))?;
    write_noise(&at("file"), mebibytes)?;
    println!("codec      put MiB/s  fetch MiB/s  server's peak memory");
    for codec in ["postcard", "bincode", "json"] {
        let server = Server::start(folder.path())?;
        let key = KeyRing::load(at("bulla.key"))?.current().key().clone();
        let client = Client::builder().server(&server.address).key(key).offer([codec]).connect()?;
        let (files, options) = (client.files(), TransferOptions::new());
        let go_on = |_| ControlFlow::Continue(());
        let begin = Instant::now();
        files.put_file("file", &at("file"), options, go_on)?;
        let middle = Instant::now();
        files.fetch_file("file", &at("copy"), options, go_on)?;
        let rates = [middle - begin, middle.elapsed()].map(|time| mebibytes as f64 / time.as_secs_f64());
        files.remove("file")?;
        fs::remove_file(at("copy"))?;
        client.close();
        let memory = server.peak_memory().map_or("unknown".to_owned(), |kib| format!("{:.1} MiB", kib as f64 / 1024.0));
        println!("{codec:9} {:10.0} {:12.0}  {memory}", rates[0], rates[1]);
        if server.peak_memory().is_some_and(|kib| kib >= MOST << 10) {
            return Err(format!("that is {MOST} MiB or more").into());
        }
    }
    Ok(())
}

/// Bytes that no codec and no file system makes smaller.
fn write_noise(path: &Path, mebibytes: u64) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..mebibytes << 17 {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_ne_bytes())?;
    }
    Ok(file.flush()?)
}

struct Server {
    child: Child,
    address: String,
    /// Kept open: a server whose greeting nobody reads would say so.
    _output: BufReader<ChildStdout>,
}

impl Server {
    fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.env(SERVER, "").current_dir(folder).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(address) = line.trim_end().strip_prefix("listening on ") {
                return Ok(Self { child, address: address.to_owned(), _output: output });
            }
            line.clear();
        }
        Err("the server did not start".into())
    }

    /// In KiB, if the system tells.
    fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

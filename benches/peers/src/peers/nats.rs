//! NATS with TLS: request and reply through a broker, which is a third process. JSON on both sides.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use bulla_benches::payload::{Block, Payload, Person};
use futures_util::StreamExt;

use crate::Error;
use crate::format::Format;
use crate::job::{Job, serve_until_hangup};
use crate::load::{Load, Size};
use crate::meter::{Period, Tally};
use crate::peers::Peer;
use crate::tasks;
use crate::tls::{Certificate, NAME, client_config};

const PROGRAM: &str = "nats-server";
const SUBJECT: &str = "echo";

/// How often the broker is asked whether it is there, a tenth of a second apart.
const TRIES: u32 = 50;

/// NATS.
pub(crate) struct Nats;

impl Peer for Nats {
    fn name(&self) -> &'static str {
        "nats-json"
    }

    fn about(&self) -> &'static str {
        "NATS with TLS, request and reply through its broker, JSON"
    }

    fn missing(&self) -> Option<String> {
        let found = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.is_err().then(|| format!("{PROGRAM} is not installed"))
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    fn serve(&self, load: Load) -> Result<(), Error> {
        let certificate = Certificate::make()?;
        let broker = Broker::start(&certificate)?;
        let runtime = tasks::runtime()?;
        let client = runtime.block_on(broker.client(&certificate.pem))?;
        let block = matches!(load, Load::Echo { size: Size::Block, .. });
        runtime.spawn(async move {
            let answered = if block { answer::<Block>(client).await } else { answer::<Person>(client).await };
            answered.expect("the broker outlives us");
        });
        serve_until_hangup(([127, 0, 0, 1], broker.port).into(), &certificate.pem)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        let Load::Echo { size, in_flight, .. } = job.load else { return Err("echoes alone".into()) };
        tasks::runtime()?.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..job.load.connections() {
                clients.push(connect(job.ready.address.port(), &job.ready.secret).await?);
            }
            let (period, callers) = (job.period(), tasks::times(&clients, in_flight));
            match size {
                Size::Small => tasks::sum(callers, move |client| ask::<Person>(client, period)).await,
                Size::Block => tasks::sum(callers, move |client| ask::<Block>(client, period)).await,
            }
        })
    }
}

/// The broker's process and its folder, which end with it.
struct Broker {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Broker {
    fn start(certificate: &Certificate) -> Result<Self, Error> {
        let folder = std::env::temp_dir().join(format!("bulla-peers-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let (pem, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        fs::write(&pem, &certificate.pem)?;
        fs::write(&key, &certificate.key)?;
        // The broker names no port of its own choice: take one that is free now.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = Command::new(PROGRAM)
            .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--tls", "--tlscert"])
            .arg(&pem)
            .arg("--tlskey")
            .arg(&key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, folder, port })
    }

    /// A client, as soon as the broker is there.
    async fn client(&self, pem: &str) -> Result<Client, Error> {
        for _ in 0..TRIES {
            if let Ok(client) = connect(self.port, pem).await {
                return Ok(client);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        connect(self.port, pem).await
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn connect(port: u16, pem: &str) -> Result<Client, Error> {
    let options = ConnectOptions::new().require_tls(true).tls_client_config(client_config(pem)?);
    Ok(options.connect(format!("tls://{NAME}:{port}")).await?)
}

async fn answer<P: Payload>(client: Client) -> Result<(), Error> {
    let mut requests = client.subscribe(SUBJECT).await?;
    client.flush().await?;
    while let Some(request) = requests.next().await {
        let mut reply = Vec::new();
        Format::Json.echo::<P>(&request.payload, &mut reply)?;
        client.publish(request.reply.ok_or("a request without a subject for its reply")?, reply.into()).await?;
    }
    Ok(())
}

async fn ask<P: Payload>(client: Client, period: Period) -> Result<Tally, Error> {
    let mut question = P::numbered(0);
    tasks::closed_loop(period, |number| {
        question.renumber(number);
        let (client, question) = (&client, serde_json::to_vec(&question));
        async move {
            let answer = client.request(SUBJECT, question?.into()).await?;
            Ok(serde_json::from_slice::<P>(&answer.payload)?.number())
        }
    })
    .await
}

//! tarpc with bincode over TLS, as its example shows it.

use std::sync::Arc;

use bulla_benches::payload::{Block, Payload, Person};
use futures_util::StreamExt;
use tarpc::context::{self, Context};
use tarpc::serde_transport;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, server};
use tokio_util::codec::LengthDelimitedCodec;

use crate::Error;
use crate::job::{Job, serve_until_hangup};
use crate::load::{Load, Size};
use crate::meter::{Period, Tally};
use crate::peers::Peer;
use crate::tasks;
use crate::tls::{self, Certificate, Listener};

#[tarpc::service]
trait Echo {
    async fn person(person: Person) -> Person;
    async fn block(block: Block) -> Block;
}

#[derive(Clone)]
struct Service;

impl Echo for Service {
    async fn person(self, _: Context, person: Person) -> Person {
        person
    }

    async fn block(self, _: Context, block: Block) -> Block {
        block
    }
}

/// tarpc.
pub(crate) struct Tarpc;

impl Peer for Tarpc {
    fn name(&self) -> &'static str {
        "tarpc-bincode"
    }

    fn about(&self) -> &'static str {
        "tarpc, bincode, over tokio-rustls"
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    fn serve(&self, _: Load) -> Result<(), Error> {
        let certificate = Certificate::make()?;
        let runtime = tasks::runtime()?;
        let listener = runtime.block_on(Listener::bind(&certificate))?;
        let address = listener.address()?;
        runtime.spawn(listener.accept_all(serve));
        serve_until_hangup(address, &certificate.pem)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        let Load::Echo { size, in_flight, .. } = job.load else { return Err("echoes alone".into()) };
        tasks::runtime()?.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..job.load.connections() {
                clients.push(connect(job).await?);
            }
            let (period, callers) = (job.period(), tasks::times(&clients, in_flight));
            match size {
                Size::Small => tasks::sum(callers, move |client| persons(client, period)).await,
                Size::Block => tasks::sum(callers, move |client| blocks(client, period)).await,
            }
        })
    }
}

async fn serve(stream: server::TlsStream<TcpStream>) {
    let transport = serde_transport::new(LengthDelimitedCodec::builder().new_framed(stream), Bincode::default());
    let calls = BaseChannel::with_defaults(transport).execute(Service.serve());
    calls.for_each(|call| async move { drop(tokio::spawn(call)) }).await;
}

async fn connect(job: &Job) -> Result<EchoClient, Error> {
    let connector = TlsConnector::from(Arc::new(tls::client_config(&job.ready.secret)?));
    let stream = tls::connect(job.ready.address, &connector).await?;
    let transport = serde_transport::new(LengthDelimitedCodec::builder().new_framed(stream), Bincode::default());
    Ok(EchoClient::new(tarpc::client::Config::default(), transport).spawn())
}

async fn persons(client: EchoClient, period: Period) -> Result<Tally, Error> {
    let mut question = Person::numbered(0);
    tasks::closed_loop(period, |number| {
        question.renumber(number);
        let (client, question) = (&client, question.clone());
        async move { Ok(client.person(context::current(), question).await?.number()) }
    })
    .await
}

async fn blocks(client: EchoClient, period: Period) -> Result<Tally, Error> {
    let mut question = Block::numbered(0);
    tasks::closed_loop(period, |number| {
        question.renumber(number);
        let (client, question) = (&client, question.clone());
        async move { Ok(client.block(context::current(), question).await?.number()) }
    })
    .await
}

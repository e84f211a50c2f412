//! tonic: gRPC with TLS, each call by itself or all on one stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Instant;

use bulla_benches::payload::{Block, Payload, Person};
use futures_util::Stream;
use tokio::net::TcpListener;
use tokio::sync::mpsc::channel;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Certificate as Root, Channel, ClientTlsConfig, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

use self::wire::echo_client::EchoClient;
use self::wire::echo_server::{Echo, EchoServer};
use crate::Error;
use crate::job::{Job, serve_until_hangup};
use crate::load::{Load, Size};
use crate::meter::{Meter, Period, Tally};
use crate::peers::Peer;
use crate::tasks;
use crate::tls::{Certificate, NAME};

/// What the build script wrote.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod wire {
    include!(concat!(env!("OUT_DIR"), "/peers.Echo.rs"));
}

/// Either payload in protobuf's terms: the fields of `payload::Person` and `payload::Block` together, absent ones cost nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    first_name: String,
    #[prost(string, tag = "3")]
    last_name: String,
    #[prost(string, optional, tag = "4")]
    email: Option<String>,
    #[prost(double, tag = "5")]
    height: f64,
    #[prost(string, repeated, tag = "6")]
    tags: Vec<String>,
    #[prost(string, tag = "7")]
    text: String,
}

impl Message {
    fn of(size: Size) -> Self {
        match size {
            Size::Small => {
                let Person { id, first_name, last_name, email, height, tags } = Person::numbered(0);
                Self { id, first_name, last_name, email, height, tags, text: String::new() }
            }
            Size::Block => Self { text: Block::numbered(0).text, ..Self::default() },
        }
    }
}

struct Service;

#[tonic::async_trait]
impl Echo for Service {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn stream(&self, request: Request<Streaming<Message>>) -> Result<Response<Self::StreamStream>, Status> {
        Ok(Response::new(Box::pin(request.into_inner())))
    }
}

/// tonic, one way or the other.
pub(crate) struct Tonic {
    pub(crate) name: &'static str,
    pub(crate) streaming: bool,
}

impl Peer for Tonic {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        if self.streaming {
            "tonic with TLS, all calls on one stream a connection"
        } else {
            "tonic with TLS, unary calls"
        }
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    fn serve(&self, _: Load) -> Result<(), Error> {
        let certificate = Certificate::make()?;
        let runtime = tasks::runtime()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let identity = Identity::from_pem(&certificate.pem, &certificate.key);
        let mut server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity))?.tcp_nodelay(true);
        let served = server.add_service(EchoServer::new(Service));
        runtime.spawn(served.serve_with_incoming(TcpListenerStream::new(listener)));
        serve_until_hangup(address, &certificate.pem)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        let Load::Echo { size, in_flight, .. } = job.load else { return Err("echoes alone".into()) };
        tasks::runtime()?.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..job.load.connections() {
                clients.push(EchoClient::new(connect(job).await?));
            }
            let period = job.period();
            if self.streaming {
                tasks::sum(clients, move |client| stream(client, size, in_flight, period)).await
            } else {
                tasks::sum(tasks::times(&clients, in_flight), move |client| unary(client, size, period)).await
            }
        })
    }
}

async fn connect(job: &Job) -> Result<Channel, Error> {
    let tls = ClientTlsConfig::new().ca_certificate(Root::from_pem(&job.ready.secret)).domain_name(NAME);
    Ok(Channel::from_shared(format!("https://{}", job.ready.address))?
        .tls_config(tls)?
        .tcp_nodelay(true)
        .connect()
        .await?)
}

async fn unary(client: EchoClient<Channel>, size: Size, period: Period) -> Result<Tally, Error> {
    let mut question = Message::of(size);
    tasks::closed_loop(period, |number| {
        question.id = number;
        let (mut client, question) = (client.clone(), question.clone());
        async move { Ok(client.unary(question).await?.into_inner().id) }
    })
    .await
}

async fn stream(mut client: EchoClient<Channel>, size: Size, in_flight: usize, period: Period) -> Result<Tally, Error> {
    let (questions, receiver) = channel(in_flight);
    let (mut question, mut sent, mut meter) = (Message::of(size), VecDeque::new(), Meter::new(period));
    for _ in 0..in_flight {
        sent.push_back(Instant::now());
        questions.send(question.clone()).await?;
        question.id += 1;
    }
    let mut answers = client.stream(ReceiverStream::new(receiver)).await?.into_inner();
    for number in 0.. {
        let answer = answers.next().await.ok_or("the server ended the stream")??;
        if answer.id != number {
            return Err(format!("answer {} came in place of {number}", answer.id).into());
        }
        if !meter.record(sent.pop_front().ok_or("an answer to nothing")?) {
            break;
        }
        sent.push_back(Instant::now());
        questions.send(question.clone()).await?;
        question.id += 1;
    }
    Ok(meter.tally)
}

//! TLS as it comes: rustls with its default provider, and a certificate that is made when a server starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::Error;

/// The name in the certificate.
pub(crate) const NAME: &str = "localhost";

/// A fresh certificate and its key, as PEM.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key: String,
}

impl Certificate {
    pub(crate) fn make() -> Result<Self, Error> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        Ok(Self { pem: made.cert.pem(), key: made.signing_key.serialize_pem() })
    }
}

/// A server's sockets.
pub(crate) struct Listener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener {
    pub(crate) async fn bind(certificate: &Certificate) -> Result<Self, Error> {
        let chain = CertificateDer::pem_slice_iter(certificate.pem.as_bytes()).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes())?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { tcp, acceptor: Arc::new(config).into() })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, Error> {
        Ok(self.tcp.local_addr()?)
    }

    /// Gives every connection to `serve`, in a task of its own, for ever.
    pub(crate) async fn accept_all<F>(self, serve: impl Fn(server::TlsStream<TcpStream>) -> F + Clone + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while let Ok((stream, _)) = self.tcp.accept().await {
            let (acceptor, serve) = (self.acceptor.clone(), serve.clone());
            tokio::spawn(async move {
                if stream.set_nodelay(true).is_ok()
                    && let Ok(stream) = acceptor.accept(stream).await
                {
                    serve(stream).await;
                }
            });
        }
    }
}

/// A client's configuration: it trusts this one certificate.
pub(crate) fn client_config(pem: &str) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes())?)?;
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// Connects, and does the handshake.
pub(crate) async fn connect(
    address: SocketAddr,
    connector: &TlsConnector,
) -> Result<client::TlsStream<TcpStream>, Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(connector.connect(ServerName::try_from(NAME)?, stream).await?)
}

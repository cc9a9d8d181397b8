//! Listening: plain HTTP, and HTTPS whose handshakes don't hold each other up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use axum::serve::ListenerExt as _;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::http::Endpoint;

/// A client that has not finished its handshake by then is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Connections whose handshake is done.
struct TlsListener {
    done: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// A task that ends with whoever holds this.
struct Ending(JoinHandle<()>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn router(endpoint: Endpoint) -> axum::Router {
    axum::Router::new().fallback(super::http::answer).with_state(endpoint)
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender being gone is the end too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves HTTP until told to stop.
pub fn serve(
    listener: TcpListener,
    endpoint: Endpoint,
    stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    tokio::spawn(async move {
        let served = axum::serve(listener, router(endpoint));
        let _ = served.with_graceful_shutdown(stopped(stop)).await;
    })
}

/// Serves HTTPS until told to stop.
pub fn serve_tls(
    listener: TcpListener,
    config: ServerConfig,
    endpoint: Endpoint,
    stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let (ready, done) = mpsc::channel(64);
    let address = endpoint.address;
    let accepting = tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let Ok((connection, from)) = listener.accept().await else {
                // Out of file handles, say: others will be freed.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let _ = connection.set_nodelay(true);
            let (acceptor, ready) = (acceptor.clone(), ready.clone());
            tokio::spawn(async move {
                let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(connection)).await;
                if let Ok(Ok(connection)) = handshake {
                    let _ = ready.send((connection, from)).await;
                }
            });
        }
    });
    tokio::spawn(async move {
        let served = axum::serve(TlsListener { done, address }, router(endpoint));
        let _accepting = Ending(accepting);
        let _ = served.with_graceful_shutdown(stopped(stop)).await;
    })
}

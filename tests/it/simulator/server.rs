//! The same wire behind a real port: what would break on the way breaks a connection.

use std::sync::Arc;

use axum::body::Body;
use axum::body::Bytes;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::Request;
use axum::http::Response;
use futures_util::stream;
use orgform::org::Wire as _;
use orgform::org::WireRequest;

use super::wire::SimWire;
use super::wire::URL;

/// Serves the wire; where it is reached.
pub async fn open(wire: Arc<SimWire>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = axum::Router::new().fallback(handle).with_state(wire);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn handle(State(wire): State<Arc<SimWire>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        let value = parts.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let bearer = header("authorization");
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = WireRequest {
        method: parts.method.clone(),
        url: format!("{URL}{path}"),
        bearer: bearer.map(Into::into),
        content_type: header("content-type"),
        is_soap: parts.headers.contains_key("soapaction"),
        body: to_bytes(body, usize::MAX).await.expect("a body").to_vec(),
        is_local: true,
        bound: orgform::org::Bound::default(),
    };
    match wire.send(request).await {
        Ok(answer) => {
            let mut response = Response::new(Body::from(answer.body));
            *response.status_mut() =
                axum::http::StatusCode::from_u16(answer.status).expect("a status");
            response
        }
        // A body that ends in the middle breaks the connection.
        Err(_) => {
            let broken = std::io::Error::other("broken");
            Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(broken)])))
        }
    }
}

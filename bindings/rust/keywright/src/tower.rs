//! A rate limit in front of any HTTP service of tower's: axum, hyper and others.
//!
//! ```no_run
//! use keywright::tower::RateLimitLayer;
//!
//! # fn main() -> keywright::Result<()> {
//! let client = keywright::AsyncClient::open("redis://localhost:6379")?;
//! let api = client.limiter("api", "100/m")?;
//! let layer = RateLimitLayer::new(api, |request| match request.headers.get("x-user") {
//!     Some(user) => user.as_bytes().to_vec(),
//!     None => b"anonymous".to_vec(),
//! });
//! // axum: Router::new().route("/", get(hello)).layer(layer)
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! Admitted requests go on to the service, others are answered 429; both are told how much is left, in the fields that
//! [`AsyncLimiter::http_fields`] writes. Layers may be put around each other, as one by address around one by user.
//!
//! What a concurrent limit gave is held until the service has answered with a head, and not renewed meanwhile: its lease should
//! be longer than that takes. A request that is dropped before leaves it to the end of its lease.

use std::fmt;
use std::future::Future;
use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::{AsyncLimiter, DecidedBy, Decision, Error, HttpStyle, Reason, Result, Status, Wait};

/// What becomes of a request when the limiter fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It is answered 503: nobody is admitted unasked. So is what a limiter's own failure policy denies.
    #[default]
    Deny,
    /// It goes on to the service untold: rather serve too many than nobody.
    Allow,
}

/// A decision, and what it takes to give it back.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The limiter that was asked.
    pub limiter: AsyncLimiter,
    /// Whose state.
    pub key: Vec<u8>,
    /// What it decided.
    pub decision: Decision,
}

impl Hit {
    /// Gives back all that the hit was charged.
    pub async fn refund(&self) -> Result<()> {
        match self.decision.count {
            0 => Ok(()),
            count => self.limiter.refund(&self.key, &self.decision, count).await,
        }
    }
}

/// What a request was charged, by the outermost layer first: an extension of the requests that services see.
#[derive(Clone, Debug, Default)]
pub struct Hits(pub Vec<Hit>);

type Find<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;
type Body = Arc<dyn Fn(&Decision) -> (String, String) + Send + Sync>;

/// Makes a [`RateLimit`] of a service.
#[derive(Clone)]
pub struct RateLimitLayer {
    limiter: AsyncLimiter,
    key: Find<Vec<u8>>,
    cost: Find<i64>,
    exempt: Find<bool>,
    partition: Find<Vec<u8>>,
    body: Option<Body>,
    style: HttpStyle,
    patience: Option<Duration>,
    on_failure: OnFailure,
}

impl RateLimitLayer {
    /// Each request is a hit, for the key that is found from its head: a header, or what a layer further out has put
    /// into its extensions (axum's `ConnectInfo`). Behind a proxy an address is the proxy's.
    pub fn new<K: Into<Vec<u8>>>(
        limiter: AsyncLimiter,
        key: impl Fn(&Parts) -> K + Send + Sync + 'static,
    ) -> RateLimitLayer {
        RateLimitLayer {
            limiter,
            key: Arc::new(move |parts| key(parts).into()),
            cost: Arc::new(|_| 1),
            exempt: Arc::new(|_| false),
            partition: Arc::new(|_| Vec::new()),
            body: None,
            style: HttpStyle::DRAFT_11,
            patience: None,
            on_failure: OnFailure::default(),
        }
    }

    /// How much a request is charged; 1 unless told.
    pub fn cost(mut self, cost: impl Fn(&Parts) -> i64 + Send + Sync + 'static) -> Self {
        self.cost = Arc::new(cost);
        self
    }

    /// Of which requests nobody is asked.
    pub fn exempt(mut self, exempt: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.exempt = Arc::new(exempt);
        self
    }

    /// The partition key that clients are told; up to 64 bytes.
    pub fn partition<K: Into<Vec<u8>>>(mut self, partition: impl Fn(&Parts) -> K + Send + Sync + 'static) -> Self {
        self.partition = Arc::new(move |parts| partition(parts).into());
        self
    }

    /// What a refused client reads: media type and text. A problem of RFC 9457 unless told.
    pub fn body(mut self, body: impl Fn(&Decision) -> (String, String) + Send + Sync + 'static) -> Self {
        self.body = Some(Arc::new(body));
        self
    }

    /// Which fields tell of a decision; those of draft 11 unless told.
    pub fn style(mut self, style: HttpStyle) -> Self {
        self.style = style;
        self
    }

    /// How long a request waits to be admitted; not at all unless told.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// What becomes of requests when the limiter fails.
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    async fn ask(&self, parts: &Parts, key: &[u8]) -> Result<(Decision, HeaderMap)> {
        let cost = (self.cost)(parts);
        let decision = match self.patience {
            Some(patience) => self.limiter.wait_n(key, cost, Wait::For(patience)).await?,
            None => self.limiter.hit_n(key, cost).await?,
        };
        let text = self.limiter.http_fields(&decision, (self.partition)(parts), self.style)?;
        Ok((decision, fields(&text)))
    }

    /// Nobody has exceeded a quota where the limiter's own failure policy denies.
    fn refused(&self, decision: &Decision) -> Answer {
        let status = match decision.reason {
            DecidedBy::FAIL_CLOSED => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::TOO_MANY_REQUESTS,
        };
        let (kind, text) = match (&self.body, self.limiter.http_problem(decision)) {
            (Some(body), _) => body(decision),
            (None, Ok(problem)) => (PROBLEM.into(), String::from_utf8_lossy(&problem).into_owned()),
            (None, Err(_)) => (PLAIN.into(), "Too many requests: the limit is reached.\n".into()),
        };
        Answer { status, kind, text, error: None }
    }

    /// What a failure is answered with; none if the request goes on.
    fn failed(&self, error: Error) -> Option<Answer> {
        let (status, kind, text) = match (error.status(), error.reason()) {
            (Status::INVALID, Reason::KEY_LENGTH) => {
                (StatusCode::BAD_REQUEST, PLAIN, "What this request is limited by is too long.\n")
            }
            (Status::INVALID, _) => (StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "Internal Server Error\n"),
            _ if self.on_failure == OnFailure::Allow => return None,
            _ => (StatusCode::SERVICE_UNAVAILABLE, PROBLEM, UNAVAILABLE),
        };
        Some(Answer { status, kind: kind.into(), text: text.into(), error: Some(error) })
    }
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RateLimitLayer").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit { layer: Arc::new(self.clone()), inner }
    }
}

/// A service behind a rate limit. What answers in its place is made of a `String`. Where that is because the limiter
/// failed, the response has the [`Error`] as an extension, for layers further out that log.
#[derive(Clone, Debug)]
pub struct RateLimit<S> {
    layer: Arc<RateLimitLayer>,
    inner: S,
}

impl<S, In, Out> Service<Request<In>> for RateLimit<S>
where
    S: Service<Request<In>, Response = Response<Out>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    In: Send + 'static,
    Out: From<String> + Send,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Response<Out>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        // It is this one that is ready, not its clone.
        let clone = self.inner.clone();
        let mut inner = replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if (layer.exempt)(&parts) {
                return inner.call(Request::from_parts(parts, body)).await;
            }
            let key = (layer.key)(&parts);
            let mut held = None;
            let (told, refused) = match layer.ask(&parts, &key).await {
                Ok((decision, told)) if decision.allowed() => {
                    let hit = Hit { limiter: layer.limiter.clone(), key, decision };
                    if hit.decision.lease != 0 {
                        held = Some(hit.clone());
                    }
                    parts.extensions.get_or_insert_default::<Hits>().0.push(hit);
                    (told, None)
                }
                Ok((decision, told)) => (told, Some(layer.refused(&decision))),
                Err(error) => (HeaderMap::new(), layer.failed(error)),
            };
            let mut response = match refused {
                Some(answer) => answer.response(&parts.method),
                None => {
                    let outcome = inner.call(Request::from_parts(parts, body)).await;
                    if let Some(Hit { limiter, key, decision }) = held {
                        // A permit that cannot be given back comes back with the end of its lease.
                        let _ = limiter.release(&key, &decision).await;
                    }
                    outcome?
                }
            };
            for (name, value) in &told {
                response.headers_mut().append(name, value.clone());
            }
            Ok(response)
        })
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";
const PROBLEM: &str = "application/problem+json";
const UNAVAILABLE: &str =
    r#"{"type":"about:blank","title":"The rate limiter cannot be asked at the moment","status":503}"#;

/// A whole response in place of the service's.
struct Answer {
    status: StatusCode,
    kind: String,
    text: String,
    error: Option<Error>,
}

impl Answer {
    fn response<Out: From<String>>(self, method: &Method) -> Response<Out> {
        let length = self.text.len();
        let text = if method == Method::HEAD { String::new() } else { self.text };
        let mut response = Response::new(Out::from(text));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        if let Ok(kind) = HeaderValue::try_from(self.kind) {
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        if let Some(error) = self.error {
            if self.status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(RETRY_AFTER, 1.into());
            }
            response.extensions_mut().insert(error);
        }
        response
    }
}

/// The lines of the library's text.
fn fields(text: &[u8]) -> HeaderMap {
    let text = String::from_utf8_lossy(text);
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    pairs
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)))
        .collect()
}

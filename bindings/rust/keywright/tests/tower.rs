mod support;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{to_bytes, Body};
use axum::routing::get;
use axum::{Extension, Router};
use keywright::tower::{Hits, OnFailure, RateLimitLayer};
use keywright::{AsyncClient, AsyncLimiter, Error, HttpStyle, LimiterOptions, Status};
use support::{name, runtime, url};
use tower::{service_fn, Layer, Service, ServiceExt};

type Request = http::Request<Body>;
type Response = http::Response<Body>;

fn limiter(test: &str, limits: &str) -> AsyncLimiter {
    AsyncClient::open(url()).unwrap().limiter(name(test), limits).unwrap()
}

fn gone() -> AsyncLimiter {
    let client = AsyncClient::open("redis://127.0.0.1:1").unwrap();
    client.limiter("api", "1/h").unwrap().with_timeout(Duration::from_millis(500))
}

fn user(parts: &http::request::Parts) -> Vec<u8> {
    parts.headers.get("x-user").map_or(b"nobody".to_vec(), |user| user.as_bytes().to_vec())
}

fn request(fields: &[(&str, &str)]) -> Request {
    let mut request = http::Request::get("/");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn hello(_: Request) -> Result<Response, Infallible> {
    Ok(Response::new(Body::from("hello")))
}

/// What one request is answered by a router of axum's behind the layer.
async fn ask(layer: &RateLimitLayer, request: Request) -> Response {
    let app = Router::new().route("/", get(|| async { "hello" })).layer(layer.clone());
    app.oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap()
}

fn field<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn the_admitted_and_the_refused_are_told() {
    runtime().block_on(async {
        let api = AsyncClient::open(url()).unwrap().limiter("tower", "2/h").unwrap();
        api.reset("ann").await.unwrap();
        let layer = RateLimitLayer::new(api, user);
        let first = ask(&layer, request(&[("x-user", "ann")])).await;
        assert_eq!(first.status(), 200);
        assert_eq!(field(&first, "RateLimit-Policy"), "\"tower\";q=2;w=3600");
        assert_eq!(field(&first, "RateLimit"), "\"tower\";r=1;t=1800");
        assert_eq!(text(first).await, "hello");
        ask(&layer, request(&[("x-user", "ann")])).await;
        let refused = ask(&layer, request(&[("x-user", "ann")])).await;
        assert_eq!(refused.status(), 429);
        assert_eq!(field(&refused, "Content-Type"), "application/problem+json");
        assert!((1790..=1800).contains(&field(&refused, "Retry-After").parse::<u32>().unwrap()));
        assert!(field(&refused, "RateLimit").starts_with("\"tower\";r=0;t="));
        let length: usize = field(&refused, "Content-Length").parse().unwrap();
        let problem = text(refused).await;
        assert_eq!(problem.len(), length);
        let problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
        assert_eq!((&problem["status"], &problem["violated-policies"][0]), (&429.into(), &"tower".into()));
        assert_eq!(ask(&layer, request(&[("x-user", "bob")])).await.status(), 200);

        let mut head = request(&[("x-user", "ann")]);
        *head.method_mut() = http::Method::HEAD;
        let refused = ask(&layer, head).await;
        assert_eq!((refused.status().as_u16(), text(refused).await), (429, String::new()));
    });
}

#[test]
fn keys_costs_and_exemptions() {
    runtime().block_on(async {
        let layer = RateLimitLayer::new(limiter("keys", "10/h"), user)
            .cost(|parts| parts.headers["x-cost"].to_str().unwrap().parse().unwrap())
            .exempt(|parts| parts.headers.contains_key("x-exempt"))
            .partition(user)
            .style(HttpStyle::BOTH);
        let ann = ask(&layer, request(&[("x-user", "ann"), ("x-cost", "7")])).await;
        assert!(field(&ann, "RateLimit").ends_with(";r=3;t=360;pk=:YW5u:"), "{ann:?}");
        assert_eq!(field(&ann, "X-RateLimit-Remaining"), "3");
        assert_eq!(ask(&layer, request(&[("x-user", "ann"), ("x-cost", "4")])).await.status(), 429);
        assert_eq!(ask(&layer, request(&[("x-user", "bob"), ("x-cost", "10")])).await.status(), 200);
        let exempt = ask(&layer, request(&[("x-user", "ann"), ("x-exempt", "1")])).await;
        assert_eq!((exempt.status().as_u16(), field(&exempt, "RateLimit")), (200, ""));
    });
}

#[test]
fn several_layers_and_a_refund() {
    runtime().block_on(async {
        let near = limiter("near", "5/h");
        async fn refunds(Extension(Hits(hits)): Extension<Hits>) -> String {
            hits[1].refund().await.unwrap();
            format!("{} {}", hits[0].decision.limit, hits[1].decision.limit)
        }
        let app = Router::new()
            .route("/", get(refunds))
            .layer(RateLimitLayer::new(near.clone(), user))
            .layer(RateLimitLayer::new(limiter("far", "7/h"), |_| "all"));
        let response = app.oneshot(request(&[])).await.unwrap();
        assert_eq!(response.headers().get_all("RateLimit-Policy").iter().count(), 2);
        assert_eq!(text(response).await, "7 5");
        assert_eq!(near.peek("nobody").await.unwrap().remaining, 5);
    });
}

#[test]
fn a_body_of_ones_own() {
    runtime().block_on(async {
        let layer = RateLimitLayer::new(limiter("body", "1/h"), user)
            .body(|decision| ("text/html".into(), format!("<p>{}</p>", decision.limit)));
        ask(&layer, request(&[])).await;
        let refused = ask(&layer, request(&[])).await;
        assert_eq!(field(&refused, "Content-Type"), "text/html");
        assert_eq!(text(refused).await, "<p>1</p>");
    });
}

#[test]
fn patience() {
    runtime().block_on(async {
        let layer = RateLimitLayer::new(limiter("patience", "20/s burst 1"), user).patience(Duration::from_secs(5));
        for _ in 0..5 {
            assert_eq!(ask(&layer, request(&[])).await.status(), 200);
        }
    });
}

#[test]
fn a_limiter_that_fails() {
    runtime().block_on(async {
        let layer = RateLimitLayer::new(gone(), user);
        let denied = ask(&layer, request(&[])).await;
        assert_eq!(denied.status(), 503);
        assert_eq!(field(&denied, "Content-Type"), "application/problem+json");
        assert_eq!(field(&denied, "Retry-After"), "1");
        let error = denied.extensions().get::<Error>().unwrap();
        assert!([Status::CONNECTION, Status::TIMEOUT].contains(&error.status()), "{error}");
        let allowed = ask(&layer.on_failure(OnFailure::Allow), request(&[])).await;
        assert_eq!((allowed.status().as_u16(), field(&allowed, "RateLimit")), (200, ""));
        assert_eq!(text(allowed).await, "hello");
    });
}

#[test]
fn a_limiter_that_denies_because_nobody_answers() {
    runtime().block_on(async {
        let client = AsyncClient::open("redis://127.0.0.1:1").unwrap();
        let options = LimiterOptions::new().on_failure(keywright::OnFailure::DENY);
        let denying = client.limiter_with("api", "1/h", &options).unwrap();
        let denied = ask(&RateLimitLayer::new(denying, user), request(&[])).await;
        assert_eq!((denied.status().as_u16(), field(&denied, "Retry-After")), (503, "1"));
        assert_eq!(field(&denied, "RateLimit"), "");
        assert!(text(denied).await.contains("\"status\":503"));
    });
}

#[test]
fn what_cannot_be_asked() {
    runtime().block_on(async {
        let layer = RateLimitLayer::new(limiter("wrong", "9/h"), user).on_failure(OnFailure::Allow);
        let long = "u".repeat(1025);
        assert_eq!(ask(&layer, request(&[("x-user", &long)])).await.status(), 400);
        let broken = ask(&layer.clone().cost(|_| -1), request(&[])).await;
        assert_eq!(broken.status(), 500);
        assert_eq!(broken.extensions().get::<Error>().unwrap().status(), Status::INVALID);
    });
}

/// The service that was ready is the one that is called, as tower's contract has it.
#[test]
fn readiness_is_the_services() {
    runtime().block_on(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let inner = service_fn(move |request: Request| {
            counted.fetch_add(1, Ordering::Relaxed);
            hello(request)
        });
        let mut service = RateLimitLayer::new(limiter("ready", "1/h"), user).layer(inner);
        for status in [200, 429] {
            let response = service.ready().await.unwrap().call(request(&[])).await.unwrap();
            assert_eq!(response.status(), status);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        let text = format!("{:?}", RateLimitLayer::new(limiter("debug", "1/h"), user));
        assert!(text.starts_with("RateLimitLayer { limiter: AsyncLimiter"), "{text}");
    });
}

#[test]
fn a_permit_is_held_until_the_service_has_answered() {
    runtime().block_on(async {
        let layer = RateLimitLayer::new(limiter("permit", "1 concurrent"), user);
        let inside = layer.clone();
        let app = layer.layer(service_fn(move |_: Request| {
            let inside = inside.clone();
            async move {
                assert_eq!(ask(&inside, request(&[])).await.status(), 429);
                Ok::<_, Infallible>(Response::new(Body::from("done")))
            }
        }));
        for _ in 0..2 {
            assert_eq!(app.clone().oneshot(request(&[])).await.unwrap().status(), 200);
        }
    });
}

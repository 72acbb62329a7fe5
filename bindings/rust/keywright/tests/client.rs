mod support;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use keywright::{hash_tag, Client, ClientOptions, Reason, Role, Status};
use support::{failed, url};

#[test]
fn ping_and_info() {
    let client = Client::open(url()).unwrap();
    client.ping().unwrap();
    let info = client.info().unwrap();
    assert!(["redis", "valkey"].contains(&info.server.as_str()), "server is {}", info.server);
    assert!(info.version_number >= 7_000_000, "version is {}", info.version);
    assert_eq!(info.role, Role::PRIMARY);
    let stats = client.stats().unwrap();
    assert!(stats.calls >= 2 && stats.bytes_sent > 0 && stats.bytes_received > 0, "{stats:?}");
    assert!(client.url().starts_with("unix://"));
}

#[test]
fn hash_tags() {
    assert_eq!(hash_tag("api", "user:42").unwrap(), b"api:user%3A42");
    assert_eq!(failed(hash_tag("", "key"), Status::INVALID).reason(), Reason::NAME_LENGTH);
}

#[test]
fn wrong_urls() {
    for (address, reason) in [
        ("http://localhost", Reason::URL_SCHEME),
        ("redis://localhost:port", Reason::URL_SYNTAX),
        ("redis://localhost?wibble=1", Reason::URL_OPTION),
        ("redis://localhost?timeout=soon", Reason::URL_OPTION),
        ("redis://localhost?protocol=4", Reason::URL_OPTION),
    ] {
        let error = failed(Client::open(address), Status::INVALID);
        assert_eq!(error.reason(), reason, "{address}: {error}");
    }
    let error = failed(Client::open("redis://local\0host"), Status::INVALID);
    assert_eq!(error.position(), Some("redis://local".len()));
}

#[test]
fn wrong_options() {
    for options in [
        ClientOptions::new().prefix("a{b}"),
        ClientOptions::new().client_name("two words"),
        ClientOptions::new().max_in_flight(-1),
        ClientOptions::new().prefix("a\0b"),
    ] {
        failed(Client::open_with(url(), &options), Status::INVALID);
    }
}

#[test]
fn absent_server_is_told_within_the_deadline() {
    let client = Client::open("unix:///nowhere/at/all.sock").unwrap().with_timeout(Duration::from_millis(300));
    let began = Instant::now();
    let error = client.ping().unwrap_err();
    assert!([Status::CONNECTION, Status::TIMEOUT].contains(&error.status()), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn silent_server_is_left_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::open(&format!("redis://{}", listener.local_addr().unwrap())).unwrap();
    let began = Instant::now();
    failed(client.with_timeout(Duration::from_millis(200)).ping(), Status::TIMEOUT);
    let took = began.elapsed();
    assert!(took > Duration::from_millis(150) && took < Duration::from_secs(2), "took {took:?}");
}

#[test]
fn use_after_close() {
    let client = Client::open(url()).unwrap();
    let limiter = client.limiter("closed", "1/s").unwrap();
    client.close().unwrap();
    client.close().unwrap();
    failed(client.ping(), Status::CLOSED);
    failed(limiter.hit("key"), Status::CLOSED);
    failed(client.limiter("late", "1/s"), Status::CLOSED);
}

#[test]
fn objects_outlive_their_client() {
    let limiter = Client::open(url()).unwrap().limiter(support::name("outlive"), "1/h").unwrap();
    assert!(limiter.hit("key").unwrap().allowed());
}

#[test]
fn what_threads_may_share() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Client>();
    shared::<keywright::Limiter>();
    shared::<keywright::AsyncClient>();
    shared::<keywright::AsyncLimiter>();
    shared::<keywright::Error>();
}

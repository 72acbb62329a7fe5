mod support;

use std::thread::sleep;
use std::time::Duration;

use keywright::{AsyncClient, Client, Decision, Held, Limiter, LimiterOptions, Status};
use support::{failed, name, runtime, until, url};

const LEASE: Duration = Duration::from_millis(300);

fn options() -> LimiterOptions {
    LimiterOptions::new().lease(LEASE)
}

/// Lets one at a time, and holds it.
fn one(test: &str) -> (Limiter, Held) {
    let limiter = Client::open(url()).unwrap().limiter_with(name(test), "1 concurrent; 1000/s", &options()).unwrap();
    let held = limiter.hold("key", &hit(&limiter)).unwrap();
    (limiter, held)
}

fn hit(limiter: &Limiter) -> Decision {
    let decision = limiter.hit("key").unwrap();
    assert!(decision.allowed());
    decision
}

fn is_free(limiter: &Limiter) -> bool {
    limiter.peek("key").unwrap().allowed()
}

#[test]
fn it_is_renewed_until_it_is_released() {
    let (limiter, held) = one("renewed");
    for _ in 0..10 {
        sleep(LEASE / 3);
        assert!(!is_free(&limiter));
    }
    assert!(held.is_held());
    held.release().unwrap();
    assert!(is_free(&limiter));
}

#[test]
fn dropping_it_gives_it_back() {
    let (limiter, held) = one("dropped");
    drop(held);
    until("it is free", || is_free(&limiter));
}

#[test]
fn what_was_lost_is_told() {
    let (limiter, held) = one("lost");
    assert!(held.is_held());
    limiter.reset("key").unwrap();
    until("it is known to be lost", || !held.is_held());
    held.release().unwrap();
}

#[test]
fn what_nobody_can_renew_is_lost() {
    let client = Client::open(url()).unwrap();
    let limiter = client.limiter_with(name("closed"), "1 concurrent", &options()).unwrap();
    let held = limiter.hold("key", &hit(&limiter)).unwrap();
    client.close().unwrap();
    until("it is known to be lost", || !held.is_held());
    failed(held.release(), Status::CLOSED);
}

#[test]
fn what_is_not_ones_own_is_not_held() {
    let (limiter, held) = one("another key");
    let other = limiter.hold("other", &held_decision(&limiter)).unwrap();
    until("it is known to be lost", || !other.is_held());
    failed(other.release(), Status::INVALID);
    drop(held);
}

/// A decision that holds something for a key of its own.
fn held_decision(limiter: &Limiter) -> Decision {
    let decision = limiter.hit("its own").unwrap();
    assert!(decision.allowed());
    decision
}

#[test]
fn nothing_is_held_without_a_thread() {
    let client = Client::open(url()).unwrap();
    let rate = client.limiter(name("nothing"), "1/h").unwrap();
    for _ in 0..2 {
        let held = rate.hold("key", &rate.hit("key").unwrap()).unwrap(); // one admitted, one denied
        assert!(held.is_held());
        held.release().unwrap();
    }
}

#[test]
fn awaited() {
    runtime().block_on(async {
        let client = AsyncClient::open(url()).unwrap();
        let limiter = client.limiter_with(name("awaited"), "1 concurrent", &options()).unwrap();
        let decision = limiter.hit("key").await.unwrap();
        let held = limiter.hold("key", &decision).unwrap();
        let early = tokio::time::timeout(4 * LEASE, held.lost()).await;
        assert!(early.is_err() && held.is_held());
        assert!(!limiter.peek("key").await.unwrap().allowed());
        held.release().await.unwrap();
        assert!(limiter.peek("key").await.unwrap().allowed());

        let held = limiter.hold("key", &limiter.hit("key").await.unwrap()).unwrap();
        limiter.reset("key").await.unwrap();
        held.lost().await;
        assert!(!held.is_held());
        drop(held);

        let decision = limiter.hit("key").await.unwrap();
        let held = limiter.hold("key", &decision).unwrap();
        drop((limiter, client)); // the held keeps its client open
        sleep(2 * LEASE);
        assert!(held.is_held());
        held.release().await.unwrap();
    });
}

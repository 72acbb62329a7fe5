mod support;

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use keywright::{
    limits_parse, Algorithm, Client, HttpStyle, Limiter, LimiterHit, LimiterOptions, Reason, Status, Wait, NEVER,
};
use support::{failed, name, url};

fn limiter(test: &str, limits: &str) -> Limiter {
    Client::open(url()).unwrap().limiter(name(test), limits).unwrap()
}

#[test]
fn hit_until_denied() {
    for algorithm in [Algorithm::GCRA, Algorithm::FIXED_WINDOW] {
        let options = LimiterOptions::new().algorithm(algorithm);
        let hits = Client::open(url()).unwrap().limiter_with(name("denied"), "3/h", &options).unwrap();
        for left in [2, 1, 0] {
            let decision = hits.hit("key").unwrap();
            assert!(decision.allowed(), "{algorithm}: {decision:?}");
            assert_eq!((decision.remaining, decision.limit, decision.count), (left, 3, 1));
            assert_eq!(decision.retry_after, Duration::ZERO);
        }
        let decision = hits.hit("key").unwrap();
        assert!(!decision.allowed());
        assert_eq!((decision.status, decision.denied_by, decision.count), (Status::DENIED, 0, 0));
        let minutes = if algorithm == Algorithm::GCRA { 19..=20 } else { 59..=60 };
        assert!(minutes.contains(&(decision.retry_after.as_secs() / 60)), "{algorithm}: {decision:?}");
        assert!(hits.hit("other").unwrap().allowed());
    }
}

#[test]
fn costs() {
    let hits = limiter("costs", "10/h");
    assert_eq!(hits.hit_n("key", 4).unwrap().remaining, 6);
    assert_eq!(hits.hit_n("key", 0).unwrap().remaining, 6);
    assert!(hits.peek_n("key", 6).unwrap().allowed());
    assert!(!hits.peek_n("key", 7).unwrap().allowed());
    let never = hits.hit_n("key", 11).unwrap();
    assert!(!never.allowed());
    assert_eq!(never.retry_after, NEVER);
}

#[test]
fn reset_and_refund() {
    let hits = limiter("refund", "10/h");
    let decision = hits.hit_n("key", 7).unwrap();
    assert!(decision.settles_at[0] > Some(SystemTime::now()));
    assert_eq!(decision.settles_at[1], None);
    hits.refund("key", &decision, 5).unwrap();
    assert_eq!(hits.peek("key").unwrap().remaining, 8);
    failed(hits.refund("key", &decision, 8), Status::INVALID);
    hits.reset("key").unwrap();
    assert_eq!(hits.peek("key").unwrap().remaining, 10);
}

#[test]
fn keys_are_any_bytes() {
    let hits = limiter("bytes", "1/h");
    for key in [&b""[..], b"\0", b"\0\xff", b"{a}", b"%7B", b"a:b"] {
        assert!(hits.hit(key).unwrap().allowed(), "first of {key:?}");
        assert!(!hits.hit(key).unwrap().allowed(), "second of {key:?}");
    }
}

#[test]
fn one_client_sees_what_another_wrote() {
    let shared = name("shared");
    let [first, second] = [0; 2].map(|_| Client::open(url()).unwrap().limiter(&shared, "2/h").unwrap());
    assert_eq!(first.hit("key").unwrap().remaining, 1);
    assert_eq!(second.hit("key").unwrap().remaining, 0);
    assert!(!first.hit("key").unwrap().allowed());
}

#[test]
fn hit_many() {
    let hits = limiter("many", "1/h");
    let keys: Vec<_> = (0..1000).map(|index| (index / 2).to_string()).collect();
    let items: Vec<_> = keys.iter().map(|key| LimiterHit { key: key.as_bytes(), cost: 1 }).collect();
    let allowed: Vec<_> = hits.hit_many(&items).into_iter().map(|decision| decision.unwrap().allowed()).collect();
    // Of the two with one key, one fits; which is not promised.
    assert!(allowed.chunks(2).all(|pair| pair[0] != pair[1]), "{allowed:?}");
    let mixed = [("good", 1), ("bad", -1), ("fine", 1)].map(|(key, cost)| LimiterHit { key: key.as_bytes(), cost });
    for refused in hits.hit_many(&mixed) {
        assert_eq!(failed(refused, Status::INVALID).position(), Some(1));
    }
    assert!(hits.hit("good").unwrap().allowed(), "nothing was sent");
    assert!(hits.hit_many(&[]).is_empty());
}

#[test]
fn wait_is_admitted_in_turn() {
    let hits = limiter("wait", "20/s burst 1");
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert!(hits.wait("key", Wait::For(Duration::from_secs(5))).unwrap().allowed()));
        }
    });
    let took = began.elapsed();
    assert!(took > Duration::from_millis(240) && took < Duration::from_secs(5), "six at 20/s took {took:?}");
}

#[test]
fn wait_beyond_patience_is_denied_at_once() {
    let hits = limiter("patience", "1/h");
    assert!(hits.hit("key").unwrap().allowed());
    let began = Instant::now();
    assert!(!hits.wait("key", Duration::from_secs(20)).unwrap().allowed());
    assert!(!hits.wait("key", Wait::Forever).unwrap().allowed());
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn sixteen_threads_get_their_own_answers() {
    let hits = limiter("threads", "100000/h");
    thread::scope(|scope| {
        for caller in 0..16_i64 {
            let hits = &hits;
            scope.spawn(move || {
                for turn in 1..=50 {
                    let decision = hits.hit_n(caller.to_string(), caller * 10).unwrap();
                    let most = 100_000 - caller * 10 * turn;
                    assert!((most..most + 100).contains(&decision.remaining), "caller {caller}: {decision:?}");
                }
            });
        }
    });
}

#[test]
fn wrong_arguments() {
    let client = Client::open(url()).unwrap();
    let hits = limiter("wrong", "10/s");
    let decision = hits.hit("key").unwrap();
    let long = vec![b'k'; 1025];
    for (error, reason) in [
        (failed(hits.hit(&long), Status::INVALID), Reason::KEY_LENGTH),
        (failed(hits.hit_n("key", -1), Status::INVALID), Reason::RANGE),
        (failed(hits.hit_n("key", 1 << 52), Status::INVALID), Reason::RANGE),
        (failed(hits.refund("key", &decision, 2), Status::INVALID), Reason::DECISION),
        (failed(client.limiter("", "1/s"), Status::INVALID), Reason::NAME_LENGTH),
        (failed(client.limiter(&long[..256], "1/s"), Status::INVALID), Reason::NAME_LENGTH),
        (failed(client.limiter("name", "0/s"), Status::INVALID), Reason::LIMIT_RANGE),
        (failed(client.limiter("name", "1/year burst 1000000"), Status::INVALID), Reason::LIMIT_SIZE),
    ] {
        assert_eq!(error.reason(), reason, "{error}");
        assert!(!error.maybe_applied() && !error.message().is_empty());
    }
    failed(client.limiter("two", "1/s; 2/s"), Status::INVALID);
}

#[test]
fn limit_texts() {
    let limits = limits_parse("10/s burst 20; 1000 per 2 hours as plan").unwrap();
    let told: Vec<_> =
        limits.iter().map(|one| (one.count, one.period.as_secs(), one.burst, one.label.as_str())).collect();
    assert_eq!(told, [(10, 1, 20, ""), (1000, 7200, 1000, "plan")]);
    let error = failed(limits_parse("10/fortnight"), Status::INVALID);
    assert_eq!((error.reason(), error.position()), (Reason::LIMIT_SYNTAX, Some(3)));
}

#[test]
fn http_fields() {
    let hits = Client::open(url()).unwrap().limiter("http \"fields\"", "1/h as plan").unwrap();
    let key = name("http");
    let decision = hits.hit(&key).unwrap();
    let said = |decision, style| String::from_utf8(hits.http_fields(decision, b"", style).unwrap()).unwrap();
    assert_eq!(
        said(&decision, HttpStyle::DRAFT_11),
        "RateLimit-Policy: \"http \\\"fields\\\":plan\";q=1;w=3600\r\nRateLimit: \"http \\\"fields\\\":plan\";r=0;t=3600\r\n"
    );
    let denied = hits.hit(&key).unwrap();
    assert_eq!(
        said(&denied, HttpStyle::LEGACY),
        "X-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 3600\r\nRetry-After: 3600\r\n"
    );
    assert_eq!(failed(hits.http_fields(&denied, [0; 65], HttpStyle::BOTH), Status::INVALID).reason(), Reason::RANGE);
}

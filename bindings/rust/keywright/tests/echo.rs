mod support;

use std::thread;
use std::time::{Duration, Instant};

use keywright::{Client, Echo, EchoSend, Reason, Status};
use support::{failed, until};

fn echo() -> (Client, Echo) {
    let client = Client::open("echo://").unwrap();
    let echo = client.echo().unwrap();
    (client, echo)
}

/// 64-bit FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn send() {
    let (_, echo) = echo();
    for size in [0, 1, 1000, 300_000] {
        let payload: Vec<u8> = (0..size).map(|index| (index * 31) as u8).collect();
        let pair = echo.send_n(&payload, -(size as i64)).unwrap();
        assert_eq!((pair.number, pair.length), (-(size as i64), size as i64));
        assert_eq!(pair.checksum, checksum(&payload));
    }
}

#[test]
fn send_many() {
    let (_, echo) = echo();
    let payload = [7; 700];
    let items: Vec<_> = (0..700).map(|index| EchoSend { payload: &payload[..index], number: index as i64 }).collect();
    for (index, pair) in echo.send_many(&items).into_iter().enumerate() {
        let pair = pair.unwrap();
        assert_eq!((pair.number, pair.length), (index as i64, index as i64));
    }
}

#[test]
fn steps() {
    let (_, echo) = echo();
    let began = Instant::now();
    let pair = echo.steps_n(7, 4, Duration::from_millis(20)).unwrap();
    assert_eq!((pair.number, pair.steps), (7, 4));
    assert!(began.elapsed() > Duration::from_millis(60));
    assert_eq!(failed(echo.steps_n(7, 0, Duration::ZERO), Status::INVALID).reason(), Reason::RANGE);
}

#[test]
fn grant_and_its_no() {
    let (_, echo) = echo();
    assert_eq!(echo.grant_n(2).unwrap().status, Status::OK);
    assert_eq!(echo.grant_n(3).unwrap().status, Status::BUSY);
    assert_eq!(echo.state().unwrap().granted, 1);
}

#[test]
fn late_grant_is_undone() {
    let (client, echo) = echo();
    assert!(echo.send(b"").is_ok());
    echo.hold(true).unwrap();
    let error = failed(echo.with_timeout(Duration::from_millis(50)).grant_n(4), Status::TIMEOUT);
    assert!(error.maybe_applied(), "{error:?}");
    echo.hold(false).unwrap();
    // The link that threads share is read by the next of their calls.
    assert!(echo.send(b"").is_ok());
    until("the grant was given back", || {
        let seen = echo.state().unwrap();
        seen.undone == 1 && seen.granted == 0
    });
    assert!(echo.send(b"").is_ok());
    until("the client counted it", || client.stats().unwrap().undone == 1);
}

#[test]
fn lost_script_is_invisible() {
    let (client, echo) = echo();
    for _ in 0..3 {
        let pair = echo.script_n(11).unwrap();
        assert_eq!((pair.status, pair.number), (Status::OK, 11));
        echo.flush().unwrap();
    }
    assert_eq!(client.stats().unwrap().retries, 3);
}

#[test]
fn dropped_link_is_told() {
    let (_, echo) = echo();
    assert!(echo.send(b"").is_ok());
    echo.hold(true).unwrap();
    thread::scope(|scope| {
        let granted = scope.spawn(|| echo.grant_n(2));
        until("a reply is held", || echo.state().unwrap().held > 0);
        echo.drop().unwrap();
        failed(granted.join().unwrap(), Status::UNKNOWN);
    });
    echo.hold(false).unwrap();
    assert!(echo.send(b"").is_ok());
}

#[test]
fn close_ends_what_waits() {
    let (client, echo) = echo();
    assert!(echo.send(b"").is_ok());
    echo.hold(true).unwrap();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..10).map(|_| scope.spawn(|| echo.send(b""))).collect();
        until("all are held", || echo.state().unwrap().held >= 10);
        client.close().unwrap();
        for call in waiting {
            failed(call.join().unwrap(), Status::CLOSED);
        }
    });
}

mod support;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use keywright::{AsyncClient, AsyncEcho, ClientOptions, EchoSend, Status};
use support::{failed, few_more_threads, runtime, threads, until};
use tokio::time::{sleep, timeout};

fn echo() -> (AsyncClient, AsyncEcho) {
    let client = AsyncClient::open("echo://").unwrap();
    let echo = client.echo().unwrap();
    (client, echo)
}

#[test]
fn each_gets_its_own_answer() {
    let (_, echo) = echo();
    runtime().block_on(async {
        for size in [0, 1, 1000, 300_000] {
            let pair = echo.send_n(vec![1; size], size as i64).await.unwrap();
            assert_eq!((pair.number, pair.length), (size as i64, size as i64));
        }
        assert_eq!(echo.steps_n(7, 4, Duration::from_millis(5)).await.unwrap().steps, 4);
        assert_eq!(echo.grant_n(3).await.unwrap().status, Status::BUSY);
        for _ in 0..3 {
            assert_eq!(echo.script_n(11).await.unwrap().number, 11);
            echo.flush().unwrap();
        }
        let items: Vec<_> = (0..700).map(|number| EchoSend { payload: b"", number }).collect();
        for (number, pair) in echo.send_many(&items).await.into_iter().enumerate() {
            assert_eq!(pair.unwrap().number, number as i64);
        }
    });
}

#[test]
fn thousand_waiting_tasks_hold_no_threads() {
    const TASKS: i64 = 1000;
    let runtime = runtime();
    let (_, echo) = echo();
    assert!(runtime.block_on(echo.send(b"")).is_ok());
    echo.hold(true).unwrap();
    let before = threads();
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let echo = echo.clone();
            runtime.spawn(async move { assert_eq!(echo.send_n(b"", number).await.unwrap().number, number) })
        })
        .collect();
    until("all are held", || echo.state().unwrap().held >= TASKS);
    few_more_threads(before);
    echo.hold(false).unwrap();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn dropping_the_future_cancels_the_call() {
    let runtime = runtime();
    let (client, echo) = echo();
    runtime.block_on(async {
        assert!(echo.send(b"").await.is_ok());
        echo.hold(true).unwrap();
        timeout(Duration::from_millis(50), echo.grant_n(4)).await.expect_err("its reply is held");
        echo.hold(false).unwrap();
    });
    until("the grant was given back", || {
        let seen = echo.state().unwrap();
        seen.undone == 1 && seen.granted == 0
    });
    until("nothing is in flight", || client.stats().unwrap().in_flight == 0);
    assert_eq!(client.stats().unwrap().undone, 1);
}

#[test]
fn late_grant_is_undone() {
    let (_, echo) = echo();
    runtime().block_on(async {
        assert!(echo.send(b"").await.is_ok());
        echo.hold(true).unwrap();
        let error = failed(echo.with_timeout(Duration::from_millis(50)).grant_n(4).await, Status::TIMEOUT);
        assert!(error.maybe_applied(), "{error:?}");
        echo.hold(false).unwrap();
    });
    until("the grant was given back", || echo.state().unwrap().undone == 1);
}

#[test]
fn unpolled_future_sends_nothing() {
    let (_, echo) = echo();
    runtime().block_on(async {
        assert!(echo.send(b"").await.is_ok());
        let before = echo.state().unwrap().received;
        drop(echo.send(b""));
        sleep(Duration::from_millis(20)).await;
        assert_eq!(echo.state().unwrap().received, before);
    });
}

#[test]
fn calls_wait_for_room() {
    let runtime = runtime();
    let options = ClientOptions::new().max_in_flight(8);
    let echo = AsyncClient::open_with("echo://", &options).unwrap().echo().unwrap();
    let answered = Arc::new(AtomicI64::new(0));
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            let (echo, answered) = (echo.clone(), answered.clone());
            runtime.spawn(async move {
                assert_eq!(echo.send_n(b"", number).await.unwrap().number, number);
                answered.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(answered.load(Ordering::Relaxed), 500);
}

#[test]
fn close_ends_what_waits() {
    let runtime = runtime();
    let (client, echo) = echo();
    runtime.block_on(async {
        assert!(echo.send(b"").await.is_ok());
        echo.hold(true).unwrap();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let echo = echo.clone();
                runtime.spawn(async move { echo.send(b"").await })
            })
            .collect();
        until("all are held", || echo.state().unwrap().held >= 50);
        client.close().unwrap();
        for task in tasks {
            failed(task.await.unwrap(), Status::CLOSED);
        }
    });
}

/// Cancelling meets answers at every moment; the slots are used again and nothing is mixed up.
#[test]
fn cancelling_races_answers() {
    let runtime = runtime();
    let (client, echo) = echo();
    let tasks: Vec<_> = (0..8)
        .map(|caller| {
            let echo = echo.clone();
            runtime.spawn(async move {
                for turn in 0..300 {
                    let number = caller * 1000 + turn;
                    let patience = Duration::from_micros(turn as u64 * 7 % 300);
                    if let Ok(pair) = timeout(patience, echo.send_n(b"", number)).await {
                        assert_eq!(pair.unwrap().number, number);
                    }
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(echo.send_n(b"", 5).await.unwrap().number, 5);
    });
    until("nothing is in flight", || client.stats().unwrap().in_flight == 0);
}

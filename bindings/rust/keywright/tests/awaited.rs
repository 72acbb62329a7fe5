mod support;

use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use keywright::{Algorithm, AsyncClient, LimiterHit, LimiterOptions, Reason, Status, Wait};
use support::{failed, few_more_threads, name, runtime, threads, until, url};

/// The least that runs a future: no runtime is needed.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn any_executor_will_do() {
    let client = AsyncClient::open(url()).unwrap();
    let hits = client.limiter(name("executor"), "2/h").unwrap();
    block_on(async {
        client.ping().await.unwrap();
        assert!(client.info().await.unwrap().version_number >= 7_000_000);
        assert_eq!(hits.hit("key").await.unwrap().remaining, 1);
        assert_eq!(hits.peek("key").await.unwrap().remaining, 1);
        let decision = hits.hit("key").await.unwrap();
        assert!(!hits.hit("key").await.unwrap().allowed());
        hits.refund("key", &decision, 1).await.unwrap();
        assert!(hits.hit("key").await.unwrap().allowed());
        hits.reset("key").await.unwrap();
        assert_eq!(hits.peek("key").await.unwrap().remaining, 2);
        failed(hits.hit_n("key", -1).await, Status::INVALID);
    });
}

#[test]
fn thousand_tasks_on_few_threads() {
    const TASKS: usize = 1000;
    let runtime = runtime();
    let hits = AsyncClient::open(url()).unwrap().limiter(name("tasks"), "600/h").unwrap();
    let admitted = Arc::new(AtomicUsize::new(0));
    assert!(runtime.block_on(hits.hit_n("key", 0)).is_ok());
    let before = threads();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (hits, admitted) = (hits.clone(), admitted.clone());
            runtime.spawn(async move {
                if hits.hit("key").await.unwrap().allowed() {
                    admitted.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 600);
    few_more_threads(before);
}

#[test]
fn hit_many() {
    let hits = AsyncClient::open(url()).unwrap().limiter(name("many"), "1/h").unwrap();
    let keys: Vec<_> = (0..1000).map(|index| (index / 2).to_string()).collect();
    let mut items: Vec<_> = keys.iter().map(|key| LimiterHit { key: key.as_bytes(), cost: 1 }).collect();
    items[7].cost = -1;
    for refused in block_on(hits.hit_many(&items)) {
        let error = failed(refused, Status::INVALID);
        assert_eq!((error.reason(), error.position()), (Reason::RANGE, Some(7)));
    }
    items[7].cost = 1;
    let decisions = block_on(hits.hit_many(&items));
    let allowed: Vec<_> = decisions.into_iter().map(|decision| decision.unwrap().allowed()).collect();
    // Of the two with one key, one fits; which is not promised.
    assert!(allowed.chunks(2).all(|pair| pair[0] != pair[1]), "{allowed:?}");
}

#[test]
fn dropped_wait_gives_its_booking_back() {
    let runtime = runtime();
    let client = AsyncClient::open(url()).unwrap();
    let hits = client.limiter(name("booking"), "2/m burst 1").unwrap();
    runtime.block_on(async {
        assert!(hits.hit("key").await.unwrap().allowed());
        let before = hits.peek("key").await.unwrap().reset_after;
        let wait = hits.wait("key", Wait::Forever);
        tokio::time::timeout(Duration::from_millis(100), wait).await.expect_err("it takes 30 s");
        for _ in 0..200 {
            if hits.peek("key").await.unwrap().reset_after < before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the booking never came back");
    });
}

/// Polls it once, as a select would before another branch wins. Says whether it was answered at once.
fn begin<F: Future>(future: &mut Pin<Box<F>>) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn grant_that_nobody_looked_at_comes_back() {
    let client = AsyncClient::open(url()).unwrap();
    for algorithm in [Algorithm::GCRA, Algorithm::FIXED_WINDOW] {
        let options = LimiterOptions::new().algorithm(algorithm);
        let hits = client.limiter_with(name("unseen"), "10/h", &options).unwrap();
        let mut wait = Box::pin(hits.wait_n("key", 7, Wait::Forever));
        assert!(!begin(&mut wait), "it takes a round trip");
        until("it was charged", || block_on(hits.peek("key")).unwrap().remaining == 3);
        thread::sleep(Duration::from_millis(20)); // its answer is here, too
        drop(wait);
        until("it came back", || block_on(hits.peek("key")).unwrap().remaining == 10);
    }
}

/// The answer is not here, here but with the library, or here and laid down: wherever it is, it comes back.
#[test]
fn grants_that_race_who_leaves_come_back() {
    let client = AsyncClient::open(url()).unwrap();
    let options = LimiterOptions::new().algorithm(Algorithm::FIXED_WINDOW);
    let hits = client.limiter_with(name("leaving"), "1000/d", &options).unwrap();
    let mut seen = 0;
    for turn in 0..300 {
        let mut wait = Box::pin(hits.wait("key", Wait::Forever));
        seen += i64::from(begin(&mut wait));
        let end = Instant::now() + Duration::from_micros(turn * 7 % 600);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        drop(wait);
    }
    until("nothing is in flight", || client.stats().unwrap().in_flight == 0);
    until("all came back", || block_on(hits.peek("key")).unwrap().remaining == 1000 - seen);
}

#[test]
fn what_was_looked_at_or_denied_stays() {
    let client = AsyncClient::open(url()).unwrap();
    let hits = client.limiter(name("seen"), "10/h").unwrap();
    assert!(block_on(hits.wait_n("key", 7, Wait::Forever)).unwrap().allowed());
    let mut denied = Box::pin(hits.wait_n("key", 7, Duration::from_millis(1)));
    begin(&mut denied);
    thread::sleep(Duration::from_millis(50));
    drop(denied);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(block_on(hits.peek("key")).unwrap().remaining, 3);
}

#[test]
fn closing_and_dropping_end_the_thread() {
    let before = threads();
    let clients: Vec<_> = (0..20).map(|_| AsyncClient::open(url()).unwrap()).collect();
    for client in &clients[..10] {
        block_on(client.ping()).unwrap();
        client.close().unwrap();
        failed(block_on(client.ping()), Status::CLOSED);
    }
    drop(clients);
    until("the threads are gone", || threads() < before.map(|count| count + 15));
}

#[test]
fn futures_may_move_between_threads() {
    fn sendable<T: Send>(_: &T) {}
    let client = AsyncClient::open(url()).unwrap();
    let hits = client.limiter(name("send"), "1/h").unwrap();
    sendable(&client.ping());
    sendable(&hits.hit("key"));
    sendable(&hits.wait("key", Wait::Forever));
    sendable(&hits.hit_many(&[]));
}

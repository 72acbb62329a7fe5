mod support;

use std::time::Duration;

use keywright::{Bounds, Client, Counter, CounterAddOnce, CounterOptions, CounterValue, Reason, Status};
use support::{name, url};

const HOUR: Duration = Duration::from_secs(3600);

fn counter(test: &str, options: CounterOptions) -> Counter {
    Client::open(url()).unwrap().counter_with(name(test), &options).unwrap()
}

#[test]
fn add_until_refused() {
    let stock = counter("add", CounterOptions::new().bounds(Bounds::BOTH).max(10).ttl(HOUR));
    let added = stock.add_n("key", 7).unwrap();
    assert_eq!((added.status, added.value, added.applied, added.expires_after), (Status::OK, 7, 7, HOUR));
    let refused = stock.add_n("key", 4).unwrap();
    assert_eq!((refused.status, refused.value, refused.applied), (Status::OUT_OF_RANGE, 7, 0));
    assert_eq!(stock.set("key", 11).unwrap_err().reason(), Reason::RANGE);
    let values = stock.value_many(&[CounterValue { key: b"key" }, CounterValue { key: b"nobody" }]);
    assert_eq!(values.into_iter().map(|value| value.unwrap().value).collect::<Vec<_>>(), [7, 0]);
    stock.reset("key").unwrap();
    assert_eq!(stock.value("key").unwrap().value, 0);
}

#[test]
fn once() {
    let paid = counter("once", CounterOptions::new());
    assert!(!paid.add_once("key", "payment").unwrap().duplicate);
    assert!(paid.add_once("key", "payment").unwrap().duplicate);
    let items = [CounterAddOnce { key: b"key", once: b"other", amount: 4 }];
    assert_eq!(paid.add_once_many(&items)[0].as_ref().unwrap().value, 5);
    assert_eq!(paid.take_once("key", "flush").unwrap().value, 5);
    assert_eq!(paid.take_once("key", "flush").unwrap().value, 5);
    assert_eq!(paid.take("key").unwrap().value, 0);
}

#[test]
fn contradictory_options() {
    let client = Client::open(url()).unwrap();
    let error = client.counter_with("x", &CounterOptions::new().window(HOUR).shards(2)).unwrap_err();
    assert_eq!((error.status(), error.reason()), (Status::INVALID, Reason::OPTION));
}

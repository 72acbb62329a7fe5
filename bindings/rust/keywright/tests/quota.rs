mod support;

use std::time::{Duration, SystemTime};

use keywright::{Client, Period, Quota, QuotaOptions, QuotaConsume, Status};
use support::{name, url};

const HOUR: Duration = Duration::from_secs(3600);

fn quota(test: &str, limit: i64) -> Quota {
    let options = QuotaOptions::new().period(Period::MONTH).zone_minutes(60);
    Client::open(url()).unwrap().quota_with(name(test), limit, &options).unwrap()
}

#[test]
fn consume_until_denied() {
    let quota = quota("consume", 100);
    let used = quota.consume_n("key", 30).unwrap();
    assert_eq!((used.status, used.remaining, used.period), (Status::OK, 70, Period::MONTH));
    assert!(used.resets_at > Some(SystemTime::now()));
    let denied = quota.consume_n("key", 71).unwrap();
    assert_eq!((denied.status, denied.retry_after), (Status::DENIED, denied.reset_after));
    quota.refund("key", 30, used.resets_at).unwrap();
    let many = quota.consume_many(&[QuotaConsume { key: b"key", cost: 1 }, QuotaConsume { key: b"key", cost: 100 }]);
    assert_eq!(many[0].as_ref().unwrap().remaining, 99);
    assert_eq!(many[1].as_ref().unwrap().status, Status::DENIED);
    quota.reset("key").unwrap();
    assert_eq!(quota.peek("key").unwrap().used, 0);
}

#[test]
fn reserve_and_settle() {
    let quota = quota("reserve", 100);
    assert_eq!(quota.reserve("key", 60, "a", HOUR).unwrap().remaining, 40);
    assert_eq!(quota.reserve("key", 60, "a", HOUR).unwrap().remaining, 40);
    assert_eq!(quota.reserve("key", 41, "b", HOUR).unwrap().status, Status::DENIED);
    assert_eq!(quota.commit("key", "a", 5).unwrap().used, 5);
    assert_eq!(quota.reserve("key", 60, "a", HOUR).unwrap().status, Status::GONE);
    let unknown = quota.commit("key", "b", 5).unwrap_err();
    assert_eq!(unknown.status(), Status::NOT_FOUND);
    assert!(unknown.to_string().contains("charge what was used by consume"), "{unknown}");
    assert_eq!(quota.cancel("key", "a").unwrap_err().status(), Status::CONFLICT);
}

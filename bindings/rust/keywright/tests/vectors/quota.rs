//! What scenarios of quotas say.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use keywright::{AsyncQuota, Period, Quota, QuotaConsume, QuotaOptions, Result, Status, Usage};
use serde_json::Value;

use crate::read::{asks, bytes, does, list, many, number, text, Words};
use crate::run::{Client, Object, Outcome, Saved};
use crate::words::{duration, each, either, moment, named, opened, us, Either};

pub static WORDS: Words = Words {
    module: "quota",
    must_open: &["name", "limit"],
    may_open: &["period", "zone_minutes"],
    operations: &[
        asks("consume", &["key", "cost"]),
        asks("peek", &["key", "cost"]),
        many("consume_many", &["key", "cost"]),
        asks("reserve", &["key", "cost", "id", "lease_us"]),
        asks("commit", &["key", "id", "actual"]),
        asks("cancel", &["key", "id"]),
        does("refund", &["key", "count", "resets_at_us"]),
        does("reset", &["key"]),
    ],
    fields: &[
        "status",
        "period",
        "count",
        "limit",
        "used",
        "remaining",
        "retry_after_us",
        "reset_after_us",
        "resets_at_us",
    ],
    zero: &[],
    record: "usage",
    open,
};

const PERIODS: &[(&str, Period)] =
    &[("day", Period::DAY), ("week", Period::WEEK), ("month", Period::MONTH), ("year", Period::YEAR)];

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let zone_minutes = i32::try_from(number(spec, "zone_minutes")).expect("an offset");
    let mut options = QuotaOptions::new().zone_minutes(zone_minutes);
    if let Some(period) = named(spec, "period", PERIODS) {
        options = options.period(period);
    }
    let limit = number(spec, "limit");
    Ok(Box::new(opened!(client, quota_with(bytes(spec, "name"), limit, &options))))
}

impl Object for Either<Quota, AsyncQuota> {
    fn call(&self, step: &Value, _: &Saved) -> Result<Vec<Outcome>> {
        let (key, id, cost) = (bytes(step, "key"), bytes(step, "id"), number(step, "cost"));
        let usage = match text(step, "do") {
            "consume" => either!(self, quota => quota.consume_n(&key, cost)),
            "peek" => either!(self, quota => quota.peek_n(&key, cost)),
            "consume_many" => return self.consume_many(list(step, "items")),
            "reserve" => either!(self, quota => quota.reserve(&key, cost, &id, us(step, "lease_us"))),
            "commit" => either!(self, quota => quota.commit(&key, &id, number(step, "actual"))),
            "cancel" => either!(self, quota => quota.cancel(&key, &id)),
            "refund" => {
                let resets_at = Some(UNIX_EPOCH + us(step, "resets_at_us"));
                let count = number(step, "count");
                return either!(self, quota => quota.refund(&key, count, resets_at)).map(|()| Vec::new());
            }
            "reset" => return either!(self, quota => quota.reset(&key)).map(|()| Vec::new()),
            other => panic!("nobody does {other}"),
        };
        Ok(vec![outcome(usage?)])
    }
}

impl Either<Quota, AsyncQuota> {
    fn consume_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> =
            keys.iter().zip(items).map(|(key, item)| QuotaConsume { key, cost: number(item, "cost") }).collect();
        each(either!(self, quota => quota.consume_many(&items)), outcome)
    }
}

fn outcome(usage: Usage) -> Outcome {
    let fields = BTreeMap::from([
        ("status", usage.status.to_string().into()),
        ("period", usage.period.to_string().into()),
        ("count", usage.count.into()),
        ("limit", usage.limit.into()),
        ("used", usage.used.into()),
        ("remaining", usage.remaining.into()),
        ("retry_after_us", duration(usage.retry_after)),
        ("reset_after_us", duration(usage.reset_after)),
        ("resets_at_us", moment(usage.resets_at)),
    ]);
    Outcome { yes: usage.status == Status::OK, kept: Some(Box::new(usage)), fields }
}

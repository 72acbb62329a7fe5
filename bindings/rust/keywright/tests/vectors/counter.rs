//! What scenarios of counters say.

use std::collections::BTreeMap;

use keywright::{AsyncCounter, Bounds, Count, Counter, CounterAdd, CounterOptions, Expiry, OnBound, Result, Status};
use serde_json::Value;

use crate::read::{asks, bytes, does, list, many, number, text, Words};
use crate::run::{Client, Object, Outcome, Saved};
use crate::words::{duration, each, either, named, opened, us, Either};

pub static WORDS: Words = Words {
    module: "counter",
    must_open: &["name"],
    may_open: &[
        "bounds",
        "on_bound",
        "min",
        "max",
        "expiry",
        "zone_minutes",
        "ttl_us",
        "window_us",
        "buckets",
        "shards",
        "remember_us",
        "remember_max",
    ],
    operations: &[
        asks("add", &["key", "amount"]),
        asks("add_once", &["key", "once", "amount"]),
        asks("value", &["key"]),
        asks("take", &["key"]),
        asks("take_once", &["key", "once"]),
        many("add_many", &["key", "amount"]),
        does("set", &["key", "value"]),
        does("reset", &["key"]),
    ],
    fields: &["status", "value", "applied", "expires_after_us", "duplicate"],
    zero: &[],
    record: "count",
    open,
};

const BOUNDS: &[(&str, Bounds)] =
    &[("none", Bounds::NONE), ("min", Bounds::MIN), ("max", Bounds::MAX), ("both", Bounds::BOTH)];
const ON_BOUNDS: &[(&str, OnBound)] = &[("reject", OnBound::REJECT), ("saturate", OnBound::SATURATE)];
const EXPIRIES: &[(&str, Expiry)] = &[
    ("on_create", Expiry::ON_CREATE),
    ("sliding", Expiry::SLIDING),
    ("day", Expiry::DAY),
    ("week", Expiry::WEEK),
    ("month", Expiry::MONTH),
    ("year", Expiry::YEAR),
];

fn options(spec: &Value) -> CounterOptions {
    let mut options = CounterOptions::new();
    if let Some(bounds) = named(spec, "bounds", BOUNDS) {
        options = options.bounds(bounds);
    }
    if let Some(on_bound) = named(spec, "on_bound", ON_BOUNDS) {
        options = options.on_bound(on_bound);
    }
    if let Some(expiry) = named(spec, "expiry", EXPIRIES) {
        options = options.expiry(expiry);
    }
    options
        .min(number(spec, "min"))
        .max(number(spec, "max"))
        .zone_minutes(number(spec, "zone_minutes"))
        .ttl(us(spec, "ttl_us"))
        .window(us(spec, "window_us"))
        .buckets(number(spec, "buckets"))
        .shards(number(spec, "shards"))
        .remember(us(spec, "remember_us"))
        .remember_max(number(spec, "remember_max"))
}

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let (name, options) = (bytes(spec, "name"), options(spec));
    Ok(Box::new(opened!(client, counter_with(name, &options))))
}

impl Object for Either<Counter, AsyncCounter> {
    fn call(&self, step: &Value, _: &Saved) -> Result<Vec<Outcome>> {
        let (key, once, amount) = (bytes(step, "key"), bytes(step, "once"), number(step, "amount"));
        let count = match text(step, "do") {
            "add" => either!(self, counter => counter.add_n(&key, amount)),
            "add_once" => either!(self, counter => counter.add_once_n(&key, &once, amount)),
            "value" => either!(self, counter => counter.value(&key)),
            "take" => either!(self, counter => counter.take(&key)),
            "take_once" => either!(self, counter => counter.take_once(&key, &once)),
            "add_many" => return self.add_many(list(step, "items")),
            "set" => {
                either!(self, counter => counter.set(&key, number(step, "value")))?;
                return Ok(Vec::new());
            }
            "reset" => {
                either!(self, counter => counter.reset(&key))?;
                return Ok(Vec::new());
            }
            other => panic!("nobody does {other}"),
        };
        Ok(vec![outcome(count?)])
    }
}

impl Either<Counter, AsyncCounter> {
    fn add_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> =
            keys.iter().zip(items).map(|(key, item)| CounterAdd { key, amount: number(item, "amount") }).collect();
        each(either!(self, counter => counter.add_many(&items)), outcome)
    }
}

fn outcome(count: Count) -> Outcome {
    let fields = BTreeMap::from([
        ("status", count.status.to_string().into()),
        ("value", count.value.into()),
        ("applied", count.applied.into()),
        ("expires_after_us", duration(count.expires_after)),
        ("duplicate", i64::from(count.duplicate).into()),
    ]);
    Outcome { yes: count.status == Status::OK, kept: Some(Box::new(count)), fields }
}

//! What scenarios of counters say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keywright::{
    AsyncCounter, Bounds, Count, Counter, CounterAdd, CounterOptions, Error, Expiry, OnBound, Result, Status,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::limiter::duration;
use crate::read::{bytes, has, list, number, text, Operation, Words};
use crate::run::{Client, Object, Outcome, Saved};

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
        Operation { name: "add", arguments: &["key", "amount"], answers: true },
        Operation { name: "add_once", arguments: &["key", "once", "amount"], answers: true },
        Operation { name: "value", arguments: &["key"], answers: true },
        Operation { name: "take", arguments: &["key"], answers: true },
        Operation { name: "take_once", arguments: &["key", "once"], answers: true },
        Operation { name: "add_many", arguments: &["items"], answers: true },
        Operation { name: "set", arguments: &["key", "value"], answers: false },
        Operation { name: "reset", arguments: &["key"], answers: false },
    ],
    item: &["key", "amount"],
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

enum Either {
    Blocking(Counter),
    Awaited(AsyncCounter, Arc<Runtime>),
}

/// The same call, of whichever kind.
macro_rules! either {
    ($either:expr, $counter:ident => $call:expr) => {
        match $either {
            Either::Blocking($counter) => $call,
            Either::Awaited($counter, runtime) => runtime.block_on($call),
        }
    };
}

/// The value of an enum by its name.
fn named<T: Copy>(spec: &Value, field: &str, names: &[(&str, T)]) -> Option<T> {
    has(spec, field).then(|| names.iter().find(|(name, _)| *name == text(spec, field)).expect("a known name").1)
}

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
    let us = |field| Duration::from_micros(number(spec, field).unsigned_abs());
    options
        .min(number(spec, "min"))
        .max(number(spec, "max"))
        .zone_minutes(number(spec, "zone_minutes"))
        .ttl(us("ttl_us"))
        .window(us("window_us"))
        .buckets(number(spec, "buckets"))
        .shards(number(spec, "shards"))
        .remember(us("remember_us"))
        .remember_max(number(spec, "remember_max"))
}

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let (name, options) = (bytes(spec, "name"), options(spec));
    Ok(Box::new(match client {
        Client::Blocking(client) => Either::Blocking(client.counter_with(name, &options)?),
        Client::Awaited(client, runtime) => Either::Awaited(client.counter_with(name, &options)?, runtime.clone()),
    }))
}

impl Object for Either {
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

impl Either {
    fn add_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> =
            keys.iter().zip(items).map(|(key, item)| CounterAdd { key, amount: number(item, "amount") }).collect();
        let answers = either!(self, counter => counter.add_many(&items));
        Ok(answers.into_iter().map(|answer| answer.map_or_else(failed, outcome)).collect())
    }
}

fn failed(error: Error) -> Outcome {
    Outcome { kept: None, yes: false, fields: BTreeMap::from([("status", error.status().to_string().into())]) }
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

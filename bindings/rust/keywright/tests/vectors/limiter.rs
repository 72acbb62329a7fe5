//! What scenarios of limiters say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use keywright::{Algorithm, Align, AsyncLimiter, Decision, Error, Limiter, LimiterHit, LimiterOptions, Result, NEVER};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::read::{bytes, has, list, number, text, Operation, Words};
use crate::run::{Client, Object, Outcome, Saved};

pub static WORDS: Words = Words {
    module: "limiter",
    must_open: &["name", "limits"],
    may_open: &[
        "algorithm",
        "max_wait_us",
        "align",
        "zone_offset",
        "shadow",
        "charge_denials",
        "block_us",
        "block_max_us",
        "lease_us",
        "reservations",
    ],
    operations: &[
        Operation { name: "hit", arguments: &["key", "cost"], answers: true },
        Operation { name: "peek", arguments: &["key", "cost"], answers: true },
        Operation { name: "wait", arguments: &["key", "cost", "wait_us"], answers: true },
        Operation { name: "hit_up_to", arguments: &["key", "cost"], answers: true },
        Operation { name: "renew", arguments: &["key", "decision"], answers: true },
        Operation { name: "release", arguments: &["key", "decision"], answers: false },
        Operation { name: "hit_many", arguments: &["items"], answers: true },
        Operation { name: "refund", arguments: &["key", "decision", "count"], answers: false },
        Operation { name: "reserve", arguments: &["key", "cost", "id", "lease_us"], answers: true },
        Operation { name: "commit", arguments: &["key", "id", "actual"], answers: true },
        Operation { name: "cancel", arguments: &["key", "id"], answers: true },
        Operation { name: "reset", arguments: &["key"], answers: false },
    ],
    item: &["key", "cost"],
    fields: &[
        "status",
        "reason",
        "denied_by",
        "limits",
        "binding",
        "decided_at_us",
        "lease",
        "count",
        "limit",
        "remaining",
        "retry_after_us",
        "reset_after_us",
        "delay_us",
    ],
    zero: &["delay_us"],
    record: "decision",
    open,
};

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("gcra", Algorithm::GCRA),
    ("fixed_window", Algorithm::FIXED_WINDOW),
    ("sliding_counter", Algorithm::SLIDING_COUNTER),
    ("sliding_log", Algorithm::SLIDING_LOG),
    ("concurrency", Algorithm::CONCURRENCY),
];

const ALIGNS: &[(&str, Align)] =
    &[("first_hit", Align::FIRST_HIT), ("clock", Align::CLOCK), ("calendar", Align::CALENDAR)];

/// A function that sets one of the options.
type Setter<T> = fn(LimiterOptions, T) -> LimiterOptions;

const DURATIONS: &[(&str, Setter<Duration>)] = &[
    ("max_wait_us", LimiterOptions::max_wait),
    ("block_us", LimiterOptions::block),
    ("block_max_us", LimiterOptions::block_max),
    ("lease_us", LimiterOptions::lease),
];

const FLAGS: &[(&str, Setter<bool>)] = &[
    ("shadow", LimiterOptions::shadow),
    ("charge_denials", LimiterOptions::charge_denials),
    ("reservations", LimiterOptions::reservations),
];

enum Either {
    Blocking(Limiter),
    Awaited(AsyncLimiter, Arc<Runtime>),
}

/// The same call, of whichever kind.
macro_rules! either {
    ($either:expr, $limiter:ident => $call:expr) => {
        match $either {
            Either::Blocking($limiter) => $call,
            Either::Awaited($limiter, runtime) => runtime.block_on($call),
        }
    };
}

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let options = options_of(spec);
    let (name, limits) = (bytes(spec, "name"), text(spec, "limits"));
    Ok(Box::new(match client {
        Client::Blocking(client) => Either::Blocking(client.limiter_with(name, limits, &options)?),
        Client::Awaited(client, runtime) => {
            Either::Awaited(client.limiter_with(name, limits, &options)?, runtime.clone())
        }
    }))
}

fn options_of(spec: &Value) -> LimiterOptions {
    let mut options = LimiterOptions::new();
    if has(spec, "algorithm") {
        options = options.algorithm(named(ALGORITHMS, text(spec, "algorithm")));
    }
    if has(spec, "align") {
        options = options.align(named(ALIGNS, text(spec, "align")));
    }
    if has(spec, "zone_offset") {
        options = options.zone_offset(i32::try_from(number(spec, "zone_offset")).expect("an offset"));
    }
    for (name, set) in DURATIONS.iter().filter(|(name, _)| has(spec, name)) {
        options = set(options, us(spec, name));
    }
    for (name, set) in FLAGS.iter().filter(|(name, _)| has(spec, name)) {
        options = set(options, number(spec, name) == 1);
    }
    options
}

fn named<T: Copy>(values: &[(&str, T)], wanted: &str) -> T {
    values.iter().find(|(name, _)| *name == wanted).expect("a value of that name").1
}

fn us(item: &Value, name: &str) -> Duration {
    Duration::from_micros(number(item, name).unsigned_abs())
}

impl Object for Either {
    fn call(&self, step: &Value, saved: &Saved) -> Result<Vec<Outcome>> {
        let (key, cost) = (bytes(step, "key"), number(step, "cost"));
        let decision = match text(step, "do") {
            "hit" => either!(self, limiter => limiter.hit_n(&key, cost)),
            "peek" => either!(self, limiter => limiter.peek_n(&key, cost)),
            "wait" => either!(self, limiter => limiter.wait_n(&key, cost, us(step, "wait_us"))),
            "hit_up_to" => either!(self, limiter => limiter.hit_up_to(&key, cost)),
            "reserve" => {
                let id = bytes(step, "id");
                either!(self, limiter => limiter.reserve(&key, cost, &id, us(step, "lease_us")))
            }
            "commit" => {
                let id = bytes(step, "id");
                either!(self, limiter => limiter.commit(&key, &id, number(step, "actual")))
            }
            "cancel" => {
                let id = bytes(step, "id");
                either!(self, limiter => limiter.cancel(&key, &id))
            }
            "renew" => {
                let held = either!(self, limiter => limiter.renew(&key, kept(saved, step)))?;
                return Ok(vec![renewed(held)]);
            }
            "release" => {
                either!(self, limiter => limiter.release(&key, kept(saved, step)))?;
                return Ok(Vec::new());
            }
            "hit_many" => return self.hit_many(list(step, "items")),
            "refund" => {
                either!(self, limiter => limiter.refund(&key, kept(saved, step), number(step, "count")))?;
                return Ok(Vec::new());
            }
            "reset" => {
                either!(self, limiter => limiter.reset(&key))?;
                return Ok(Vec::new());
            }
            other => panic!("nobody does {other}"),
        };
        Ok(vec![outcome(decision?)])
    }
}

impl Either {
    /// Each its own answer or failure; but a failure that is all of theirs is that of the call.
    fn hit_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> =
            keys.iter().zip(items).map(|(key, item)| LimiterHit { key, cost: number(item, "cost") }).collect();
        let answers = either!(self, limiter => limiter.hit_many(&items));
        if !answers.is_empty()
            && answers.iter().all(|answer| matches!(answer, Err(error) if error.position().is_some()))
        {
            return answers.into_iter().map(|answer| answer.map(outcome)).collect();
        }
        Ok(answers.into_iter().map(|answer| answer.map_or_else(failed, outcome)).collect())
    }
}

fn kept<'a>(saved: &'a Saved, step: &Value) -> &'a Decision {
    saved[text(step, "decision")].downcast_ref::<Decision>().expect("a decision")
}

/// Whether the lease is held still is all of the answer.
fn renewed(held: bool) -> Outcome {
    let status = if held { "OK" } else { "LOST" };
    Outcome { kept: None, yes: held, fields: BTreeMap::from([("status", status.into()), ("delay_us", 0.into())]) }
}

fn failed(error: Error) -> Outcome {
    Outcome { kept: None, yes: false, fields: BTreeMap::from([("status", error.status().to_string().into())]) }
}

fn outcome(decision: Decision) -> Outcome {
    let decided_at = decision.decided_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let fields = BTreeMap::from([
        ("status", decision.status.to_string().into()),
        ("reason", decision.reason.to_string().into()),
        ("denied_by", decision.denied_by.into()),
        ("limits", decision.limits.into()),
        ("binding", decision.binding.into()),
        ("decided_at_us", duration(decided_at)),
        ("lease", decision.lease.into()),
        ("count", decision.count.into()),
        ("limit", decision.limit.into()),
        ("remaining", decision.remaining.into()),
        ("retry_after_us", duration(decision.retry_after)),
        ("reset_after_us", duration(decision.reset_after)),
        ("delay_us", duration(decision.delay)),
    ]);
    Outcome { yes: decision.allowed(), kept: Some(Box::new(decision)), fields }
}

pub fn duration(duration: Duration) -> Value {
    match duration {
        NEVER => "never".into(),
        duration => i64::try_from(duration.as_micros()).expect("fewer than 2^63 us").into(),
    }
}

//! What scenarios of limiters say.

use std::collections::BTreeMap;
use std::time::Duration;

use keywright::{
    Algorithm, Align, AsyncLimiter, Decision, Limiter, LimiterHit, LimiterOptions, Override, OverrideChange, Result,
    Status,
};
use serde_json::Value;

use crate::read::{asks, bytes, does, has, list, lists, many, number, text, Words};
use crate::run::{Client, Object, Outcome, Saved};
use crate::words::{duration, each, either, hex, moment, named, opened, us, Either};

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
        "overrides_us",
        "token_lease",
        "token_ttl_us",
    ],
    operations: &[
        asks("hit", &["key", "cost"]),
        asks("peek", &["key", "cost"]),
        asks("wait", &["key", "cost", "wait_us"]),
        asks("hit_up_to", &["key", "cost"]),
        asks("renew", &["key", "decision"]),
        does("release", &["key", "decision"]),
        many("hit_many", &["key", "cost"]),
        does("refund", &["key", "decision", "count"]),
        asks("reserve", &["key", "cost", "id", "lease_us"]),
        asks("commit", &["key", "id", "actual"]),
        asks("cancel", &["key", "id"]),
        does("reset", &["key"]),
        asks("set_override", &["key", "limits", "ttl_us"]),
        asks("clear_override", &["key"]),
        lists("overrides", &["after", "count"], &["key", "limits", "version", "ends_at_us"]),
    ],
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
        "version",
        "ends_at_us",
        "changed_at_us",
    ],
    zero: &["delay_us"],
    record: "decision",
    open,
};

pub const ALGORITHMS: &[(&str, Algorithm)] = &[
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
    ("overrides_us", LimiterOptions::overrides),
    ("token_ttl_us", LimiterOptions::token_ttl),
];

const FLAGS: &[(&str, Setter<bool>)] = &[
    ("shadow", LimiterOptions::shadow),
    ("charge_denials", LimiterOptions::charge_denials),
    ("reservations", LimiterOptions::reservations),
];

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let options = options_of(spec);
    let (name, limits) = (bytes(spec, "name"), text(spec, "limits"));
    Ok(Box::new(opened!(client, limiter_with(name, limits, &options))))
}

fn options_of(spec: &Value) -> LimiterOptions {
    let mut options = LimiterOptions::new();
    if let Some(algorithm) = named(spec, "algorithm", ALGORITHMS) {
        options = options.algorithm(algorithm);
    }
    if let Some(align) = named(spec, "align", ALIGNS) {
        options = options.align(align);
    }
    if has(spec, "zone_offset") {
        options = options.zone_offset(i32::try_from(number(spec, "zone_offset")).expect("an offset"));
    }
    if has(spec, "token_lease") {
        options = options.token_lease(number(spec, "token_lease"));
    }
    for (name, set) in DURATIONS.iter().filter(|(name, _)| has(spec, name)) {
        options = set(options, us(spec, name));
    }
    for (name, set) in FLAGS.iter().filter(|(name, _)| has(spec, name)) {
        options = set(options, number(spec, name) == 1);
    }
    options
}

impl Object for Either<Limiter, AsyncLimiter> {
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
            "set_override" => {
                let limits = bytes(step, "limits");
                let change = either!(self, limiter => limiter.set_override(&key, &limits, us(step, "ttl_us")))?;
                return Ok(vec![changed(change)]);
            }
            "clear_override" => {
                let change = either!(self, limiter => limiter.clear_override(&key))?;
                return Ok(vec![changed(change)]);
            }
            "overrides" => {
                let (after, count) = (number(step, "after"), number(step, "count"));
                let found = either!(self, limiter => limiter.overrides_n(after, count))?;
                return Ok(found.into_iter().map(overridden).collect());
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

impl Either<Limiter, AsyncLimiter> {
    fn hit_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> =
            keys.iter().zip(items).map(|(key, item)| LimiterHit { key, cost: number(item, "cost") }).collect();
        each(either!(self, limiter => limiter.hit_many(&items)), outcome)
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

fn changed(change: OverrideChange) -> Outcome {
    let fields = BTreeMap::from([
        ("status", change.status.to_string().into()),
        ("version", change.version.into()),
        ("ends_at_us", moment(change.ends_at)),
        ("changed_at_us", moment(change.changed_at)),
    ]);
    Outcome { yes: change.status == Status::OK, kept: None, fields }
}

fn overridden(one: Override) -> Outcome {
    let fields = BTreeMap::from([
        ("key", String::from_utf8_lossy(&one.key).into()),
        ("key_hex", hex(&one.key).into()),
        ("limits", String::from_utf8_lossy(&one.limits).into()),
        ("version", one.version.into()),
        ("ends_at_us", moment(one.ends_at)),
    ]);
    Outcome { yes: true, kept: None, fields }
}

pub fn outcome(decision: Decision) -> Outcome {
    let fields = BTreeMap::from([
        ("status", decision.status.to_string().into()),
        ("reason", decision.reason.to_string().into()),
        ("denied_by", decision.denied_by.into()),
        ("limits", decision.limits.into()),
        ("binding", decision.binding.into()),
        ("decided_at_us", moment(decision.decided_at)),
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

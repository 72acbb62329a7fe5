//! What scenarios of unique counters say.

use std::collections::BTreeMap;

use keywright::{AsyncUnique, Cardinality, Result, Status, Unique, UniqueAdd, UniqueCount, UniqueOptions};
use serde_json::Value;

use crate::read::{asks, bytes, does, list, many, number, text, Words};
use crate::run::{Client, Object, Outcome, Saved};
use crate::words::{duration, each, either, opened, us, Either};

pub static WORDS: Words = Words {
    module: "unique",
    must_open: &["name"],
    may_open: &["exact_until", "ttl_us", "sliding"],
    operations: &[
        asks("add", &["key", "member"]),
        asks("count", &["key"]),
        many("add_many", &["key", "member"]),
        many("count_many", &["key"]),
        does("reset", &["key"]),
    ],
    fields: &["status", "novelty", "members", "exact", "expires_after_us"],
    zero: &[],
    record: "cardinality",
    open,
};

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let options = UniqueOptions::new()
        .exact_until(number(spec, "exact_until"))
        .ttl(us(spec, "ttl_us"))
        .sliding(number(spec, "sliding") == 1);
    Ok(Box::new(opened!(client, unique_with(bytes(spec, "name"), &options))))
}

impl Object for Either<Unique, AsyncUnique> {
    fn call(&self, step: &Value, _: &Saved) -> Result<Vec<Outcome>> {
        let (key, member) = (bytes(step, "key"), bytes(step, "member"));
        let seen = match text(step, "do") {
            "add" => either!(self, unique => unique.add(&key, &member)),
            "count" => either!(self, unique => unique.count(&key)),
            "add_many" => return self.add_many(list(step, "items")),
            "count_many" => return self.count_many(list(step, "items")),
            "reset" => {
                either!(self, unique => unique.reset(&key))?;
                return Ok(Vec::new());
            }
            other => panic!("nobody does {other}"),
        };
        Ok(vec![outcome(seen?)])
    }
}

impl Either<Unique, AsyncUnique> {
    fn add_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let pairs: Vec<_> = items.iter().map(|item| (bytes(item, "key"), bytes(item, "member"))).collect();
        let items: Vec<_> = pairs.iter().map(|(key, member)| UniqueAdd { key, member }).collect();
        each(either!(self, unique => unique.add_many(&items)), outcome)
    }

    fn count_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let keys: Vec<_> = items.iter().map(|item| bytes(item, "key")).collect();
        let items: Vec<_> = keys.iter().map(|key| UniqueCount { key }).collect();
        each(either!(self, unique => unique.count_many(&items)), outcome)
    }
}

fn outcome(seen: Cardinality) -> Outcome {
    let fields = BTreeMap::from([
        ("status", seen.status.to_string().into()),
        ("novelty", seen.novelty.to_string().into()),
        ("members", seen.members.into()),
        ("exact", i64::from(seen.exact).into()),
        ("expires_after_us", duration(seen.expires_after)),
    ]);
    Outcome { yes: seen.status == Status::OK, kept: Some(Box::new(seen)), fields }
}

//! What scenarios of tops say.

use std::collections::BTreeMap;

use keywright::{AsyncTop, Result, Standing, Status, Top, TopAdd, TopEntry, TopOptions, TopStanding};
use serde_json::Value;

use crate::read::{asks, bytes, does, list, lists, many, number, text, Words};
use crate::run::{Client, Object, Outcome, Saved};
use crate::words::{duration, each, either, hex, opened, us, Either};

pub static WORDS: Words = Words {
    module: "top",
    must_open: &["name"],
    may_open: &["keep", "ttl_us", "sliding"],
    operations: &[
        asks("add", &["key", "member", "delta"]),
        asks("standing", &["key", "member"]),
        lists("best", &["key", "count"], &["rank", "score", "member"]),
        lists("around", &["key", "member", "count"], &["rank", "score", "member"]),
        many("add_many", &["key", "member", "delta"]),
        many("standing_many", &["key", "member"]),
        does("remove", &["key", "member"]),
        does("reset", &["key"]),
    ],
    fields: &["status", "rank", "score", "size", "expires_after_us"],
    zero: &[],
    record: "standing",
    open,
};

fn open(client: &Client, spec: &Value) -> Result<Box<dyn Object>> {
    let options =
        TopOptions::new().keep(number(spec, "keep")).ttl(us(spec, "ttl_us")).sliding(number(spec, "sliding") == 1);
    Ok(Box::new(opened!(client, top_with(bytes(spec, "name"), &options))))
}

impl Object for Either<Top, AsyncTop> {
    fn call(&self, step: &Value, _: &Saved) -> Result<Vec<Outcome>> {
        let (key, member, count) = (bytes(step, "key"), bytes(step, "member"), number(step, "count"));
        let standing = match text(step, "do") {
            "add" => either!(self, top => top.add_n(&key, &member, number(step, "delta"))),
            "standing" => either!(self, top => top.standing(&key, &member)),
            "best" => return either!(self, top => top.best_n(&key, count)).map(entries),
            "around" => return either!(self, top => top.around_n(&key, &member, count)).map(entries),
            "add_many" => return self.add_many(list(step, "items")),
            "standing_many" => return self.standing_many(list(step, "items")),
            "remove" => return either!(self, top => top.remove(&key, &member)).map(|()| Vec::new()),
            "reset" => return either!(self, top => top.reset(&key)).map(|()| Vec::new()),
            other => panic!("nobody does {other}"),
        };
        Ok(vec![outcome(standing?)])
    }
}

impl Either<Top, AsyncTop> {
    fn add_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let pairs = pairs(items);
        let items: Vec<_> = pairs
            .iter()
            .zip(items)
            .map(|((key, member), item)| TopAdd { key, member, delta: number(item, "delta") })
            .collect();
        each(either!(self, top => top.add_many(&items)), outcome)
    }

    fn standing_many(&self, items: &[Value]) -> Result<Vec<Outcome>> {
        let pairs = pairs(items);
        let items: Vec<_> = pairs.iter().map(|(key, member)| TopStanding { key, member }).collect();
        each(either!(self, top => top.standing_many(&items)), outcome)
    }
}

/// Key and member of each item.
fn pairs(items: &[Value]) -> Vec<(Vec<u8>, Vec<u8>)> {
    items.iter().map(|item| (bytes(item, "key"), bytes(item, "member"))).collect()
}

fn entries(listed: Vec<TopEntry>) -> Vec<Outcome> {
    listed.into_iter().map(entry).collect()
}

fn entry(entry: TopEntry) -> Outcome {
    let fields = BTreeMap::from([
        ("rank", entry.rank.into()),
        ("score", entry.score.into()),
        ("member", String::from_utf8_lossy(&entry.member).into()),
        ("member_hex", hex(&entry.member).into()),
    ]);
    Outcome { yes: true, kept: None, fields }
}

fn outcome(standing: Standing) -> Outcome {
    let fields = BTreeMap::from([
        ("status", standing.status.to_string().into()),
        ("rank", standing.rank.into()),
        ("score", standing.score.into()),
        ("size", standing.size.into()),
        ("expires_after_us", duration(standing.expires_after)),
    ]);
    Outcome { yes: standing.status == Status::OK, kept: Some(Box::new(standing)), fields }
}

mod support;

use std::time::Duration;

use keywright::{Client, Novelty, UniqueAdd, UniqueOptions};
use support::{name, url};

#[test]
fn unique_members() {
    let options = UniqueOptions::new().exact_until(2).ttl(Duration::from_secs(3600)).sliding(true);
    let unique = Client::open(url()).unwrap().unique_with(name("unique"), &options).unwrap();
    let seen = unique.add("home", "ann").unwrap();
    assert_eq!((seen.novelty, seen.members, seen.exact), (Novelty::NEW, 1, true));
    assert_eq!(unique.add("home", "ann").unwrap().novelty, Novelty::KNOWN);
    assert_eq!(unique.add("home", "bob").unwrap().members, 2);
    assert!(!unique.add("home", "cid").unwrap().exact);
    let many = unique.add_many(&[UniqueAdd { key: b"home", member: b"ann" }, UniqueAdd { key: b"home", member: b"dan" }]);
    assert_eq!(many[0].as_ref().unwrap().novelty, Novelty::UNTOLD);
    assert_eq!(many[1].as_ref().unwrap().members, 4);
    assert!(unique.count("home").unwrap().expires_after > Duration::from_secs(3500));
    unique.reset("home").unwrap();
    assert_eq!(unique.count("home").unwrap().members, 0);
}

mod support;

use keywright::{AsyncClient, Client, Status, TopAdd, TopOptions};
use support::{name, runtime, url};

#[test]
fn top_of_members() {
    let options = TopOptions::new().keep(10);
    let top = Client::open(url()).unwrap().top_with(name("top"), &options).unwrap();
    for (delta, member) in ["ann", "bob", "cid"].iter().enumerate() {
        assert_eq!(top.add_n("week", member, delta as i64).unwrap().score, delta as i64);
    }
    let told = top.add("week", "ann").unwrap();
    assert_eq!((told.rank, told.score, told.size), (2, 1, 3));
    let best = top.best_n("week", 2).unwrap();
    assert_eq!(best.iter().map(|entry| (entry.rank, entry.score)).collect::<Vec<_>>(), [(1, 2), (2, 1)]);
    assert_eq!(best[0].member, b"cid");
    assert_eq!(top.around_n("week", "bob", 1).unwrap()[0].member, b"ann");
    assert!(top.around("week", "zoe").unwrap().is_empty());
    assert_eq!(top.standing("week", "zoe").unwrap().status, Status::NOT_FOUND);
    let many = top.add_many(&[TopAdd { key: b"week", member: b"zoe", delta: 9 }]);
    assert_eq!(many[0].as_ref().unwrap().rank, 1);
    top.remove("week", "zoe").unwrap();
    assert_eq!(top.best("week").unwrap().len(), 3);
    top.reset("week").unwrap();
    assert!(top.best("week").unwrap().is_empty());
}

#[test]
fn top_awaited() {
    runtime().block_on(async {
        let top = AsyncClient::open(url()).unwrap().top(name("top awaited")).unwrap();
        assert!(top.best("week").await.unwrap().is_empty());
        for number in 0..300 {
            assert_eq!(top.add_n("week", format!("member {number:03}"), number).await.unwrap().rank, 1);
        }
        let best = top.best_n("week", 1000).await.unwrap();
        assert_eq!((best.len(), &best[0].member[..]), (300, &b"member 299"[..]));
        assert_eq!(top.around_n("week", "member 000", 1).await.unwrap().len(), 2);
    });
}

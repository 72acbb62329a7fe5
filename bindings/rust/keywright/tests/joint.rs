mod support;

use keywright::{AsyncClient, Client, DecidedBy, JointOptions, LimiterHit, OnFailure, Reason, Status, NEVER};
use support::{name, runtime, url};

fn hits<'a>(first: (&'a str, i64), second: (&'a str, i64)) -> [LimiterHit<'a>; 2] {
    [first, second].map(|(key, cost)| LimiterHit { key: key.as_bytes(), cost })
}

#[test]
fn joint_of_two() {
    let client = Client::open(url()).unwrap();
    let (user, address) = (client.limiter(name("user"), "10/h").unwrap(), client.limiter(name("ip"), "5/h").unwrap());
    let joint = client.joint(&[&user, &address]).unwrap();
    let yes = joint.hit(&hits(("ann", 2), ("x", 5))).unwrap();
    assert_eq!((yes.status, yes.denied_by, yes.limiters), (Status::OK, -1, 2));
    assert_eq!(yes.decisions.iter().map(|each| each.count).collect::<Vec<_>>(), [2, 5]);
    let no = joint.hit(&hits(("ann", 1), ("x", 1))).unwrap();
    assert_eq!((no.status, no.denied_by, no.reason), (Status::DENIED, 1, DecidedBy::SERVER));
    assert_eq!(no.retry_after, no.decisions[1].retry_after);
    assert!(no.decisions.iter().all(|each| !each.allowed() && each.count == 0));
    assert_eq!(joint.peek(&hits(("ann", 1), ("x", 0))).unwrap().decisions[0].remaining, 8);
    address.refund("x", &yes.decisions[1], 5).unwrap();
    drop((user, address)); // it holds them
    assert_eq!(joint.hit(&hits(("ann", 8), ("x", 1))).unwrap().status, Status::OK);
    assert_eq!(joint.hit(&hits(("ann", 11), ("x", 1))).unwrap().retry_after, NEVER);
}

#[test]
fn joint_refuses() {
    let client = Client::open(url()).unwrap();
    let user = client.limiter(name("user"), "10/h").unwrap();
    let joint = client.joint(&[&user, &user]).unwrap();
    assert_eq!(joint.hit(&hits(("a", 1), ("a", 1))).unwrap_err().reason(), Reason::RANGE);
    assert_eq!(joint.hit(&hits(("a", 1), ("b", -1))).unwrap_err().reason(), Reason::RANGE);
    assert_eq!(joint.peek(&hits(("a", 1), ("b", 1))[..1]).unwrap_err().reason(), Reason::RANGE);
    assert_eq!(client.joint(&[]).unwrap_err().reason(), Reason::RANGE);
    assert_eq!(client.joint(&[&user; 9]).unwrap_err().reason(), Reason::RANGE);
    let other = Client::open(url()).unwrap();
    assert_eq!(other.joint(&[&user]).unwrap_err().reason(), Reason::FOREIGN_CLIENT);
    let local = JointOptions::new().on_failure(OnFailure::LOCAL);
    assert_eq!(client.joint_with(&[&user], &local).unwrap_err().reason(), Reason::OPTION);
}

#[test]
fn joint_awaited() {
    runtime().block_on(async {
        let client = AsyncClient::open(url()).unwrap();
        let user = client.limiter(name("user"), "1000/h").unwrap();
        let all = client.limiter(name("all"), "50/h").unwrap();
        let joint = client.joint(&[&user, &all]).unwrap();
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let joint = joint.clone();
                tokio::spawn(async move {
                    let key = format!("user {number}");
                    joint.hit(&hits((&key, 1), ("all", 1))).await.unwrap().status
                })
            })
            .collect();
        let mut admitted = 0;
        for task in tasks {
            admitted += i32::from(task.await.unwrap() == Status::OK);
        }
        assert_eq!(admitted, 50);
        assert!(!joint.peek(&hits(("user 0", 0), ("all", 1))).await.unwrap().decisions[1].allowed());
    });
}

#[test]
fn joint_policy() {
    let client = Client::open("redis://127.0.0.1:1").unwrap();
    let user = client.limiter("user", "10/h").unwrap();
    let joint = client.joint_with(&[&user], &JointOptions::new().on_failure(OnFailure::DENY)).unwrap();
    let answer = joint.hit(&[LimiterHit { key: b"a", cost: 1 }]).unwrap();
    assert_eq!((answer.status, answer.reason, answer.denied_by), (Status::DENIED, DecidedBy::FAIL_CLOSED, -1));
}

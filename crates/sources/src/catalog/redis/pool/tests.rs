use engine::Holder;

use super::super::access::{Login, Tls};
use super::*;
use crate::credentials::Credentials;

fn access(namespace: &str, password: &str) -> Access {
    let holder = Holder::Secret { namespace: namespace.to_owned(), name: "db".to_owned() };
    let mut credentials = Credentials::default();
    credentials.insert(holder.clone(), [("password".to_owned(), password.as_bytes().to_vec())].into());
    let login = Login { username: None, password: Some(holder.value("password")) };
    Access::of(&login, 0, None::<&Tls>, &credentials).unwrap()
}

fn node(port: u16) -> Node {
    Node::new("cache", port).unwrap()
}

fn pool() -> Pool {
    Pool::new(AddressPolicy::default())
}

fn size(pool: &Pool) -> usize {
    pool.links.lock().unwrap().by_key.len()
}

#[tokio::test]
async fn equal_rights_share_a_link() {
    let pool = pool();
    let first = pool.link(&node(1), &access("shop", "a"));
    assert!(Arc::ptr_eq(&first, &pool.link(&node(1), &access("bank", "a"))));
    assert!(!Arc::ptr_eq(&first, &pool.link(&node(2), &access("shop", "a"))));
    assert!(!Arc::ptr_eq(&first, &pool.link(&node(1), &access("bank", "b"))));
}

#[tokio::test]
async fn a_changed_secret_drops_what_the_old_one_led_to() {
    let pool = pool();
    let old = Arc::downgrade(&pool.link(&node(1), &access("shop", "a")));
    pool.link(&node(1), &access("bank", "a"));
    pool.link(&node(1), &access("shop", "b"));
    assert!(old.upgrade().is_some(), "another namespace still enters with it");
    pool.link(&node(1), &access("bank", "b"));
    assert!(old.upgrade().is_none());
    assert_eq!(size(&pool), 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_is_forgotten() {
    let pool = pool();
    pool.link(&node(1), &access("shop", "a"));
    tokio::time::advance(IDLE_TIMEOUT / 2).await;
    pool.link(&node(2), &access("shop", "a"));
    tokio::time::advance(IDLE_TIMEOUT / 2).await;
    pool.link(&node(2), &access("shop", "a"));
    assert_eq!(size(&pool), 1);
    assert_eq!(pool.links.lock().unwrap().current.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn there_are_never_too_many() {
    let pool = pool();
    for port in 1..=MAX_CONNECTIONS as u16 + 5 {
        pool.link(&node(port), &access("shop", "a"));
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert_eq!(size(&pool), MAX_CONNECTIONS);
    let links = pool.links.lock().unwrap();
    assert!(!links.by_key.contains_key(&access("shop", "a").key(&node(5))));
    assert!(links.by_key.contains_key(&access("shop", "a").key(&node(6))));
}

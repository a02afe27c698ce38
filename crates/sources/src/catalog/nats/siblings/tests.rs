use serde_json::json;

use super::*;

fn places(base: &str, own: serde_json::Value, names: &[&str], routes: serde_json::Value) -> Vec<String> {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let routes: Vec<Route> = serde_json::from_value(routes).unwrap();
    let own = serde_json::from_value(own).unwrap();
    let found = addresses(&base.parse().unwrap(), &own, &names, routes.iter());
    found.iter().map(Url::to_string).collect()
}

#[test]
fn names_of_pods_stand_before_that_of_the_service() {
    let own = json!({"server_id": "A", "server_name": "nats-0"});
    let all = ["nats-0", "nats-1", "nats-2", "not a label", "1.2"];
    let expected =
        ["http://nats-0.nats.shop:8222/", "http://nats-1.nats.shop:8222/", "http://nats-2.nats.shop:8222/"];
    assert_eq!(places("http://nats.shop:8222", own.clone(), &all, json!([])), expected);
    let expected = &expected[1..];
    assert_eq!(
        places("http://nats-0.nats.shop:8222", own.clone(), &all, json!([])),
        expected,
        "but for itself"
    );
    assert_eq!(places("http://10.0.0.1:8222", own, &all, json!([])), [] as [&str; 0]);
}

#[test]
fn hosts_that_the_server_knows_are_taken_with_port_and_path_of_its_own() {
    let own = json!({
        "server_id": "A",
        "server_name": "n1",
        "connect_urls": ["10.0.0.2:4222", "[fd00::2]:4222", "10.0.0.1:4222", "broken"],
        "cluster": {"urls": ["10.0.0.3:6222", "nats-1.peers:6222"]},
    });
    let routes = json!([
        {"remote_id": "B", "remote_name": "n2", "ip": "10.0.0.4"},
        {"remote_id": "C", "ip": "fd00::3"},
        {"remote_id": "D"},
    ]);
    let expected = [
        "http://10.0.0.2:8222/nats",
        "http://10.0.0.3:8222/nats",
        "http://10.0.0.4:8222/nats",
        "http://[fd00::2]:8222/nats",
        "http://[fd00::3]:8222/nats",
        "http://nats-1.peers:8222/nats",
    ];
    assert_eq!(places("http://10.0.0.1:8222/nats", own, &[], routes), expected);
}

#[test]
fn servers_that_share_a_host_have_ports_that_count_up_alike() {
    let own = json!({
        "server_id": "A",
        "server_name": "n2",
        "port": 4223,
        "connect_urls": ["10.0.0.1:4222", "10.0.0.1:4223"],
        "cluster": {"urls": ["127.0.0.1:6222", "127.0.0.1:6223", "127.0.0.1:6224"], "cluster_port": 6223},
    });
    let expected = [
        "http://10.0.0.1:8223/",
        "http://127.0.0.1:8222/",
        "http://10.0.0.1:8222/",
        "http://127.0.0.1:8224/",
    ];
    let sorted = |places: Vec<String>| places.into_iter().collect::<std::collections::BTreeSet<_>>();
    let expected = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(sorted(places("http://127.0.0.1:8223", own, &[], json!([]))), expected);

    // Ports that are none, or that would be none, lead nowhere.
    for (port, place) in
        [(json!("4222"), "a:1"), (json!(null), "a:1"), (json!(60000), "a:1"), (json!(1), "a:b")]
    {
        let own = json!({"server_id": "A", "server_name": "n", "port": port, "connect_urls": [place]});
        assert_eq!(places("http://a:8222", own, &[], json!([])), [] as [&str; 0], "{place}");
    }
}

#[test]
fn a_server_that_knows_too_many_is_not_followed_everywhere() {
    let urls: Vec<_> = (0..1000).map(|number| format!("10.0.{}.{}:1", number / 256, number % 256)).collect();
    let own = json!({"server_id": "A", "server_name": "n1", "connect_urls": urls});
    assert_eq!(places("http://10.1.1.1:8222", own, &[], json!([])).len(), MAX_PLACES);
}

use super::*;

fn policy(deny: &[&str], allow: &[&str]) -> AddressPolicy {
    let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    AddressPolicy { deny: nets(deny), allow: nets(allow) }
}

fn allowed(policy: &AddressPolicy, address: &str) -> bool {
    policy.check(address.parse().unwrap()).is_ok()
}

#[test]
fn link_local_metadata_unspecified_and_multicast_are_always_refused() {
    let policy = AddressPolicy::default();
    for address in [
        "169.254.169.254",
        "169.254.0.1",
        "169.254.255.255",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fe80::1",
        "febf::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::ffff:0.0.0.0",
        "64:ff9b::",
        "224.0.0.1",
        "239.255.255.255",
        "ff02::1",
        "255.255.255.255",
    ] {
        assert!(!allowed(&policy, address), "{address}");
    }
}

#[test]
fn loopback_private_and_public_addresses_are_called() {
    let policy = AddressPolicy::default();
    for address in [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.253.255.255",
        "169.255.0.0",
        "8.8.8.8",
        "::ffff:10.0.0.1",
        "64:ff9b::8.8.8.8",
        "fec0::1",
        "fd00:ec2::253",
        "2001:db8::1",
    ] {
        assert!(allowed(&policy, address), "{address}");
    }
}

#[test]
fn deny_adds_and_allow_makes_exceptions() {
    let policy = policy(&["10.0.0.0/8", "::/0"], &["10.1.0.0/16", "fd00::/8"]);
    for (address, expected) in [
        ("10.2.0.1", false),
        ("::ffff:10.2.0.1", false),
        ("10.1.0.1", true),
        ("::ffff:10.1.0.1", true),
        ("192.168.0.1", true),
        ("2001:db8::1", false),
        ("fd00::1", true),
        ("::1", false),
        ("fd00:ec2::254", false),
    ] {
        assert_eq!(allowed(&policy, address), expected, "{address}");
    }
}

#[test]
fn only_an_explicit_network_opens_what_is_always_refused() {
    let wide = policy(&[], &["0.0.0.0/0", "::/0", "169.0.0.0/8"]);
    assert!(!allowed(&wide, "169.254.169.254"));
    assert!(!allowed(&wide, "fd00:ec2::254"));

    let exact = policy(&[], &["169.254.20.0/24", "fd00:ec2::254/128"]);
    assert!(allowed(&exact, "169.254.20.10"));
    assert!(allowed(&exact, "::ffff:169.254.20.10"));
    assert!(allowed(&exact, "64:ff9b::169.254.20.10"));
    assert!(allowed(&exact, "fd00:ec2::254"));
    assert!(!allowed(&exact, "169.254.169.254"));
}

#[test]
fn a_refusal_says_which_address_and_why() {
    let refused = AddressPolicy::default().check("::ffff:169.254.169.254".parse().unwrap()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "its address 169.254.169.254 is link-local, where clouds serve credentials and is not called"
    );
}

fn permitted(addresses: &[&str]) -> Result<Vec<SocketAddr>, Refused> {
    let found = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0));
    AddressPolicy::default().permitted(found)
}

#[test]
fn refused_addresses_are_left_out() {
    let mixed = permitted(&["169.254.169.254", "10.0.0.1", "fe80::1"]).unwrap();
    assert_eq!(mixed, ["10.0.0.1:0".parse().unwrap()]);
}

#[test]
fn a_name_with_refused_addresses_only_is_refused() {
    assert!(permitted(&["169.254.169.254", "::ffff:169.254.169.254"]).is_err());
    assert_eq!(permitted(&[]), Ok(vec![]));
}

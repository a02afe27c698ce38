//! What keeps the operator from starting, each reported in one plain line.

use std::net::TcpListener;
use std::path::PathBuf;

use crate::command_line::{Files, assert_one_plain_line, run};

/// The operator with no listeners.
const QUIET: [&str; 5] = [
    "operator",
    "--metrics-address=off",
    "--health-address=off",
    "--activity-address=off",
    "--webhook-address=off",
];

#[test]
fn an_api_server_that_is_not_known_is_one_plain_line() {
    let files = Files::new();
    let empty = files.write("empty", "");
    let garbage = files.write("garbage", "{ not: [yaml");
    let missing = files.0.path().join("missing").display().to_string();
    let no_context = files.write("no-context", "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n");
    let cluster = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
        users: [{name: a, user: {}}]\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', certificate-authority: no-such-file}}]\n";
    let no_certificate = files.write("no-certificate", cluster);
    for file in [missing, empty, garbage, no_context, no_certificate] {
        let flag = format!("--kubeconfig={file}");
        let ran = run(&[&QUIET[..], &[&flag]].concat());
        assert_one_plain_line(&ran, &[&format!("kubeconfig {file}: ")]);
    }
    assert_one_plain_line(&run(&QUIET), &["--kubeconfig", "KUBECONFIG", "service account"]);
}

#[test]
fn a_port_that_is_taken_is_one_plain_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (index, flag) in ["--metrics-address", "--health-address", "--activity-address", "--webhook-address"]
        .into_iter()
        .enumerate()
    {
        let mut args: Vec<String> = QUIET.iter().map(|&arg| arg.to_owned()).collect();
        args[index + 1] = format!("{flag}={address}");
        let ran = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_one_plain_line(&ran, &[&address, flag, "off"]);
    }
}

/// Where a certificate is looked for is reported before anything else is tried.
#[test]
fn a_certificate_folder_that_cannot_be_used_is_one_plain_line() {
    let files = Files::new();
    let a_file = files.write("file", "");
    let folder = |name: &str, held: &[(&str, &str)]| {
        let path = files.0.path().join(name);
        std::fs::create_dir(&path).unwrap();
        for (name, text) in held {
            std::fs::write(path.join(name), text).unwrap();
        }
        path.display().to_string()
    };
    let authority = testbed::certificates::Authority::new(files.0.path(), "authority").unwrap();
    let (one, other) = (authority.server("one", &[]).unwrap(), authority.server("other", &[]).unwrap());
    let text = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    let (certificate, key) = (text(&one.certificate), text(&one.key));
    // Not even root writes below a file, or into a part of /proc.
    for (path, words) in [
        (a_file.clone(), "cannot be created"),
        (format!("{a_file}/below"), "cannot be created"),
        ("/proc/self/fdinfo".to_owned(), "none can be created there"),
        (folder("half", &[("tls.crt", &certificate)]), "tls.key"),
        (
            folder("garbage", &[("tls.crt", "garbage"), ("tls.key", &key)]),
            "tls.crt does not contain a \
             certificate",
        ),
        (
            folder("keyless", &[("tls.crt", &certificate), ("tls.key", "")]),
            "tls.key does not contain a \
             private key",
        ),
        (
            folder("strange", &[("tls.crt", &certificate), ("tls.key", &text(&other.key))]),
            "tls.key does not belong to tls.crt",
        ),
    ] {
        for address in ["off", "127.0.0.1:0"] {
            let flags = [format!("--webhook-address={address}"), format!("--cert-dir={path}")];
            let ran = run(&[&QUIET[..4], &[&flags[0], &flags[1]]].concat());
            assert_one_plain_line(&ran, &[&format!("certificate directory {path}: "), words]);
        }
    }
}

#[test]
fn an_audit_file_that_cannot_be_written_is_one_plain_line() {
    let files = Files::new();
    let below = format!("{}/audit.jsonl", files.write("file", ""));
    let flag = format!("--audit-file={below}");
    let ran = run(&[&QUIET[..], &[&flag]].concat());
    assert_one_plain_line(&ran, &[&format!("--audit-file {below} cannot be opened"), "name a writable file"]);
}

//! A caBundle: several authorities as PEM, one after the other.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// More are never kept: one for each of two replicas, their successors, and one to spare.
const MOST: usize = 5;

/// The bundle with `authority` in front; `None` where it has all of it already.
///
/// What was there stays behind it, as a replica may still show a certificate of an older
/// authority, or one of its own.
pub(super) fn with(bundle: &[u8], authority: &[u8]) -> Option<Vec<u8>> {
    let (old, mut all) = (blocks(bundle), blocks(authority));
    if all.iter().all(|block| old.contains(block)) {
        return None;
    }
    let room = MOST.saturating_sub(all.len());
    let others: Vec<String> = old.into_iter().filter(|block| !all.contains(block)).take(room).collect();
    all.extend(others);
    Some(all.concat().into_bytes())
}

/// The certificates in a text, each in one form of white space.
fn blocks(pem: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(pem);
    let parts = text.split(BEGIN).skip(1).filter_map(|part| part.split_once(END));
    let block = |(body, _): (&str, &str)| {
        let lines: Vec<&str> = body.split_whitespace().collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    };
    parts.map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::{MOST, with};

    fn pem(body: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn added(bundle: &str, authority: &str) -> Option<String> {
        with(bundle.as_bytes(), authority.as_bytes()).map(|bundle| String::from_utf8(bundle).unwrap())
    }

    #[test]
    fn the_new_one_comes_first_and_the_old_ones_stay() {
        assert_eq!(added("", &pem("QQ==")).unwrap(), pem("QQ=="));
        assert_eq!(added(&pem("QQ=="), &pem("Qg==")).unwrap(), pem("Qg==") + &pem("QQ=="));
        let two = pem("Qw==") + &pem("QQ==");
        assert_eq!(added(&pem("QQ=="), &two).unwrap(), two);
    }

    #[test]
    fn what_is_there_already_is_not_written_again() {
        let bundle = pem("QQ==") + &pem("Qg==");
        assert_eq!(added(&bundle, &pem("Qg==")), None);
        assert_eq!(added(&bundle.replace('\n', "\r\n"), &pem("QQ==")), None);
        assert_eq!(added(&bundle, ""), None);
    }

    #[test]
    fn what_is_no_certificate_goes() {
        for garbage in ["\n", "nonsense", "-----BEGIN CERTIFICATE-----\ncut off"] {
            assert_eq!(added(garbage, &pem("QQ==")).unwrap(), pem("QQ=="));
        }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut bundle = String::new();
        for index in 0..2 * MOST {
            bundle = added(&bundle, &pem(&format!("{index}"))).unwrap();
        }
        let wanted: String = (MOST..2 * MOST).rev().map(|index| pem(&format!("{index}"))).collect();
        assert_eq!(bundle, wanted);
    }
}

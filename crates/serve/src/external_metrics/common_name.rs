//! The common name in the subject of a certificate, which the TLS library has no use for.

/// Where an attribute's type says that it is a common name: 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;

/// The last common name in `subject`, which is the inside of a DER-encoded name: sets of sequences of a type and a
/// value. `None` where there is none, or it is no text of these encodings.
pub(super) fn common_name(mut subject: &[u8]) -> Option<String> {
    let mut name = None;
    while !subject.is_empty() {
        let (SET, mut set, rest) = element(subject)? else { return None };
        subject = rest;
        while !set.is_empty() {
            let (SEQUENCE, attribute, rest) = element(set)? else { return None };
            set = rest;
            let (OBJECT_IDENTIFIER, kind, value) = element(attribute)? else { return None };
            if kind == COMMON_NAME {
                let (UTF8 | PRINTABLE | IA5, text, _) = element(value)? else { return None };
                name = Some(String::from_utf8(text.to_vec()).ok()?);
            }
        }
    }
    name
}

/// The first element's tag and content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81 => {
            let (&length, bytes) = bytes.split_first()?;
            (usize::from(length), bytes)
        }
        0x82 => {
            let (length, bytes) = bytes.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn name_of(entries: &[(DnType, &str)]) -> Option<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in entries {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let parsed = webpki::EndEntityCert::try_from(certificate.der()).unwrap();
        common_name(parsed.subject())
    }

    #[test]
    fn it_is_found_among_other_attributes() {
        let long = "n".repeat(200);
        assert_eq!(name_of(&[(DnType::CommonName, "front-proxy-client")]).unwrap(), "front-proxy-client");
        assert_eq!(
            name_of(&[(DnType::OrganizationName, "system:masters"), (DnType::CommonName, &long)]).unwrap(),
            long
        );
        assert_eq!(name_of(&[(DnType::OrganizationName, "front-proxy-client")]), None);
        assert_eq!(name_of(&[]), None);
    }

    #[test]
    fn what_is_cut_off_has_none() {
        let whole = [0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03, b'a', b'b', b'c'];
        assert_eq!(common_name(&whole).as_deref(), Some("abc"));
        for end in 1..whole.len() {
            assert_eq!(common_name(&whole[..end]), None, "{end}");
        }
    }
}

//! Makes a certificate where nobody gives one.
//!
//! Each has an authority of its own whose key is thrown away once it has signed: what is kept can
//! serve, and cannot sign for anyone else.

use std::time::Duration;

use engine::Time;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::CertificateFiles;

/// How long a made certificate is valid.
pub(super) const VALID: Duration = Duration::from_secs(365 * DAY);

const DAY: u64 = 24 * 3600;

/// The first line of a certificate that was made here. PEM allows text around its blocks.
const MARK: &[u8] = b"# created by polyscaler, which renews it\n";

/// Whether the files were made here, and may be replaced.
pub(super) fn is_made(files: &CertificateFiles) -> bool {
    files.certificate.starts_with(MARK)
}

/// A certificate for `names` with its key and its authority, valid from the day before `now`, as
/// clocks differ.
///
/// # Errors
/// A sentence where the names or the date make no certificate.
pub(super) fn make(names: &[String], now: Time) -> Result<CertificateFiles, String> {
    let failed = |error: rcgen::Error| format!("a certificate cannot be created: {error}");
    let (begin, end) = (day(now.minus(Duration::from_secs(DAY)))?, day(now.plus(VALID))?);
    let date = |(year, month, day)| date_time_ymd(year, month, day);

    let mut authority = CertificateParams::default();
    // Two authorities of one name, the old and the new, are distinguished by their keys.
    authority.distinguished_name.push(DnType::CommonName, "polyscaler");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (authority.not_before, authority.not_after) = (date(begin), date(end));
    let authority_key = KeyPair::generate().map_err(failed)?;
    let authority_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();

    let mut server = CertificateParams::new(names).map_err(failed)?;
    server.distinguished_name.push(DnType::CommonName, "polyscaler server");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    (server.not_before, server.not_after) = (date(begin), date(end));
    let key = KeyPair::generate().map_err(failed)?;
    let issuer = Issuer::new(authority, authority_key);
    let certificate = server.signed_by(&key, &issuer).map_err(failed)?;
    Ok(CertificateFiles {
        certificate: [MARK, certificate.pem().as_bytes()].concat(),
        key: key.serialize_pem().into_bytes(),
        authority: Some(authority_pem.into_bytes()),
    })
}

fn day(time: Time) -> Result<(i32, u8, u8), String> {
    let timestamp = jiff::Timestamp::from_millisecond(time.as_millis())
        .map_err(|error| format!("a certificate cannot be created: {error}"))?;
    let date = timestamp.to_zoned(jiff::tz::TimeZone::UTC).date();
    Ok((i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs()))
}

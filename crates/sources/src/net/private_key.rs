//! Private keys in PEM, also those that a password protects (PKCS #8).
//!
//! How much work a password takes stands in the key, which anybody may have made: what would take seconds or much memory is
//! refused.

use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::pkcs5::{self, EncryptionScheme};
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::tls::Unusable;

/// What a key with a password stands between.
const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// Rounds of PBKDF2 at most: three times as many as are recommended.
const MOST_ROUNDS: u32 = 2_000_000;
/// Bytes that scrypt may go over at most; what OpenSSL makes takes 16 MiB.
const MOST_MEMORY: u64 = 64 * 1024 * 1024;

/// The private key in `pem`, which `password` protects where it is protected.
///
/// # Errors
/// There is none, or not by this password.
pub(super) fn private_key(pem: &[u8], password: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, Unusable> {
    let Some(protected) = protected(pem) else {
        return PrivateKeyDer::from_pem_slice(pem).map_err(|_| Unusable::Key);
    };
    let password = password.ok_or(Unusable::Locked)?;
    let (_, document) = SecretDocument::from_pem(protected).map_err(|_| Unusable::Key)?;
    let key = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| Unusable::Key)?;
    if !is_quick(&key.encryption_algorithm) {
        return Err(Unusable::Protection);
    }
    let key = key.decrypt(password).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(
            pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs5::Error::AlgorithmParametersInvalid { .. },
        ) => Unusable::Protection,
        // What a wrong password leads to may even look like something for a moment.
        _ => Unusable::Password,
    })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// The part of `pem` that is a key with a password, where there is one.
fn protected(pem: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(pem).ok()?;
    let begun = &text[text.find(BEGIN)?..];
    Some(begun.find(END).map_or(begun, |end| &begun[..end + END.len()]))
}

/// Whether a password is tried in a moment.
fn is_quick(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return false };
    match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MOST_ROUNDS,
        Kdf::Scrypt(scrypt) => {
            let [block, parallel] = [scrypt.block_size, scrypt.parallelization].map(u64::from);
            let memory = scrypt.cost_parameter.saturating_mul(128 * block);
            memory.saturating_mul(parallel) <= MOST_MEMORY
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// What openssl makes of `input` with these arguments.
    fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
        let program = testbed::programs::ensure(&testbed::programs::OPENSSL, &mut |_| {}).unwrap();
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(input).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}");
        output.stdout
    }

    #[test]
    fn contract_6_2_a_key_may_have_a_password() {
        let plain = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], b"");
        let known = private_key(&plain, None).unwrap();
        assert_eq!(private_key(&plain, Some(b"any")), Ok(known.clone_key()), "it needs none");
        let protect = ["pkcs8", "-topk8", "-passout", "pass:open sesame"];
        for how in
            [&["-v2", "aes-256-cbc"][..], &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"], &["-scrypt"]]
        {
            let locked = openssl(&[&protect[..], how].concat(), &plain);
            assert_eq!(private_key(&locked, Some(b"open sesame")), Ok(known.clone_key()), "{how:?}");
            assert_eq!(private_key(&locked, Some(b"sesame")), Err(Unusable::Password), "{how:?}");
            let noted = [b"a note\n".as_slice(), &locked, b"another\n"].concat();
            assert_eq!(private_key(&noted, None), Err(Unusable::Locked), "{how:?}");
            let cut = &locked[..locked.len() / 2];
            assert_eq!(private_key(cut, Some(b"open sesame")), Err(Unusable::Key));
        }
    }

    #[test]
    fn a_key_that_takes_long_is_refused() {
        let plain = openssl(&["genpkey", "-algorithm", "ED25519"], b"");
        let protect = ["pkcs8", "-topk8", "-passout", "pass:a"];
        for how in [&["-iter", "2000001"][..], &["-scrypt", "-scrypt_p", "8"]] {
            let locked = openssl(&[&protect[..], how].concat(), &plain);
            assert_eq!(private_key(&locked, Some(b"a")), Err(Unusable::Protection), "{how:?}");
        }
    }
}

//! Certificates for one control plane: its authorities, the API server's
//! serving certificate, client certificates by user name, the front proxy's
//! client and the key that signs service account tokens. All end up as files in
//! the control plane's folder, because that is how its programs take them.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The names and addresses that the API server is called by.
const SERVER_NAMES: [&str; 6] = [
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// The files of one certificate and its private key, both PEM.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key, readable by the owner only.
    pub key: PathBuf,
}

/// A certificate authority that writes what it signs into a folder.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    files: KeyFiles,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority whose own certificate is `<directory>/<name>.crt`.
    pub fn new(directory: &Path, name: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key)?;
        let files = write_pair(directory, name, &certificate.pem(), &key)?;
        Ok(Self { directory: directory.to_owned(), files, issuer: Issuer::new(params, key) })
    }

    /// The authority's own certificate and key.
    #[must_use]
    pub fn files(&self) -> &KeyFiles {
        &self.files
    }

    /// A serving certificate for the API server's names, or for others of a loopback server.
    pub fn server(&self, name: &str, extra_names: &[&str]) -> anyhow::Result<KeyFiles> {
        let names: Vec<String> = SERVER_NAMES.iter().chain(extra_names).map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(name, params)
    }

    /// A client certificate for a user, in `<file>.crt`. A certificate made
    /// here carries one group at most: the library keeps one value a name part.
    pub fn client(&self, file: &str, user: &str, groups: &[&str]) -> anyhow::Result<KeyFiles> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        match groups {
            [] => {}
            [group] => params.distinguished_name.push(DnType::OrganizationName, *group),
            more => bail!("a client certificate carries one group at most, {} asked for {user}", more.len()),
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(file, params)
    }

    fn sign(&self, file: &str, mut params: CertificateParams) -> anyhow::Result<KeyFiles> {
        let key = KeyPair::generate()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        write_pair(&self.directory, file, &certificate.pem(), &key)
    }
}

/// A key pair in two files, without a certificate: `<name>.key` and `<name>.pub`.
pub(crate) fn signing_key(directory: &Path, name: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    let key = KeyPair::generate()?;
    let (private, public) = (directory.join(format!("{name}.key")), directory.join(format!("{name}.pub")));
    write_private(&private, &key.serialize_pem())?;
    write_private(&public, &key.public_key_pem())?;
    Ok((private, public))
}

fn write_pair(directory: &Path, name: &str, certificate: &str, key: &KeyPair) -> anyhow::Result<KeyFiles> {
    let files = KeyFiles {
        certificate: directory.join(format!("{name}.crt")),
        key: directory.join(format!("{name}.key")),
    };
    write_private(&files.certificate, certificate)?;
    write_private(&files.key, &key.serialize_pem())?;
    Ok(files)
}

/// Writes a file that only its owner reads.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

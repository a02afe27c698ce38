use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::ClientCertVerified;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::*;

/// The first second of the year 2030, with which certificates of [`Authority`] end.
const END: u64 = 1_893_456_000;
const NAME: &str = "front-proxy-client";

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "front-proxy-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Whoever has shown a new certificate for `name`.
    fn peer(&self, name: &str) -> PeerCertificates {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2030, 1, 1));
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap();
        PeerCertificates([certificate.der().clone()].into())
    }

    /// How its front proxy is known, and how often a certificate has been verified.
    fn known(&self) -> (Known, Arc<Counted>) {
        let proxy = FrontProxy {
            authorities: self.pem.clone(),
            names: vec![NAME.to_owned()],
            ..FrontProxy::default()
        };
        let known = Known::new(proxy).unwrap();
        let counted = Arc::new(Counted { verifier: known.verifier, count: AtomicUsize::new(0) });
        (Known { verifier: counted.clone(), ..known }, counted)
    }
}

fn at(second: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(second))
}

/// Counts how often it is asked.
#[derive(Debug)]
struct Counted {
    verifier: Arc<dyn ClientCertVerifier>,
    count: AtomicUsize,
}

impl Counted {
    /// How often since the last look.
    fn take(&self) -> usize {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl ClientCertVerifier for Counted {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.verifier.verify_client_cert(certificate, chain, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_verified_once_in_ten_seconds() {
    let authority = Authority::new();
    let (known, counted) = authority.known();
    let peer = authority.peer(NAME);
    let noon = END - 43_200;
    for second in 0..10 {
        // The same one on another connection, too.
        let again = PeerCertificates(peer.0.iter().cloned().collect());
        assert!(known.is_proxy(&peer, at(noon + second)) && known.is_proxy(&again, at(noon + second)));
        tokio::time::advance(Duration::from_millis(999)).await;
    }
    assert_eq!(counted.take(), 2, "now and for the ten seconds");
    tokio::time::advance(Duration::from_millis(10)).await;
    assert!(known.is_proxy(&peer, at(noon + 9)));
    assert_eq!(counted.take(), 2, "ten seconds have passed, whatever the clock says that people set");
    for set_to in [noon + 8, noon + 3_600] {
        assert!(known.is_proxy(&peer, at(set_to)));
        assert_eq!(counted.take(), 2, "it is not known for that time");
    }
    assert!(known.is_proxy(&authority.peer(NAME), at(noon)));
    assert_eq!(counted.take(), 2, "another certificate");
}

#[tokio::test(start_paused = true)]
async fn near_its_end_it_is_verified_each_time_and_after_it_refused_at_once() {
    let authority = Authority::new();
    let (known, counted) = authority.known();
    let peer = authority.peer(NAME);
    assert!(known.is_proxy(&peer, at(END - 10)));
    assert_eq!(counted.take(), 2);
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(known.is_proxy(&peer, at(END - 1)));
    assert_eq!(counted.take(), 0, "known to be valid then");
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..2 {
        assert!(known.is_proxy(&peer, at(END)));
        assert_eq!(counted.take(), 2, "nothing is kept that ends within ten seconds");
        assert!(!known.is_proxy(&peer, at(END + 1)));
        assert_eq!(counted.take(), 1);
    }
    let (known, _) = authority.known();
    assert!(known.is_proxy(&peer, at(END - 20)));
    assert!(!known.is_proxy(&peer, at(END + 1)), "also where the clock is set forward meanwhile");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_stays_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (known, counted) = authority.known();
    assert!(known.is_proxy(&authority.peer(NAME), at(END - 60)));
    counted.take();
    let [mut with_more, proxy] = [other.peer(NAME), authority.peer(NAME)];
    with_more.0 = with_more.0.iter().chain(proxy.0.iter()).cloned().collect();
    for refused in [other.peer(NAME), authority.peer("somebody-else"), with_more] {
        for _ in 0..3 {
            assert!(!known.is_proxy(&refused, at(END - 60)));
            assert_eq!(counted.take(), 1);
        }
    }
    assert!(!known.is_proxy(&PeerCertificates([].into()), at(END - 60)), "who has shown none");
}

#[tokio::test(start_paused = true)]
async fn no_more_are_kept_than_there_are_front_proxies() {
    let authority = Authority::new();
    let (known, _) = authority.known();
    for _ in 0..MOST + 2 {
        assert!(known.is_proxy(&authority.peer(NAME), at(END - 60)));
    }
    assert_eq!(known.verified.lock().unwrap().len(), MOST);
    tokio::time::advance(Duration::from_secs(VALID)).await;
    assert!(known.is_proxy(&authority.peer(NAME), at(END - 60)));
    assert_eq!(known.verified.lock().unwrap().len(), 1);
}
